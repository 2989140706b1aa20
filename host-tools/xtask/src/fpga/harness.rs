//! A top around an engine, or one block of it, for place and route of that alone: four pins for its hundreds of ports.
//!
//! Every input comes from a flip-flop of one long shift register, every output goes to a flip-flop of another that is loaded and then
//! shifted out, so nothing is optimised away and every path at the border is one from or to a register in the fabric. The clock is the
//! engine's. A shell has registers of its own there.

use std::fmt::Write as _;

use fpgaflow_boards::{Direction, Port};

/// Name of the module.
pub const HARNESS: &str = "harness";
/// The one port that is no data.
const CLOCK: &str = "clock";

/// The harness of a module.
#[derive(Debug)]
pub struct Harness {
    /// Its Verilog.
    pub verilog: String,
    /// Flip-flops that are not the module's.
    pub flip_flops: usize,
}

impl Harness {
    /// The harness around `module`, which has these ports and is called `instance` in it.
    pub fn around<'a>(module: &str, instance: &str, ports: impl IntoIterator<Item = &'a Port>) -> Self {
        let mut connected = String::new();
        let (mut inputs, mut outputs) = (0, 0);
        for port in ports {
            let net = match port.direction {
                Direction::In if port.name == CLOCK => CLOCK.to_owned(),
                Direction::In => range("inputs", &mut inputs, port.width),
                Direction::Out => range("outputs", &mut outputs, port.width),
            };
            write!(connected, ",\n        .{}({net})", port.name).expect("a String takes all");
        }
        let verilog = format!(
            "\
module {HARNESS} (input wire {CLOCK}, input wire shift_in, input wire load, output reg shift_out);
    reg [{i}:0] inputs;
    wire [{o}:0] outputs;
    reg [{o}:0] seen;
    always @(posedge {CLOCK}) begin
        inputs <= {{inputs, shift_in}};
        seen <= load ? outputs : {{seen, 1'b0}};
        shift_out <= seen[{o}];
    end
    {module} {instance} (
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
