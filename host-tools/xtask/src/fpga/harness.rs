//! A top around the engine for place and route of the engine alone: four pins for its hundreds of ports.
//!
//! Every input of the engine comes from a flip-flop of one long shift register, every output goes to a flip-flop of another that is loaded
//! and then shifted out, so nothing is optimised away and every path at the border is one from or to a register in the fabric. The clock is the
//! engine's. A shell has registers of its own there.

use std::fmt::Write as _;

use fpgaflow_boards::{Direction, Export, Interface, TOP};

/// Name of the module.
pub const HARNESS: &str = "harness";

/// The harness of an engine.
#[derive(Debug)]
pub struct Harness {
    /// Its Verilog.
    pub verilog: String,
    /// Flip-flops that are not the engine's.
    pub flip_flops: usize,
}

impl Harness {
    /// The harness around what `export` has.
    pub fn around(export: &Export) -> Self {
        let mut connected = String::new();
        let (mut inputs, mut outputs) = (0, 0);
        for (port, interface) in &export.ports {
            let net = match (interface, port.direction) {
                (Interface::Clock, _) => "clock".to_owned(),
                (_, Direction::In) => range("inputs", &mut inputs, port.width),
                (_, Direction::Out) => range("outputs", &mut outputs, port.width),
            };
            write!(connected, ",\n        .{}({net})", port.name).expect("a String takes all");
        }
        let verilog = format!(
            "\
module {HARNESS} (input wire clock, input wire shift_in, input wire load, output reg shift_out);
    reg [{i}:0] inputs;
    wire [{o}:0] outputs;
    reg [{o}:0] seen;
    always @(posedge clock) begin
        inputs <= {{inputs, shift_in}};
        seen <= load ? outputs : {{seen, 1'b0}};
        shift_out <= seen[{o}];
    end
    {TOP} engine (
        {}
    );
endmodule
",
            connected.trim_start_matches(",\n        "),
            i = inputs - 1,
            o = outputs - 1,
        );
        Self { verilog, flip_flops: inputs + outputs + 1 }
    }
}

/// The next `width` bits of `net`.
fn range(net: &str, next: &mut usize, width: usize) -> String {
    let low = *next;
    *next += width;
    format!("{net}[{}:{low}]", *next - 1)
}
