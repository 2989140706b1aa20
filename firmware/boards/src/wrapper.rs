//! The exported top: the engine's ports with the attributes by which Vivado's IP packager finds buses, clock and reset.
//!
//! Other tools pass over attributes that they do not know, so one text serves all.

use std::fmt::Write as _;

use crate::boards::Board;
use crate::export::{CORE, TOP};
use crate::port::{Interface, Port, Protocol};

/// The names of the buses, each once, in the order of the ports.
pub(crate) fn buses(ports: &[(Port, Interface)]) -> Vec<(&str, Protocol)> {
    let mut buses: Vec<(&str, Protocol)> = Vec::new();
    for (_, interface) in ports {
        if let Interface::Bus { protocol, bus, .. } = interface
            && buses.last().is_none_or(|(last, _)| last != bus)
        {
            buses.push((bus, *protocol));
        }
    }
    buses
}

/// The module around the engine of `board`.
pub(crate) fn wrapper(board: &Board, ports: &[(Port, Interface)]) -> String {
    let mut declared = Vec::new();
    let mut described = None;
    for (port, interface) in ports {
        let mut text = String::new();
        let mut attribute = |name: &str, value: &str| {
            writeln!(text, "    (* {name} = \"{value}\" *)").expect("a String takes all");
        };
        match interface {
            Interface::Clock => {
                let names: Vec<&str> = buses(ports).into_iter().map(|(bus, _)| bus).collect();
                let parameters = format!(
                    "XIL_INTERFACENAME clock, ASSOCIATED_BUSIF {}, ASSOCIATED_RESET reset, FREQ_HZ {}",
                    names.join(":"),
                    board.geometry.clock_hz
                );
                attribute("X_INTERFACE_INFO", "xilinx.com:signal:clock:1.0 clock CLK");
                attribute("X_INTERFACE_PARAMETER", &parameters);
            }
            Interface::Reset => {
                attribute("X_INTERFACE_INFO", "xilinx.com:signal:reset:1.0 reset RST");
                attribute("X_INTERFACE_PARAMETER", "XIL_INTERFACENAME reset, POLARITY ACTIVE_HIGH");
            }
            Interface::Bus { protocol, bus, signal } => {
                let kind = match protocol {
                    Protocol::Stream => "axis",
                    Protocol::Lite | Protocol::Full => "aximm",
                };
                attribute("X_INTERFACE_INFO", &format!("xilinx.com:interface:{kind}:1.0 {bus} {signal}"));
                // Once a bus, at its first port.
                if described.replace(bus) != Some(bus) {
                    attribute("X_INTERFACE_PARAMETER", &format!("XIL_INTERFACENAME {bus}, {}", parameters(*protocol, board)));
                }
            }
            Interface::Interrupt => {}
        }
        let range = if port.width == 1 { String::new() } else { format!("[{}:0] ", port.width - 1) };
        declared.push(format!("{text}    {} wire {range}{}", port.direction, port.name));
    }
    let connected: Vec<String> = ports.iter().map(|(port, _)| format!("        .{0}({0})", port.name)).collect();
    format!(
        "// fpgaflow for {}, made from fpgaflow-hdl.\nmodule {TOP} (\n{}\n);\n    {CORE} core (\n{}\n    );\nendmodule\n",
        board.name,
        declared.join(",\n"),
        connected.join(",\n")
    )
}

/// What the packager cannot see from the ports of a bus.
fn parameters(protocol: Protocol, board: &Board) -> String {
    match protocol {
        Protocol::Stream => format!("TDATA_NUM_BYTES {}, HAS_TKEEP 1, HAS_TLAST 1, HAS_TREADY 1", board.geometry.width_bits / 8),
        Protocol::Lite => "PROTOCOL AXI4LITE, DATA_WIDTH 32".to_owned(),
        Protocol::Full => "PROTOCOL AXI4, DATA_WIDTH 64, ADDR_WIDTH 64, MAX_BURST_LENGTH 16, SUPPORTS_NARROW_BURST 0".to_owned(),
    }
}
