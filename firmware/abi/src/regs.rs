//! The register map: 32-bit registers in BAR 0, byte offsets. Identity comes first and never moves.
//!
//! 64-bit counters are two registers; reading the lower one latches the upper, in one latch for all counters.

use bitfield_struct::bitfield;

use crate::bits::Field;
use crate::descriptor::Ring;
use crate::reason::REASONS;
use crate::slot::{EntryRef, SlotPlace};

/// Bytes of BAR 0.
pub const BAR_BYTES: usize = 0x1000;

/// How a register answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Ro,
    /// Read and write.
    Rw,
}

/// One line of the register page: a register, or an array of them.
#[derive(Debug, Clone, Copy)]
pub struct Register {
    /// Name.
    pub name: &'static str,
    /// Byte offset of the first.
    pub offset: u32,
    /// Distance to the next, for an array.
    pub stride: u32,
    /// How many.
    pub count: usize,
    /// How it answers.
    pub access: Access,
    /// What it is.
    pub doc: &'static str,
}

macro_rules! registers {
    ($(#[doc = $doc:literal] $name:ident = $offset:literal $([$count:expr; $stride:literal])?, $access:ident;)+) => {
        $(#[doc = $doc] pub const $name: u32 = $offset;)+

        /// Every register, in the order of the map. The generated register page prints this.
        pub const REGISTERS: &[Register] = &[$(Register {
            name: stringify!($name),
            offset: $offset,
            stride: 0 $(+ $stride)?,
            count: 1 $(* $count)?,
            access: Access::$access,
            doc: $doc,
        },)+];
    };
}

registers! {
    #[doc = "Identity: always [`crate::MAGIC`]."]
    MAGIC = 0x000, Ro;
    #[doc = "Identity: [`crate::ABI_VERSION`]."]
    ABI_VERSION = 0x004, Ro;
    #[doc = "Identity: data-path width and ports, [`crate::geometry::Datapath`]."]
    DATAPATH = 0x008, Ro;
    #[doc = "Identity: shape of the slot table, [`crate::geometry::Table`]."]
    TABLE = 0x00c, Ro;
    #[doc = "Identity: IPv4 entries."]
    ENTRIES_V4 = 0x010, Ro;
    #[doc = "Identity: IPv6 entries."]
    ENTRIES_V6 = 0x014, Ro;
    #[doc = "Identity: next hops."]
    NEXT_HOPS = 0x018, Ro;
    #[doc = "Identity: longest frame in bytes, without FCS."]
    MAX_FRAME = 0x01c, Ro;
    #[doc = "Identity: clock in Hz, 0 in co-simulation."]
    CLOCK_HZ = 0x020, Ro;
    #[doc = "Identity: build that made the bitstream."]
    BUILD_ID = 0x024, Ro;
    #[doc = "Holds what was written: shows that reads and writes arrive."]
    SCRATCH = 0x028, Rw;
    #[doc = "[`FlowCtrl`]."]
    FLOW_CTRL = 0x040, Rw;
    #[doc = "Ticks of [`crate::counters::TICK_SHIFT`] that a datagram is remembered for its fragments."]
    FRAGMENT_LIFETIME = 0x044, Rw;
    #[doc = "Clock counter, lower half; reading it latches the upper."]
    CLOCK_LO = 0x048, Ro;
    #[doc = "Clock counter, upper half."]
    CLOCK_HI = 0x04c, Ro;
    #[doc = "Interrupt vectors that may fire, one bit each."]
    IRQ_ENABLE = 0x080, Rw;
    #[doc = "Interrupt vectors that wait to fire, one bit each."]
    IRQ_PENDING = 0x084, Ro;
    #[doc = "Fewest clocks between two interrupts of one vector."]
    IRQ_MODERATION = 0x088, Rw;
    #[doc = "[`Event`]. A bit stays until 1 is written to it."]
    EVENT = 0x08c, Rw;
    #[doc = "[`Parity`]: the row of a table that was found bad. It stays until 1 is written to its bit `bad`."]
    PARITY = 0x090, Rw;
    #[doc = "Clocks in which a lookup met a bad row, since reset; wraps."]
    PARITY_COUNT = 0x094, Ro;
    #[doc = "Lower half of a ring's host address, 64-byte aligned."]
    RING_BASE_LO = 0x100 [4; 0x20], Rw;
    #[doc = "Upper half of a ring's host address."]
    RING_BASE_HI = 0x104 [4; 0x20], Rw;
    #[doc = "Descriptors of a ring, as a power of two, at most 15."]
    RING_SIZE = 0x108 [4; 0x20], Rw;
    #[doc = "[`RingCtrl`]. Enabling a ring starts both its counters at zero."]
    RING_CTRL = 0x10c [4; 0x20], Rw;
    #[doc = "Producer counter: the host's doorbell; of the completion ring, the card's."]
    RING_PRODUCER = 0x110 [4; 0x20], Rw;
    #[doc = "Consumer counter: the card's; of the completion ring, the host's."]
    RING_CONSUMER = 0x114 [4; 0x20], Rw;
    #[doc = "[`PortCtrl`]."]
    PORT_CTRL = 0x200 [4; 0x10], Rw;
    #[doc = "Lower half of a port's Ethernet address, as the integer its bytes spell."]
    PORT_MAC_LO = 0x204 [4; 0x10], Rw;
    #[doc = "Upper 16 bits of a port's Ethernet address."]
    PORT_MAC_HI = 0x208 [4; 0x10], Rw;
    #[doc = "Port counters, 64 bits each: frames received, bytes received, frames sent, bytes sent. A frame adds at most 65,535 bytes."]
    PORT_COUNTERS = 0x280 [16; 0x08], Ro;
    #[doc = "Frames by [`crate::reason::Reason`], 64 bits each."]
    REASON_COUNTERS = 0x400 [32; 0x08], Ro;
    #[doc = "Secret of the keyed hash, lowest bits first. Write with `FLOW_CTRL.LOOKUP` off."]
    HASH_SECRET = 0x800 [13; 0x04], Rw;
}

const _: () = assert!(REASONS == 32 && crate::hash::SECRET_REGS == 13 && crate::MAX_PORTS == 4);

/// Offset of `register` (`RING_*`) of `ring`.
pub const fn ring(register: u32, ring: Ring) -> u32 {
    register + 0x20 * ring as u32
}

/// Offset of `register` (`PORT_CTRL`, `PORT_MAC_*`) of `port`.
pub const fn port(register: u32, port: u8) -> u32 {
    register + 0x10 * port as u32
}

/// One of a port's 64-bit counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PortCounter {
    /// Frames received, dropped ones too.
    RxFrames = 0,
    /// Bytes of those, at most [`MOST_COUNTED_BYTES`] a frame.
    RxBytes = 1,
    /// Frames sent.
    TxFrames = 2,
    /// Bytes of those.
    TxBytes = 3,
}

/// Bytes that a frame adds to a port's byte counters at most, however long it was.
pub const MOST_COUNTED_BYTES: u64 = 0xffff;

/// Offset of the lower half of a port counter.
pub const fn port_counter(port: u8, counter: PortCounter) -> u32 {
    PORT_COUNTERS + 0x20 * port as u32 + 8 * counter as u32
}

/// Offset of the lower half of a reason's counter.
pub const fn reason_counter(reason: crate::reason::Reason) -> u32 {
    REASON_COUNTERS + 8 * reason as u32
}

/// Register `FLOW_CTRL`.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FlowCtrl {
    /// Look frames up. When off, every frame that would be is punted as `lookup_disabled`.
    pub lookup: bool,
    /// Forward fragments of TCP and UDP as [`crate::fragment`] has it. When off, every fragment is punted as `fragment`.
    pub fragments: bool,
    /// Hold received frames at the ports: none of them enters the engine, those inside leave. They wait in the ports' stores and, when these are
    /// full, on the wire, for a port takes no more then.
    pub hold: bool,
    #[bits(29)]
    __: u32,
}

/// Bits that [`FlowCtrl`] has.
pub const FLOW_CTRL_MASK: u32 = FlowCtrl::new().with_lookup(true).with_fragments(true).with_hold(true).into_bits();
/// Bit [`FlowCtrl::hold`].
pub const FLOW_CTRL_HOLD: Field = Field::new(FlowCtrl::HOLD_OFFSET, FlowCtrl::HOLD_BITS);

/// Bits of `FRAGMENT_LIFETIME`.
pub const FRAGMENT_LIFETIME_BITS: usize = 16;

/// Register `EVENT`: what went wrong. Every new event raises the vector [`crate::descriptor::Vector::Event`].
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Event {
    /// The bus answered an access to the command ring, or to memory that a command names, with an error.
    pub command: bool,
    /// Likewise for frames to the host and their buffers.
    pub frame_to_host: bool,
    /// Likewise for frames to the card.
    pub frame_to_card: bool,
    /// Likewise for a completion, which is lost.
    pub completion: bool,
    /// A row of a table was found bad and is in `PARITY`.
    pub parity: bool,
    #[bits(27)]
    __: u32,
}

/// Bits that [`Event`] has.
pub const EVENT_BITS: usize = EVENT_PARITY.end();
/// Bit [`Event::parity`]; those of the rings are below.
pub const EVENT_PARITY: Field = Field::new(Event::PARITY_OFFSET, Event::PARITY_BITS);

/// Register `PARITY`: a row whose parity is wrong. The first one that a lookup meets stays here until it is acknowledged; others that are
/// met meanwhile are counted, and found again by the next lookup that reads them.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct Parity {
    /// As a write of the row has it: [`crate::slot::SlotPlace::index`], [`crate::slot::EntryRef`] or the number of a next hop.
    #[bits(28)]
    pub index: u32,
    /// Which table: [`RowTable`].
    #[bits(2)]
    pub table: u8,
    __: bool,
    /// There is such a row.
    pub bad: bool,
}

/// Bit [`Parity::bad`].
pub const PARITY_BAD: Field = Field::new(Parity::BAD_OFFSET, Parity::BAD_BITS);

/// Values of [`Parity::table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RowTable {
    /// Slots of the banks; the stash has no memory and no parity.
    Slot = 0,
    /// Entries of both families.
    Entry = 1,
    /// Next hops.
    NextHop = 2,
}

/// Names one row of a table with parity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableRow {
    /// A slot.
    Slot(SlotPlace),
    /// An entry.
    Entry(EntryRef),
    /// A next hop.
    NextHop(u16),
}

impl Parity {
    /// The row it names; `None` when there is none or no card has it.
    pub const fn row(self) -> Option<TableRow> {
        const SLOT: u8 = RowTable::Slot as u8;
        const ENTRY: u8 = RowTable::Entry as u8;
        const NEXT_HOP: u8 = RowTable::NextHop as u8;
        match (self.bad(), self.table()) {
            (true, SLOT) => Some(TableRow::Slot(SlotPlace::from_index(self.index()))),
            (true, ENTRY) => Some(TableRow::Entry(EntryRef::from_bits(self.index()))),
            (true, NEXT_HOP) => Some(TableRow::NextHop(self.index() as u16)),
            _ => None,
        }
    }

    /// What the register reads when `row` is bad.
    pub const fn of(row: TableRow) -> Self {
        let (table, index) = match row {
            TableRow::Slot(place) => (RowTable::Slot, place.index()),
            TableRow::Entry(entry) => (RowTable::Entry, entry.into_bits()),
            TableRow::NextHop(index) => (RowTable::NextHop, index as u32),
        };
        Self::new().with_bad(true).with_table(table as u8).with_index(index)
    }
}

/// Register `RING_CTRL`.
///
/// A ring that is switched off finishes the descriptors it has begun, completions too, and reads as enabled until the card has let
/// go of the ring and of every buffer; only then switch it on again. What completes while the completion ring is off is not told:
/// switch it off last, or with the others to be rid of what nobody reads.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct RingCtrl {
    /// The card uses the ring.
    pub enable: bool,
    #[bits(31)]
    __: u32,
}

/// Register `PORT_CTRL`.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PortCtrl {
    /// Take frames in; when off they are dropped as `port_disabled`.
    pub rx_enable: bool,
    /// Forward frames whatever their unicast destination.
    pub promiscuous: bool,
    /// Drop frames as `tx_full` when the port does not take them, instead of holding up the engine.
    pub tail_drop: bool,
    #[bits(29)]
    __: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_row_is_named_and_read_back() {
        for row in [
            TableRow::Slot(SlotPlace { bank: 1, bucket: 0x00ff_ffff, way: 3 }),
            TableRow::Entry(EntryRef::new().with_v6(true).with_index(0x7f_ffff)),
            TableRow::NextHop(u16::MAX),
        ] {
            assert_eq!(Parity::of(row).row(), Some(row));
        }
        assert_eq!(Parity::new().row(), None);
        assert_eq!(Parity::new().with_bad(true).with_table(3).row(), None);
        assert_eq!(EVENT_BITS, 5);
    }

    #[test]
    fn registers_do_not_overlap() {
        let mut taken = [false; BAR_BYTES / 4];
        for register in REGISTERS {
            // A 64-bit counter takes two words.
            let words = if register.stride == 8 { 2 } else { 1 };
            for i in 0..register.count {
                for word in 0..words {
                    let at = (register.offset + register.stride * i as u32) as usize / 4 + word;
                    assert!(!taken[at], "{} element {i} is on top of another register", register.name);
                    taken[at] = true;
                }
            }
        }
    }
}
