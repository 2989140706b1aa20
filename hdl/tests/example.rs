//! The example of `README.md`: compiled, checked, run in both simulators, and the same text as there.

// README block
use fpgaflow_hdl::prelude::*; // inside the crate: crate::prelude

/// Lowers a hop limit by one. Latency 1 clock, one packet a clock, no stall.
///
/// in_valid, hop_in -->[ LowerHop ]--> out_valid, hop_out, spent
#[derive(LogicBlock)]
pub struct LowerHop {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is a packet.
    pub in_valid: Signal<In, Bit>,
    /// Its hop limit.
    pub hop_in: Signal<In, Bits<8>>,
    /// `hop_out` and `spent` count.
    pub out_valid: Signal<Out, Bit>,
    /// The hop limit to send.
    pub hop_out: Signal<Out, Bits<8>>,
    /// The packet must not be forwarded.
    pub spent: Signal<Out, Bit>,
    hop_s1: DFF<Bits<8>>,
    valid_s1: DFF<Bit>,
    spent_s1: DFF<Bit>,
    one: Constant<Bits<8>>,
}

impl Default for LowerHop {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            in_valid: Signal::default(),
            hop_in: Signal::default(),
            out_valid: Signal::default(),
            hop_out: Signal::default(),
            spent: Signal::default(),
            hop_s1: DFF::default(),
            valid_s1: DFF::default(),
            spent_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for LowerHop {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, hop_s1, valid_s1, spent_s1); // every register holds unless told otherwise
        self.valid_s1.d.next = self.in_valid.val();
        self.hop_s1.d.next = self.hop_in.val() - self.one.val();
        self.spent_s1.d.next = self.hop_in.val() <= self.one.val();
        self.out_valid.next = self.valid_s1.q.val();
        self.hop_out.next = self.hop_s1.q.val();
        self.spent.next = self.spent_s1.q.val();
        if self.reset.val() {
            self.valid_s1.d.next = false; // reset last; only what makes data count
        }
    }
}
// README end

// README block
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model};

#[test]
fn lower_hop_is_clean() {
    check_block("lower_hop", LowerHop::default, Expect::rams(0)); // lint, rust-hdl's checks, yosys: no latch, RAM count
}

#[test]
fn hop_limit_is_lowered_in_the_rust_simulator() {
    let mut bench = Bench::new(LowerHop::default(), |dut| &mut dut.clock); // small blocks only: about 8 k clocks/s
    bench.dut.in_valid.next = true;
    bench.dut.hop_in.next = 64_u64.into();
    bench.tick();
    assert!(bench.dut.out_valid.val());
    assert_eq!(bench.dut.hop_out.val(), 63_u64);
}

#[test]
fn hop_limit_is_lowered_in_verilog() {
    let mut m = model("lower_hop", LowerHop::default()); // Verilator: over 300 k clocks/s; everything bigger goes here
    let (valid, hop_in, hop_out) = (m.port("in_valid"), m.port("hop_in"), m.port("hop_out")); // handles, resolved once
    m.set(valid, 1);
    for hop in 1..256 {
        m.set(hop_in, hop);
        m.tick(); // one rising edge of `clock`; outputs are settled afterwards
        assert_eq!(m.get(hop_out), hop - 1);
    }
}
// README end

#[test]
fn the_readme_shows_this_example() {
    let (here, readme) = (include_str!("example.rs"), include_str!("../README.md"));
    let mut blocks = 0;
    for part in here.split("// README block\n").skip(1) {
        if let Some((block, _)) = part.split_once("// README end") {
            blocks += 1;
            assert!(readme.contains(block.trim()), "README.md does not hold:\n{block}");
        }
    }
    assert_eq!(blocks, 2, "this test finds the blocks by their marks");
}
