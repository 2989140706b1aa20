//! The emitter refuses what is wrong and says which check found what.

use fpgaflow_hdl::emit::{Error, emit};
use fpgaflow_hdl::prelude::*;

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
