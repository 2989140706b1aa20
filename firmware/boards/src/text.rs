//! What the emitted Verilog says of its modules. It is our own emitter's text, one declaration a line.

use std::collections::BTreeMap;

use crate::port::{Direction, Port};

/// A module.
#[derive(Debug, Default)]
pub(crate) struct Module<'a> {
    /// Its ports, in their order.
    pub ports: Vec<Port>,
    /// Width and words of the memory in it.
    pub memory: Option<(usize, usize)>,
    /// Modules in it: which, and what they are called.
    pub instances: Vec<(&'a str, &'a str)>,
}

/// The modules by name.
pub(crate) fn modules(verilog: &str) -> BTreeMap<&str, Module<'_>> {
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    let mut current = None;
    for line in verilog.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("module ") {
            let name = rest.split('(').next().unwrap_or(rest).trim();
            current = Some(name);
            modules.insert(name, Module::default());
            continue;
        }
        let Some(module) = current.and_then(|name| modules.get_mut(name)) else { continue };
        if let Some(port) = port(line) {
            module.ports.push(port);
        } else if let Some(found) = memory(line) {
            module.memory = Some(found);
        } else if let Some((of, instance)) = line.strip_suffix('(').and_then(|head| head.split_once(' ')) {
            // What is not the name of a module is sorted out by whoever looks it up.
            module.instances.push((of, instance.trim()));
        }
    }
    modules
}

/// `input wire  [7:0] s_axis_rx_0_tkeep;`
fn port(line: &str) -> Option<Port> {
    let (direction, rest) = match line.split_once(' ')? {
        ("input", rest) => (Direction::In, rest),
        ("output", rest) => (Direction::Out, rest),
        _ => return None,
    };
    let words: Vec<&str> = rest.strip_suffix(';')?.split_whitespace().collect();
    let (width, name) = match words[..] {
        [_, name] => (1, name),
        [_, range, name] => (range.strip_prefix('[')?.strip_suffix(":0]")?.parse::<usize>().ok()? + 1, name),
        _ => return None,
    };
    Some(Port { name: name.to_owned(), direction, width })
}

/// `reg [303:0] mem [0:1023];`: bits and words.
pub(crate) fn memory(line: &str) -> Option<(usize, usize)> {
    let (width, words) = line.trim().strip_prefix("reg [")?.strip_suffix("];")?.split_once(":0] mem [0:")?;
    Some((width.parse::<usize>().ok()? + 1, words.parse::<usize>().ok()? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_memories_and_instances_are_read() {
        let verilog = "module a(x,y);\n    input wire  x;\n    output reg  [7:0] y;\n    a_b b(\n        .z(y)\n    );\nendmodule\n\
                       module a_b(z);\nreg [303:0] mem [0:1023];\nendmodule\n";
        let modules = modules(verilog);
        let port = |name: &str, direction, width| Port { name: name.into(), direction, width };
        assert_eq!(modules["a"].ports, [port("x", Direction::In, 1), port("y", Direction::Out, 8)]);
        assert_eq!(modules["a"].instances, [("a_b", "b")]);
        assert_eq!(modules["a_b"].memory, Some((304, 1024)));
    }
}
