//! What the emitted Verilog says of its modules. It is our own emitter's text, one declaration a line.

use std::collections::BTreeMap;

use crate::memory::Place;
use crate::port::{Direction, Port};

/// A memory as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Bits of a word.
    pub width: usize,
    /// Words.
    pub words: usize,
    /// Asks for lookup tables itself: it is small, or read without a clock.
    pub lut: bool,
}

/// A module.
#[derive(Debug, Default)]
pub(crate) struct Module<'a> {
    /// Its ports, in their order.
    pub ports: Vec<Port>,
    /// The memory in it.
    pub memory: Option<Declared>,
    /// Modules in it: which, and what they are called.
    pub instances: Vec<(&'a str, &'a str)>,
}

/// The modules by name.
pub(crate) fn modules(verilog: &str) -> BTreeMap<&str, Module<'_>> {
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    let mut current = None;
    let mut before = "";
    for line in verilog.lines().map(str::trim) {
        let previous = std::mem::replace(&mut before, line);
        if let Some(rest) = line.strip_prefix("module ") {
            let name = rest.split('(').next().unwrap_or(rest).trim();
            current = Some(name);
            modules.insert(name, Module::default());
            continue;
        }
        let Some(module) = current.and_then(|name| modules.get_mut(name)) else { continue };
        if let Some(port) = port(line) {
            module.ports.push(port);
        } else if let Some(found) = memory(previous, line) {
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

/// `reg [303:0] mem [0:1023];` behind a line that may say what it is made of.
pub(crate) fn memory(previous: &str, line: &str) -> Option<Declared> {
    let (width, rest) = line.trim().strip_prefix("reg [")?.split_once(":0] ")?;
    let (_, words) = rest.strip_suffix("];")?.split_once(" [0:")?;
    let lut = previous.contains(Place::Lut.style());
    Some(Declared { width: width.parse::<usize>().ok()? + 1, words: words.parse::<usize>().ok()? + 1, lut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_memories_and_instances_are_read() {
        let verilog = "module a(x,y);\n    input wire  x;\n    output reg  [7:0] y;\n    a_b b(\n        .z(y)\n    );\nendmodule\n\
                       module a_b(z);\n(* ram_style = \"distributed\" *)\nreg [303:0] mem [0:1023];\nendmodule\n";
        let modules = modules(verilog);
        let port = |name: &str, direction, width| Port { name: name.into(), direction, width };
        assert_eq!(modules["a"].ports, [port("x", Direction::In, 1), port("y", Direction::Out, 8)]);
        assert_eq!(modules["a"].instances, [("a_b", "b")]);
        assert_eq!(modules["a_b"].memory, Some(Declared { width: 304, words: 1024, lut: true }));
    }
}
