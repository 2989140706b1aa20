//! One block in both simulators at once.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Bench, Model, model};

/// A block in rust-hdl's simulator and under Verilator.
pub struct Lockstep<U: Block> {
    pub bench: Bench<U>,
    pub model: Model,
}

impl<U: Block + Default> Lockstep<U> {
    pub fn new(name: &str, clock: fn(&mut U) -> &mut Signal<In, Clock>) -> Self {
        Self::of(name, U::default, clock)
    }
}

impl<U: Block> Lockstep<U> {
    pub fn of(name: &str, make: impl Fn() -> U, clock: fn(&mut U) -> &mut Signal<In, Clock>) -> Self {
        Self { bench: Bench::new(make(), clock), model: model(name, make()) }
    }

    pub fn settle(&mut self) {
        self.bench.settle();
        self.model.eval();
    }

    pub fn tick(&mut self) {
        self.bench.tick();
        self.model.tick();
    }
}

/// What a port carries, as a number.
pub trait Word: Copy {
    fn from_number(number: u64) -> Self;
    fn number(self) -> u64;
}

impl Word for bool {
    fn from_number(number: u64) -> Self {
        number != 0
    }
    fn number(self) -> u64 {
        self.into()
    }
}

impl<const N: usize> Word for Bits<N> {
    fn from_number(number: u64) -> Self {
        number.into()
    }
    fn number(self) -> u64 {
        self.to_u64()
    }
}

/// Sets one input in both simulators: `drive!(pair, s_axis.valid = 1)`.
#[macro_export]
macro_rules! drive {
    ($pair:ident, $($field:ident).+ = $value:expr) => {{
        let value: u64 = ($value).into();
        $pair.bench.dut.$($field).+.next = $crate::lockstep::Word::from_number(value);
        let port = $pair.model.port($crate::port_name!($($field).+));
        $pair.model.set(port, value);
    }};
}

/// Reads one output, which has to be the same in both simulators: `same!(pair, m_axis.valid)`.
#[macro_export]
macro_rules! same {
    ($pair:ident, $($field:ident).+) => {{
        let name = $crate::port_name!($($field).+);
        let rust = $crate::lockstep::Word::number($pair.bench.dut.$($field).+.val());
        let verilog = $pair.model.get($pair.model.port(name));
        assert_eq!(rust, verilog, "clock {}: {name} in rust-hdl and in Verilog", $pair.model.clocks());
        rust
    }};
}

/// `m_axis.valid` is called `m_axis_valid` in Verilog.
#[macro_export]
macro_rules! port_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($bundle:ident . $field:ident) => {
        concat!(stringify!($bundle), "_", stringify!($field))
    };
}
