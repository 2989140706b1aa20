//! The lint finds a seeded instance of each trap, and is silent about the harmless twin beside it.

use fpgaflow_hdl_guard::lint::lint;
use fpgaflow_hdl_guard::{Bench, Trap, listing, model};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// A constant whose Rust name means nothing in Verilog.
const LIMIT: u64 = 9;

/// A combinational block with one `update()`; everything it could want to use is there.
macro_rules! seeded {
    ($name:ident, $($update:tt)*) => {
        #[derive(LogicBlock, Default)]
        struct $name {
            a: Signal<In, Bits<8>>,
            b: Signal<In, Bits<8>>,
            m: Signal<In, Bits<8>>,
            wide: Signal<In, Bits<16>>,
            f: Signal<In, Bit>,
            y: Signal<Out, Bit>,
            y8: Signal<Out, Bits<8>>,
            y16: Signal<Out, Bits<16>>,
            clock: Signal<In, Clock>,
        }

        impl Logic for $name {
            $($update)*
        }
    };
}

fn traps<U: Block + Default>() -> Vec<Trap> {
    let mut traps: Vec<Trap> = lint(&U::default(), "top").iter().map(|finding| finding.trap).collect();
    traps.dedup();
    traps
}

#[track_caller]
fn assert_clean<U: Block + Default>() {
    let findings = lint(&U::default(), "top");
    assert!(findings.is_empty(), "\n{}", listing(&findings));
}

/// Whether rust-hdl's simulator and Verilator agree on `y`, `y8` and `y16` for inputs that provoke the trap.
macro_rules! differs {
    ($name:ident, $a:expr, $b:expr, $m:expr, $wide:expr) => {{
        let mut bench = Bench::new($name::default(), |dut| &mut dut.clock);
        bench.dut.a.next = u64::into($a);
        bench.dut.b.next = u64::into($b);
        bench.dut.m.next = u64::into($m);
        bench.dut.wide.next = u64::into($wide);
        bench.settle();
        let mut verilog = model(stringify!($name), $name::default());
        for (port, value) in [("a", $a), ("b", $b), ("m", $m), ("wide", $wide)] {
            verilog.set(verilog.port(port), value);
        }
        verilog.eval();
        let read = |port| verilog.get(verilog.port(port));
        let rust = (u64::from(bench.dut.y.val()), bench.dut.y8.val().to_u64(), bench.dut.y16.val().to_u64());
        rust != (read("y"), read("y8"), read("y16"))
    }};
}

seeded!(
    MixedOperators,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = self.f.val() | (self.a.val() & self.m.val() == self.b.val());
    }
);
seeded!(
    ParenthesisedOperators,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = self.f.val() | ((self.a.val() & self.m.val()) == self.b.val());
    }
);

#[test]
fn trap_1_lost_precedence_is_found() {
    assert_eq!(traps::<MixedOperators>(), [Trap::Precedence]);
    assert_clean::<ParenthesisedOperators>();
    assert!(differs!(MixedOperators, 0x12, 0x10, 0xF0, 0));
    assert!(!differs!(ParenthesisedOperators, 0x12, 0x10, 0xF0, 0));
}

seeded!(
    LiteralSumCompared,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = (self.a.val() + 1) == self.b.val();
    }
);
seeded!(
    LiteralSumShifted,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y16.next = 0.into();
        self.y8.next = (self.a.val() + 1) >> 1_u64;
    }
);
seeded!(
    InversionCompared,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = !self.a.val() == 0;
    }
);
seeded!(
    NarrowedSumCompared,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = (bit_cast::<8, 16>(self.wide.val()) + self.a.val()) == self.b.val();
    }
);
seeded!(
    InvertedBitReplaced,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y16.next = 0.into();
        self.y8.next = self.a.val().replace_bit(1, !self.f.val());
    }
);
seeded!(
    SumInSizedSignal,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = self.a.val() + 1;
        self.y.next = self.y8.val() == self.b.val();
        self.y16.next = bit_cast::<16, 8>(self.y8.val() >> 1_u64);
    }
);
seeded!(
    SumOfEqualWidthsCompared,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = self.a.val() + 1;
        self.y16.next = 0.into();
        self.y.next = (self.a.val() + self.m.val()) == self.b.val();
    }
);

#[test]
fn trap_2_a_sum_wider_than_its_operands_is_found_where_it_is_looked_at() {
    assert_eq!(traps::<LiteralSumCompared>(), [Trap::Width]);
    assert_eq!(traps::<LiteralSumShifted>(), [Trap::Width]);
    assert_eq!(traps::<InversionCompared>(), [Trap::Width]);
    assert_eq!(traps::<NarrowedSumCompared>(), [Trap::Width]);
    assert_eq!(traps::<InvertedBitReplaced>(), [Trap::Width]);
    assert!(differs!(LiteralSumCompared, 0xFF, 0, 0, 0));
    assert!(differs!(LiteralSumShifted, 0xFF, 0, 0, 0));
    assert!(differs!(InversionCompared, 0xFF, 0, 0, 0));
    assert!(differs!(NarrowedSumCompared, 1, 0, 0, 0x00FF));
    assert!(differs!(InvertedBitReplaced, 0, 0, 0, 0));
}

#[test]
fn a_sum_that_wraps_in_both_languages_is_left_alone() {
    assert_clean::<SumInSizedSignal>();
    assert_clean::<SumOfEqualWidthsCompared>();
    assert!(!differs!(SumInSizedSignal, 0xFF, 0, 0, 0));
    assert!(!differs!(SumOfEqualWidthsCompared, 0xFF, 0, 1, 0));
}

seeded!(
    SumCast,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y8.next = 0.into();
        self.y16.next = bit_cast::<16, 8>(self.a.val() + self.b.val());
    }
);
seeded!(
    OperandsCast,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y8.next = bit_cast::<8, 16>(self.wide.val() + self.wide.val());
        self.y16.next = bit_cast::<16, 8>(self.a.val()) + bit_cast::<16, 8>(self.b.val());
    }
);

#[test]
fn trap_3_a_cast_that_keeps_the_carry_is_found() {
    assert_eq!(traps::<SumCast>(), [Trap::WideningCast]);
    assert_clean::<OperandsCast>();
    assert!(differs!(SumCast, 0xFF, 1, 0, 0));
    assert!(!differs!(OperandsCast, 0xFF, 1, 0, 0xFFFF));
}

seeded!(
    AllOverLiteral,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = (self.a.val() | 0x0F).all();
    }
);
seeded!(
    AnyOverInversion,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        self.y.next = (!self.a.val() & self.m.val()).any() | self.wide.val().all();
    }
);

#[test]
fn trap_4_a_reduction_over_too_many_bits_is_found() {
    assert_eq!(traps::<AllOverLiteral>(), [Trap::Reduction]);
    assert_clean::<AnyOverInversion>();
    assert!(differs!(AllOverLiteral, 0xF0, 0, 0, 0));
    assert!(!differs!(AnyOverInversion, 0xF0, 0, 0xF0, 0));
}

seeded!(
    ConstLeaks,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y16.next = 0.into();
        self.y8.next = self.a.val() + LIMIT;
    }
);

#[derive(LogicBlock, Default)]
struct GenericLeaks<const N: usize> {
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bit>,
}

impl<const N: usize> Logic for GenericLeaks<N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val().get_bit(N);
    }
}

/// The ways a number may enter: a constant, a loop over one value, a turbofish.
#[derive(LogicBlock)]
struct NumbersStayInRust<const N: usize> {
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bit>,
    y3: Signal<Out, Bits<3>>,
    limit: Constant<Bits<8>>,
}

impl<const N: usize> Default for NumbersStayInRust<N> {
    fn default() -> Self {
        Self { a: Signal::default(), y: Signal::default(), y3: Signal::default(), limit: Constant::new(LIMIT.into()) }
    }
}

impl<const N: usize> Logic for NumbersStayInRust<N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val() == self.limit.val();
        for at in N..(N + 1) {
            self.y3.next = self.a.val().get_bits::<3>(at);
        }
    }
}

#[test]
fn trap_8_a_rust_name_in_verilog_is_found() {
    assert_eq!(traps::<ConstLeaks>(), [Trap::Leak]);
    assert_eq!(traps::<GenericLeaks<3>>(), [Trap::Leak]);
    assert_clean::<NumbersStayInRust<3>>();
}

#[derive(LogicBlock, Default)]
struct LoopOverItself {
    at: Signal<In, Bits<1>>,
    y: Signal<Out, Bits<3>>,
}

impl Logic for LoopOverItself {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = 0.into();
        for at in 0..3 {
            self.y.next = self.y.val().replace_bit(at, self.at.val().any());
        }
    }
}

#[test]
fn a_loop_variable_with_the_name_of_a_signal_is_found() {
    assert!(traps::<LoopOverItself>().contains(&Trap::LoopVariable));
}

#[derive(LogicBlock, Default)]
struct MatchOnName {
    a: Signal<In, Bits<2>>,
    y: Signal<Out, Bit>,
}

impl Logic for MatchOnName {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        match self.a.val().index() {
            0 => self.y.next = false,
            ONE => self.y.next = true,
            _ => {}
        }
    }
}

const ONE: usize = 1;

#[test]
fn a_constant_as_a_pattern_is_found() {
    assert_eq!(traps::<MatchOnName>(), [Trap::Leak]);
}

seeded!(
    LatchInIf,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        if self.f.val() {
            self.y.next = true;
        }
    }
);
seeded!(
    BothBranchesWrite,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y16.next = 0.into();
        if self.f.val() {
            self.y8.next = self.a.val();
        } else {
            self.y8.next = self.b.val();
        }
    }
);
seeded!(
    LatchInMatch,
    #[hdl_gen]
    fn update(&mut self) {
        self.y8.next = 0.into();
        self.y16.next = 0.into();
        match self.a.val().index() {
            0 => self.y.next = true,
            1 => self.y.next = false,
            _ => {}
        }
    }
);

#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
struct Pair {
    low: Bits<4>,
    high: Bits<4>,
}

#[derive(LogicBlock, Default)]
struct HalfWritten {
    a: Signal<In, Bits<4>>,
    y: Signal<Out, Pair>,
}

impl Logic for HalfWritten {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next.high = self.a.val();
    }
}

#[derive(LogicBlock, Default)]
struct WrittenFieldByField {
    a: Signal<In, Bits<4>>,
    y: Signal<Out, Pair>,
}

impl Logic for WrittenFieldByField {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next.high = self.a.val();
        self.y.next.low = self.a.val();
    }
}

#[test]
fn trap_10_a_bit_that_some_path_does_not_write_is_found() {
    assert_eq!(traps::<LatchInIf>(), [Trap::Latch]);
    assert_eq!(traps::<LatchInMatch>(), [Trap::Latch]);
    assert_eq!(traps::<HalfWritten>(), [Trap::Latch]);
    assert_clean::<BothBranchesWrite>();
    assert_clean::<WrittenFieldByField>();
}

/// Sub-blocks in an array, wired in a loop, one of them forgotten.
#[derive(LogicBlock)]
struct ForgottenRegister {
    clock: Signal<In, Clock>,
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bits<8>>,
    stage: [DFF<Bits<8>>; 3],
}

impl Default for ForgottenRegister {
    fn default() -> Self {
        let stage = std::array::from_fn(|_| DFF::default());
        Self { clock: Signal::default(), a: Signal::default(), y: Signal::default(), stage }
    }
}

impl Logic for ForgottenRegister {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..3 {
            self.stage[i].clock.next = self.clock.val();
        }
        self.stage[0].d.next = self.a.val();
        for i in 1..3 {
            self.stage[i].d.next = self.stage[i - 1].q.val();
        }
        for i in 2..3 {
            self.y.next = self.stage[i + 1].q.val();
        }
    }
}

#[test]
fn an_index_beyond_an_array_is_found() {
    let findings = lint(&ForgottenRegister::default(), "top");
    assert_eq!(findings.len(), 1, "{}", listing(&findings));
    assert!(findings[0].detail.contains("stage[i+1]"), "{}", findings[0]);
}

/// Registers in rows and columns.
#[derive(LogicBlock, Default)]
struct Grid {
    clock: Signal<In, Clock>,
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bits<8>>,
    cell: [[DFF<Bits<8>>; 2]; 2],
}

impl Logic for Grid {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            for j in 0..2 {
                self.cell[i][j].clock.next = self.clock.val();
                self.cell[i][j].d.next = self.a.val();
            }
        }
        self.y.next = self.cell[1][1].q.val();
    }
}

#[test]
fn trap_9_two_indices_are_found() {
    assert_eq!(traps::<Grid>(), [Trap::TwoDimensions]);
}

seeded!(
    BitsOfSum,
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = false;
        self.y16.next = 0.into();
        self.y8.next = (self.wide.val() + 1).get_bits::<8>(8);
    }
);

#[test]
fn bits_of_an_expression_are_found() {
    assert_eq!(traps::<BitsOfSum>(), [Trap::SelectBase]);
}

/// Findings inside a sub-block name it.
#[derive(LogicBlock, Default)]
struct Outer {
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bit>,
    inner: GenericLeaks<2>,
}

impl Logic for Outer {
    #[hdl_gen]
    fn update(&mut self) {
        self.inner.a.next = self.a.val();
        self.y.next = self.inner.y.val();
    }
}

#[test]
fn a_finding_names_the_sub_block() {
    let findings = lint(&Outer::default(), "top");
    assert_eq!(findings.len(), 1, "{}", listing(&findings));
    assert_eq!(findings[0].place, "top.inner");
}
