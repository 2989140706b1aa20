//! The port list of a model, read from the header Verilator writes for it.
//!
//! The header is the one place that states name, direction, width and the C++ member that stores the value, for any Verilog
//! Verilator accepts.

/// Which way a port's value goes, seen from the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The test bench sets it.
    Input,
    /// The model sets it.
    Output,
}

/// One port of the top module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the Verilog.
    pub name: String,
    /// The C++ member that stores its value.
    pub member: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Its width in bits.
    pub width: u32,
}

/// The ports in the order of the header. Lines that state no port are passed over.
pub fn parse_header(header: &str) -> Vec<Port> {
    header.lines().filter_map(parse_line).collect()
}

/// `VL_IN8(&clock,0,0);`, `VL_OUTW(&m_axis_data,71,0,3);`
fn parse_line(line: &str) -> Option<Port> {
    let line = line.trim();
    let (macro_name, arguments) = line.strip_suffix(");")?.split_once('(')?;
    let direction = match macro_name {
        "VL_IN" | "VL_IN8" | "VL_IN16" | "VL_IN64" | "VL_INW" => Direction::Input,
        "VL_OUT" | "VL_OUT8" | "VL_OUT16" | "VL_OUT64" | "VL_OUTW" => Direction::Output,
        _ => return None,
    };
    let mut arguments = arguments.split(',');
    let member = arguments.next()?.trim_start_matches('&').to_owned();
    let msb: u32 = arguments.next()?.parse().ok()?;
    let lsb: u32 = arguments.next()?.parse().ok()?;
    Some(Port { name: unescape(&member), member, direction, width: msb.checked_sub(lsb)? + 1 })
}

/// Verilator writes a character C++ does not allow as `__0` and two hexadecimal digits.
fn unescape(member: &str) -> String {
    let mut name = String::new();
    let mut rest = member;
    while let Some(at) = rest.find("__0") {
        let code = rest.get(at + 3..at + 5).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (text, skip) = match code {
            Some(code) => (char::from(code).to_string(), 5),
            None => ("__0".to_owned(), 3),
        };
        name.push_str(&rest[..at]);
        name.push_str(&text);
        rest = &rest[at + skip..];
    }
    name + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storage_class_is_read_with_its_width() {
        let header = "  VL_IN8(&clock,0,0);\n VL_OUT16(&fill,9,0);\n VL_IN(&word,31,0);\n VL_OUT64(&key,47,0);\n \
                      VL_INW(&row,71,0,3);\n Vm___024root* const rootp;\n";
        let ports = parse_header(header);
        let seen: Vec<_> = ports.iter().map(|p| (p.name.as_str(), p.direction, p.width)).collect();
        use Direction::{Input, Output};
        assert_eq!(
            seen,
            [("clock", Input, 1), ("fill", Output, 10), ("word", Input, 32), ("key", Output, 48), ("row", Input, 72)]
        );
    }

    #[test]
    fn an_escaped_name_is_given_back_as_verilog_has_it() {
        let ports = parse_header("VL_IN8(&s_axis__024valid,0,0);");
        assert_eq!(ports[0].name, "s_axis$valid");
        assert_eq!(ports[0].member, "s_axis__024valid");
    }
}
