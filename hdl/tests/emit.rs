//! The emitter refuses what is wrong and says which check found what.

use fpgaflow_hdl::emit::{Error, emit, emit_unlowered};
use fpgaflow_hdl::engine::Credits;
use fpgaflow_hdl::parse::Parser;
use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::rx::RxArbiter;
use fpgaflow_hdl::tx::{Patch, Planner, Prepend};
use fpgaflow_hdl_guard::synth::check_equivalent;

#[derive(LogicBlock, Default)]
struct Inverter {
    d: Signal<In, Bit>,
    q: Signal<Out, Bit>,
}

impl Logic for Inverter {
    #[hdl_gen]
    fn update(&mut self) {
        self.q.next = !self.d.val();
    }
}

#[derive(LogicBlock, Default)]
struct Pair {
    s_axis: StreamSink<Bits<8>>,
    m_axis: StreamSource<Bits<8>>,
    d: Signal<In, Bit>,
    q: Signal<Out, Bit>,
    first: Inverter,
    second: Inverter,
}

impl Logic for Pair {
    #[hdl_gen]
    fn update(&mut self) {
        self.m_axis.data.next = self.s_axis.data.val();
        self.m_axis.valid.next = self.s_axis.valid.val();
        self.s_axis.ready.next = self.m_axis.ready.val();
        self.first.d.next = self.d.val();
        self.second.d.next = self.first.q.val();
        self.q.next = self.second.q.val();
    }
}

#[test]
fn the_top_has_its_name_and_plain_port_names() {
    let verilog = emit(Pair::default(), "pair").expect("it is clean");
    assert!(verilog.contains("module pair("), "{verilog}");
    assert!(verilog.contains("input wire  [7:0] s_axis_data;"), "{verilog}");
    assert!(verilog.contains("pair_first first("), "{verilog}");
    assert!(!verilog.contains('$'), "{verilog}");
}

#[derive(LogicBlock, Default)]
struct HalfConnected {
    q: Signal<Out, Bit>,
    inner: Inverter,
}

impl Logic for HalfConnected {
    #[hdl_gen]
    fn update(&mut self) {
        self.q.next = self.inner.q.val();
    }
}

#[test]
fn an_open_input_is_refused_by_name() {
    let error = emit(HalfConnected::default(), "top").expect_err("nothing drives inner.d");
    assert_eq!(error, Error::Unconnected { top: "top".into(), signals: vec!["uut.inner.d".into()] });
}

#[derive(LogicBlock, Default)]
struct ReadsEarly {
    d: Signal<In, Bit>,
    t: Signal<Local, Bit>,
    q: Signal<Out, Bit>,
}

impl Logic for ReadsEarly {
    #[hdl_gen]
    fn update(&mut self) {
        self.q.next = self.t.val();
        self.t.next = self.d.val();
    }
}

#[test]
fn a_local_read_before_it_is_written_is_refused_by_name() {
    let error = emit(ReadsEarly::default(), "top").expect_err("t is read first");
    assert_eq!(error, Error::ReadBeforeWritten { top: "top".into(), signals: vec!["uut.t".into()] });
}

#[derive(LogicBlock, Default)]
struct WritesInput {
    d: Signal<In, Bit>,
    q: Signal<Out, Bit>,
}

impl Logic for WritesInput {
    #[hdl_gen]
    fn update(&mut self) {
        self.d.next = true;
        self.q.next = self.d.val();
    }
}

#[test]
fn a_written_input_is_refused_by_name() {
    let error = emit(WritesInput::default(), "top").expect_err("d is an input");
    assert_eq!(error, Error::InputWritten { top: "top".into(), signals: vec!["uut.d".into()] });
}

#[derive(LogicBlock, Default)]
struct NamedLikeKeywords {
    new: Signal<In, Bit>,
    q: Signal<Out, Bit>,
    table: Inverter,
}

impl Logic for NamedLikeKeywords {
    #[hdl_gen]
    fn update(&mut self) {
        self.table.d.next = self.new.val();
        self.q.next = self.table.q.val();
    }
}

#[test]
fn keywords_as_names_are_refused() {
    let error = emit(NamedLikeKeywords::default(), "top").expect_err("two keywords");
    assert_eq!(error, Error::Keyword { top: "top".into(), signals: vec!["uut.new".into(), "uut.table".into()] });
}

#[derive(LogicBlock, Default)]
struct TwoNamesOnePlain {
    s_axis: StreamSink<Bits<8>>,
    s_axis_valid: Signal<Out, Bit>,
}

impl Logic for TwoNamesOnePlain {
    #[hdl_gen]
    fn update(&mut self) {
        self.s_axis_valid.next = self.s_axis.valid.val();
        self.s_axis.ready.next = true;
    }
}

#[test]
fn names_that_fall_together_are_refused() {
    let error = emit(TwoNamesOnePlain::default(), "top").expect_err("two names become one");
    let expected = Error::Ambiguous {
        top: "top".into(),
        first: "s_axis$valid".into(),
        second: "s_axis_valid".into(),
        plain: "s_axis_valid".into(),
    };
    assert_eq!(error, expected);
}

/// What the lowering has to keep apart: a register that holds, one that does not, one with an input that is read, a local that is used
/// again for something else, a loop through a local, a struct written in parts, a case.
#[derive(LogicBlock)]
struct Everything {
    clock: Signal<In, Clock>,
    reset: Signal<In, Bit>,
    enable: Signal<In, Bit>,
    data: Signal<In, Bits<8>>,
    out: Signal<Out, Bits<8>>,
    parity: Signal<Out, Bit>,
    state: DFF<Phase>,
    held: DFF<Bits<8>>,
    piped: DFF<Bits<8>>,
    watched: DFF<Bit>,
    again: Signal<Local, Bit>,
    folded: Signal<Local, Bits<8>>,
    one: Constant<Bits<8>>,
}

#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum Phase {
    Rest,
    Run,
}

impl Default for Everything {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            enable: Signal::default(),
            data: Signal::default(),
            out: Signal::default(),
            parity: Signal::default(),
            state: DFF::default(),
            held: DFF::default(),
            piped: DFF::default(),
            watched: DFF::default(),
            again: Signal::default(),
            folded: Signal::default(),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for Everything {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, held, watched);
        self.piped.clock.next = self.clock.val();
        self.piped.d.next = self.data.val() + self.one.val();
        self.again.next = self.enable.val() & !self.watched.q.val();
        if self.again.val() {
            self.held.d.next = self.data.val();
        }
        self.again.next = self.data.val().xor();
        self.watched.d.next = self.again.val();
        self.folded.next = self.data.val();
        for _i in 0..3 {
            self.folded.next = (self.folded.val() << 1) ^ self.held.q.val();
        }
        self.out.next = self.piped.q.val();
        match self.state.q.val() {
            Phase::Rest => {
                if self.enable.val() {
                    self.state.d.next = Phase::Run;
                } else if self.watched.q.val() {
                    self.out.next = self.folded.val();
                }
            }
            Phase::Run => {
                self.held.d.next = self.folded.val();
                self.state.d.next = Phase::Rest;
            }
        }
        self.parity.next = self.watched.d.val();
        if self.reset.val() {
            self.state.d.next = Phase::Rest;
            self.held.d.next = 0.into();
        }
    }
}

/// The lowered text and rust-hdl's own.
fn both<U: Block>(make: impl Fn() -> U, top: &str) -> (String, String) {
    (emit_unlowered(make(), top).expect("it is clean"), emit(make(), top).expect("it is clean"))
}

#[test]
fn flip_flops_are_registers_of_their_module() {
    let (plain, lowered) = both(Everything::default, "everything");
    assert_eq!(plain.matches("\nmodule everything").count(), 5, "itself and four flip-flops");
    assert_eq!(lowered.matches("\nmodule everything").count(), 1, "{lowered}");
    assert!(lowered.contains("state_q <= Phase_Run;") && !lowered.contains("state_d"), "{lowered}");
    assert!(lowered.contains("piped_q <= data + one;") && !lowered.contains("piped_d"), "{lowered}");
    // Needs a local that means something else later: stays with it.
    assert!(lowered.contains("always @(posedge clock) held_q <= held_d;"), "{lowered}");
    // Its input is read, so it stays.
    assert!(lowered.contains("always @(posedge clock) watched_q <= watched_d;"), "{lowered}");
}

#[test]
fn lowered_blocks_do_what_they_did() {
    fn same<U: Block>(make: impl Fn() -> U, top: &str) {
        let (plain, lowered) = both(make, top);
        if let Err(error) = check_equivalent(&plain, &lowered, top) {
            panic!("{error}\n{lowered}");
        }
    }
    same(Everything::default, "everything");
    same(Skid::<Bits<8>>::default, "skid");
    same(CutFifo::<Bits<4>, 2, 3>::default, "cut_fifo");
    same(SmallFifo::<Bits<4>, 2, 3>::default, "small_fifo");
    same(FrameFifo::<Bits<4>, 2, 3>::default, "frame_fifo");
    same(Credits::<3, 4>::default, "credits");
    same(RxArbiter::<8, 16, 3>::default, "arbiter");
    same(Parser::<2>::default, "parser");
    same(Prepend::<64>::default, "prepend");
    same(Patch::<64>::default, "patch");
    same(Planner::<64>::default, "planner");
}

#[test]
fn a_lowering_that_changes_something_is_found() {
    let (plain, lowered) = both(Everything::default, "everything");
    let wrong = lowered.replacen("piped_q <= data + one;", "piped_q <= data;", 1);
    assert_ne!(wrong, lowered);
    assert!(check_equivalent(&plain, &wrong, "everything").is_err());
}
