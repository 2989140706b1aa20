//! What a [`Memory`](super::Memory) is made of: one contract, one latency, a text for each kind of device.
//!
//! | variant | text | output register |
//! |---|---|---|
//! | inferred | an array with the attribute `ram_style`: `block` (generic, and what is simulated), `distributed`, `ultra` | a register behind the array, which UltraScale+ tools take into the RAM |
//! | ECP5 | blocks by name (`DP16KD`), side by side | the block's own (`OUTREG`): yosys does not take one in by itself |
//!
//! # Contract
//! All variants have the ports and the clocks of latency of [`Memory`](super::Memory), so an engine is one source and a board chooses when its Verilog is
//! written. Where `Memory` says "undefined" they differ: a read of the address that is written, and a word before the first read.

use std::fmt::Write as _;

/// Words, bits and output register of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RamShape {
    /// Bits of a word.
    pub width: usize,
    /// Words, a power of two.
    pub words: usize,
    /// Two clocks from address to word, not one.
    pub registered: bool,
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RamVariant {
    /// Synthesis infers it, with this `ram_style`.
    Inferred(&'static str),
    /// Blocks of an ECP5; [`ecp5_blocks`] has the modules that the text names.
    Ecp5,
}

impl RamVariant {
    /// The variant of [`emit`](crate::emit::emit): any tool takes it.
    pub const GENERIC: Self = Self::Inferred("block");
}

/// Words and bits of an ECP5 block, in its shapes.
const ECP5_SHAPES: [(usize, usize); 6] = [(512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)];
/// Bits of a block's address, counted in bits of memory.
const ECP5_ADDRESS_BITS: usize = 14;
/// Bits of a data port of a block; the widest shape uses both ports'.
const ECP5_PORT_BITS: usize = 18;
/// Address pins that are byte enables instead, and of a port of which shape.
const ECP5_BYTE_ENABLES: [(usize, usize); 2] = [(36, 4), (18, 2)];

impl RamShape {
    /// The text between the ports of a memory's module and its end. None of it is an empty line.
    ///
    /// # Panics
    /// When an ECP5 has no block as deep as `words`.
    pub fn body(&self, variant: RamVariant) -> String {
        match variant {
            RamVariant::Inferred(style) => self.inferred(style),
            RamVariant::Ecp5 => self.ecp5(),
        }
    }

    fn inferred(&self, style: &str) -> String {
        let (msb, last) = (self.width - 1, self.words - 1);
        let (declare, read) = if self.registered {
            // A word that has not changed is not moved again: what stands still costs a simulator nothing.
            let declare = format!("reg [{msb}:0] word;\nreg fresh;\n");
            (declare, "if (ren) word <= mem[raddr];\n    fresh <= ren;\n    if (fresh) rdata <= word;")
        } else {
            (String::new(), "if (ren) rdata <= mem[raddr];")
        };
        format!(
            "\
(* no_rw_check, ram_style = \"{style}\" *)
reg [{msb}:0] mem [0:{last}];
{declare}always @(posedge clock) begin
    if (wen) mem[waddr] <= wdata;
    {read}
end
"
        )
    }

    fn ecp5(&self) -> String {
        let (depth, bits) = ECP5_SHAPES
            .into_iter()
            .find(|(depth, _)| *depth >= self.words)
            .unwrap_or_else(|| panic!("RamShape: an ECP5 block has fewer than {} words", self.words));
        let blocks = self.width.div_ceil(bits);
        let above = (depth / self.words).ilog2();
        let address = |name: &str| if above == 0 { name.to_owned() } else { format!("{{{above}'d0, {name}}}") };
        let mode = if self.registered { "OUTREG" } else { "NOREG" };
        format!(
            "\
wire [{top}:0] din = wdata;
wire [{top}:0] dout;
genvar i;
generate for (i = 0; i < {blocks}; i = i + 1) begin : slice
    fpgaflow_ebr_{bits} #(.REGMODE(\"{mode}\")) ebr (
        .clock(clock), .wen(wen), .waddr({waddr}), .wdata(din[{bits}*i +: {bits}]),
        .ren(ren), .raddr({raddr}), .rdata(dout[{bits}*i +: {bits}])
    );
end endgenerate
always @(*) rdata = dout[{msb}:0];
",
            top = blocks * bits - 1,
            msb = self.width - 1,
            waddr = address("waddr"),
            raddr = address("raddr"),
        )
    }
}

/// The modules that the ECP5 variant names, one for each shape of a block: a `DP16KD` whose port A writes and whose port B reads.
///
/// Pins and parameters are those of yosys' own mapping but for the output registers. The output register is always enabled: the word before it
/// moves with `ren` alone, so behind it nothing moves without.
pub fn ecp5_blocks() -> String {
    ECP5_SHAPES.into_iter().fold(String::new(), |out, (depth, bits)| out + &ecp5_block(depth, bits))
}

fn ecp5_block(depth: usize, bits: usize) -> String {
    let address_bits = depth.ilog2() as usize;
    let below = ECP5_ADDRESS_BITS - address_bits;
    let enables = ECP5_BYTE_ENABLES.into_iter().find(|(of, _)| *of == bits).map_or(0, |(_, pins)| pins);
    let mut pins = String::new();
    let mut pin = |name: &str, number: usize, net: &str| {
        write!(pins, ",\n    .{name}{number}({net})").expect("a String takes all");
    };
    for port in ["A", "B"] {
        for number in 0..3 {
            pin(&format!("CS{port}"), number, "1'b0");
        }
    }
    for number in 0..ECP5_ADDRESS_BITS {
        let of = |name: &str| number.checked_sub(below).map_or_else(|| "1'b0".to_owned(), |bit| format!("{name}[{bit}]"));
        let write = if number < enables { "1'b1".to_owned() } else { of("waddr") };
        pin("ADA", number, &write);
        pin("ADB", number, &of("raddr"));
    }
    for number in 0..ECP5_PORT_BITS {
        let of = |name: &str, bit: usize, none: &str| if bit < bits { format!("{name}[{bit}]") } else { none.to_owned() };
        pin("DIA", number, &of("wdata", number, "1'b0"));
        pin("DIB", number, &of("wdata", ECP5_PORT_BITS + number, "1'b0"));
        // A word wider than a port lies across both data ports, any other is at port B.
        let (at_a, at_b) = if bits > ECP5_PORT_BITS { (number, ECP5_PORT_BITS + number) } else { (bits, number) };
        pin("DOA", number, &of("rdata", at_a, ""));
        pin("DOB", number, &of("rdata", at_b, ""));
    }
    format!(
        "
module fpgaflow_ebr_{bits} #(parameter REGMODE = \"NOREG\") (
    input wire clock, input wire wen, input wire [{a}:0] waddr, input wire [{d}:0] wdata,
    input wire ren, input wire [{a}:0] raddr, output wire [{d}:0] rdata
);
DP16KD #(
    .DATA_WIDTH_A({bits}), .DATA_WIDTH_B({bits}), .REGMODE_A({regmode_a}), .REGMODE_B(REGMODE),
    .RESETMODE(\"SYNC\"), .ASYNC_RESET_RELEASE(\"SYNC\"), .CSDECODE_A(\"0b000\"), .CSDECODE_B(\"0b000\"),
    .CLKAMUX(\"CLKA\"), .CLKBMUX(\"CLKB\"), .WRITEMODE_A(\"NORMAL\"), .WRITEMODE_B(\"NORMAL\"), .GSR(\"AUTO\")
) ebr (
    .CLKA(clock), .CEA(wen), .WEA(1'b1), .OCEA(1'b1), .RSTA(1'b0),
    .CLKB(clock), .CEB(ren), .WEB(1'b0), .OCEB(1'b1), .RSTB(1'b0){pins}
);
endmodule
",
        a = address_bits - 1,
        d = bits - 1,
        // Half of a word wider than a port leaves by port A, whose register must delay it as port B's does the other.
        regmode_a = if bits > ECP5_PORT_BITS { "REGMODE" } else { "\"NOREG\"" },
    )
}
