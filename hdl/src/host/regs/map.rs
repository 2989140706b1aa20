//! The register map as hardware looks it up: what an offset means, from `abi::regs` and the card's geometry.
//!
//! ```text
//!  look, write_at, read_at -->[ Map ]--> mask, kind, identity
//! ```
//! Latency 1 clock from `look`; outputs stay until the next.
//!
//! # Contract
//! - `mask` has the bits of the register at `write_at` that a write changes; 0 where there is none.
//! - `kind` says where the value of the register at `read_at` comes from; `identity` is it, for [`Kind::Identity`].
//! - Registers of ports that the card does not have are not there, nor are counters of reasons that do not exist.
//!
//! Hand-written: a ROM, made from the same table as the software's.

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{self, Access};

use crate::prelude::*;

/// Bits of a register's number: its offset in words.
pub const AT_BITS: usize = regs::BAR_BYTES.ilog2() as usize - 2;
/// Bits of a [`Kind`].
pub const KIND_BITS: usize = 3;

/// Where a register's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// There is no such register: zero.
    Nothing = 0,
    /// It never changes.
    Identity = 1,
    /// It holds what was written.
    Written = 2,
    /// A ring's control or one of its counters.
    Ring = 3,
    /// Interrupts and events.
    Irq = 4,
    /// Clock counter, lower half.
    Clock = 5,
    /// Lower half of a port or reason counter.
    Counter = 6,
    /// Upper half of whatever was read last by its lower half.
    Upper = 7,
}

/// One line of the ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Offset of the register in words.
    pub at: u32,
    /// Bits that a write changes.
    pub mask: u32,
    /// Where its value comes from.
    pub kind: Kind,
    /// Its value, for an identity register.
    pub identity: u32,
}

/// Every register of a card of this geometry.
pub fn lines(geometry: &Geometry) -> Vec<Line> {
    let mut lines = Vec::new();
    for register in regs::REGISTERS {
        for i in 0..register.count {
            let offset = register.offset + register.stride * i as u32;
            let at = offset / 4;
            let is_port = matches!(register.offset, regs::PORT_CTRL | regs::PORT_MAC_LO | regs::PORT_MAC_HI);
            let is_reason = register.offset == regs::REASON_COUNTERS;
            if (is_port && i >= usize::from(geometry.ports)) || (is_reason && i >= Reason::ALL.len()) {
                continue;
            }
            let mask = if register.access == Access::Rw { mask(register.offset) } else { 0 };
            let kind = kind(register.offset);
            lines.push(Line { at, mask, kind, identity: geometry.register(offset).unwrap_or(0) });
            if kind == Kind::Counter {
                lines.push(Line { at: at + 1, mask: 0, kind: Kind::Upper, identity: 0 });
            }
        }
    }
    lines
}

/// Bits of the register that starts its array at `offset` that a write changes.
fn mask(offset: u32) -> u32 {
    match offset {
        regs::FLOW_CTRL => regs::FLOW_CTRL_MASK,
        regs::RING_CTRL => 1,
        regs::FRAGMENT_LIFETIME => (1 << regs::FRAGMENT_LIFETIME_BITS) - 1,
        regs::IRQ_ENABLE => (1 << VECTORS) - 1,
        regs::EVENT => (1 << regs::EVENT_BITS) - 1,
        regs::PARITY => regs::Parity::new().with_bad(true).into_bits(),
        regs::RING_BASE_LO => !(fpgaflow_abi::descriptor::DESCRIPTOR_BYTES as u32 - 1),
        regs::RING_SIZE => 0xf,
        regs::PORT_CTRL => 0x7,
        regs::PORT_MAC_HI => 0xffff,
        _ => u32::MAX,
    }
}

fn kind(offset: u32) -> Kind {
    match offset {
        0..=regs::BUILD_ID => Kind::Identity,
        regs::CLOCK_LO => Kind::Clock,
        regs::CLOCK_HI => Kind::Upper,
        regs::IRQ_PENDING | regs::EVENT | regs::PARITY | regs::PARITY_COUNT => Kind::Irq,
        regs::RING_CTRL | regs::RING_PRODUCER | regs::RING_CONSUMER => Kind::Ring,
        regs::PORT_COUNTERS | regs::REASON_COUNTERS => Kind::Counter,
        _ => Kind::Written,
    }
}

/// The block.
#[derive(LogicBlock)]
pub struct Map {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Look both up in this clock.
    pub look: Signal<In, Bit>,
    /// Number of the register to write.
    pub write_at: Signal<In, Bits<AT_BITS>>,
    /// Number of the register to read.
    pub read_at: Signal<In, Bits<AT_BITS>>,
    /// Bits that a write changes.
    pub mask: Signal<Out, Bits<32>>,
    /// Where the value comes from.
    pub kind: Signal<Out, Bits<KIND_BITS>>,
    /// The value of an identity register.
    pub identity: Signal<Out, Bits<32>>,
    _lines: Vec<Line>,
}

impl Map {
    /// For a card of this geometry.
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            clock: Signal::default(),
            look: Signal::default(),
            write_at: Signal::default(),
            read_at: Signal::default(),
            mask: Signal::default(),
            kind: Signal::default(),
            identity: Signal::default(),
            _lines: lines(geometry),
        }
    }

    /// The lines of the Verilog `case` over a register number, one for every line for which `value` has one.
    fn cases(&self, value: impl Fn(&Line) -> Option<String>) -> String {
        self._lines
            .iter()
            .filter_map(|line| value(line).map(|text| format!("            {AT_BITS}'h{:x}: {text}\n", line.at)))
            .collect()
    }
}

impl Logic for Map {
    fn update(&mut self) {
        if !(self.clock.pos_edge() && self.look.val()) {
            return;
        }
        let find = |at: Bits<AT_BITS>| self._lines.iter().find(|line| line.at as usize == at.index());
        let (write, read) = (find(self.write_at.val()), find(self.read_at.val()));
        let (mask, kind) = (write.map_or(0, |line| line.mask), read.map_or(Kind::Nothing, |line| line.kind));
        let identity = read.map_or(0, |line| line.identity);
        self.mask.next = u64::from(mask).into();
        self.kind.next = (kind as u64).into();
        self.identity.next = u64::from(identity).into();
    }

    fn connect(&mut self) {
        self.mask.connect();
        self.kind.connect();
        self.identity.connect();
    }

    fn hdl(&self) -> Verilog {
        let masks = self.cases(|line| (line.mask != 0).then(|| format!("mask <= 32'h{:x};", line.mask)));
        let kinds = self.cases(|line| Some(format!("kind <= {KIND_BITS}'h{:x};", line.kind as u8)));
        let identities =
            self.cases(|line| (line.kind == Kind::Identity).then(|| format!("identity <= 32'h{:x};", line.identity)));
        Verilog::Custom(format!(
            "\
always @(posedge clock) begin
    if (look) begin
        case (write_at)
{masks}            default: mask <= 32'h0;
        endcase
        case (read_at)
{kinds}            default: kind <= {KIND_BITS}'h0;
        endcase
        case (read_at)
{identities}            default: identity <= 32'h0;
        endcase
    end
end
"
        ))
    }
}
