//! The synthesis check refuses what it is there to refuse.

use fpgaflow_hdl_guard::Expect;
use fpgaflow_hdl_guard::synth::{Error, check_synth, count_cells};

const RAM: &str = "module ram(input wire clock, input wire we, input wire [3:0] wa, input wire [3:0] ra, input wire [7:0] d,
    output reg [7:0] q);
reg [7:0] mem [0:15];
always @(posedge clock) begin if (we) mem[wa] <= d; q <= mem[ra]; end
endmodule";

#[test]
fn a_latch_is_refused_and_counted() {
    let latch = "module latch(input wire f, input wire [3:0] d, output reg [3:0] q);\nalways @(*) if (f) q = d;\nendmodule";
    match check_synth(latch, "latch", Expect::rams(0)) {
        Err(Error::Latches { count: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_number_of_memories_than_planned_is_refused() {
    let found = check_synth(RAM, "ram", Expect::rams(1).with_bits(128)).expect("as planned");
    assert_eq!((found.count, found.bits), (1, 128));
    for planned in [Expect::rams(0), Expect::rams(2), Expect::rams(1).with_bits(64)] {
        assert!(matches!(check_synth(RAM, "ram", planned), Err(Error::Memories { .. })), "{planned:?}");
    }
}

#[test]
fn an_undriven_bit_is_refused() {
    let open = "module open(input wire a, output wire [1:0] q);\nwire [1:0] t;\nassign t[0] = a;\nassign q = t;\nendmodule";
    let error = check_synth(open, "open", Expect::rams(0)).expect_err("bit 1 has no driver");
    assert!(error.to_string().contains("no driver"), "{error}");
}

#[test]
fn a_combinational_loop_is_refused() {
    let ring = "module ring(input wire a, output wire q);\nwire t;\nassign t = ~(q & a);\nassign q = t;\nendmodule";
    let error = check_synth(ring, "ring", Expect::rams(0)).expect_err("a ring oscillator");
    assert!(error.to_string().contains("loop"), "{error}");
}

#[test]
fn cells_of_a_device_are_counted() {
    let register =
        "module r(input wire clock, input wire [6:0] d, output reg [6:0] q);\nalways @(posedge clock) q <= d;\nendmodule";
    assert_eq!(count_cells(register, "r", "synth_ecp5", "TRELLIS_FF").expect("it synthesises"), 7);
}
