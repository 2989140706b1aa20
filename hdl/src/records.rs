//! What travels between the engine's blocks: the beat stream and one record a packet for each part of the pipeline.
//!
//! # Byte order
//! On the AXI-Stream ports lane 0 (`tdata[7:0]`) is the first byte of the wire. Inside, `rx_port` has turned every beat around:
//! the first byte is the most significant one, so a header field is a contiguous slice that reads as its number. `tx_port` and the
//! host side turn beats back.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use fpgaflow_abi::counters::TICK_SHIFT;
use fpgaflow_abi::{entry, fragment, key, regs, slot, wire};

use crate::prelude::*;

/// Bits of a port number.
pub const PORT_BITS: usize = key::INGRESS.width;
/// Bits of a reason code.
pub const REASON_BITS: usize = 8;
/// Bits of a length in bytes.
pub const LENGTH_BITS: usize = 16;
/// Bits of the clock counter.
pub const CLOCK_BITS: usize = 64;
/// Bits of the `last_seen` tick.
pub const SEEN_BITS: usize = 32;
/// Bits of an address: IPv6's; an IPv4 address is in the lowest 32.
pub const ADDRESS_BITS: usize = key::SRC_V6.width;
/// Bits of the header window behind layer 2.
pub const WINDOW_BITS: usize = 8 * wire::HEADER_WINDOW_BYTES;
/// Bits of the layer 2 header record; a shorter header is left-aligned, its first byte the most significant.
pub const L2_BITS: usize = 8 * wire::MAX_L2_BYTES;

/// Bits of what stands for an identification in a key: both ports.
pub const MARK_BITS: usize = fragment::IDENTIFICATION_BITS;

const _: () = assert!(TICK_SHIFT as usize + SEEN_BITS <= CLOCK_BITS);
const _: () = assert!(regs::MOST_COUNTED_BYTES == (1 << LENGTH_BITS) - 1);

/// Receiving side of a stream of beats, `W` bits each. Contract of [`StreamSink`].
#[derive(LogicInterface, Clone, Debug, Default)]
#[join = "BeatSource"]
pub struct BeatSink<const W: usize> {
    /// The beat, first byte most significant. Bytes behind the frame's end are not defined.
    pub data: Signal<In, Bits<W>>,
    /// Last beat of its frame.
    pub last: Signal<In, Bit>,
    /// The sender has a beat.
    pub valid: Signal<In, Bit>,
    /// The receiver takes it in this clock.
    pub ready: Signal<Out, Bit>,
}

/// Sending side of a stream of beats.
#[derive(LogicInterface, Clone, Debug, Default)]
#[join = "BeatSink"]
pub struct BeatSource<const W: usize> {
    /// The beat, first byte most significant.
    pub data: Signal<Out, Bits<W>>,
    /// Last beat of its frame.
    pub last: Signal<Out, Bit>,
    /// The sender has a beat.
    pub valid: Signal<Out, Bit>,
    /// The receiver takes it in this clock.
    pub ready: Signal<In, Bit>,
}

/// A whole frame that waits to be read: told once a frame, before its beats.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct FrameInfo {
    /// Bytes, without FCS.
    pub length: Bits<LENGTH_BITS>,
    /// Port it came in by, or is to leave by.
    pub port: Bits<PORT_BITS>,
}

/// A layer 2 header, taken off on the way in and kept for a punt.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct L2Record {
    /// Its bytes, left-aligned.
    pub bytes: Bits<L2_BITS>,
    /// How many: 14 to 30.
    pub length: Bits<5>,
}

/// What the parser starts from: one a packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct HeaderRecord {
    /// First bytes behind layer 2, left-aligned; what the frame does not have is not defined.
    pub window: Bits<WINDOW_BITS>,
    /// Layer 2 header.
    pub l2: L2Record,
    /// EtherType that says what the window holds: behind all tags, and IP's behind a PPPoE header.
    pub ethertype: Bits<16>,
    /// It is IPv6's. Told apart, like `gre`, because the key hangs on it.
    pub v6: Bit,
    /// The window holds a packet that says it is GRE's.
    pub gre: Bit,
    /// The window holds an IPv6 packet whose next header is a fragment header; told apart likewise.
    pub fragment_header: Bit,
    /// Length field of the PPPoE header, if `encap` has one.
    pub pppoe_length: Bits<LENGTH_BITS>,
    /// Encapsulation as `abi::key::Encap` rows have it.
    pub encap: Bits<{ key::ENCAP.width }>,
    /// Length and ingress port of the frame.
    pub frame: FrameInfo,
}

/// What the rest of the pipeline needs to know of a packet besides its key.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Parsed {
    /// Reason found before any lookup, or `Reason::Forwarded` (0) for a packet to look up.
    pub reason: Bits<REASON_BITS>,
    /// Length and ingress port of the frame.
    pub frame: FrameInfo,
    /// Bytes of the IP packet, by its header.
    pub ip_length: Bits<LENGTH_BITS>,
    /// TTL or hop limit.
    pub ttl: Bits<8>,
    /// IPv4 header checksum.
    pub l3_checksum: Bits<16>,
    /// TCP or UDP checksum.
    pub l4_checksum: Bits<16>,
    /// IPv6, else IPv4.
    pub v6: Bit,
    /// UDP.
    pub udp: Bit,
    /// Nothing behind the IP header is the card's: GRE, or a later fragment. Neither this nor UDP is TCP.
    pub gre: Bit,
    /// TCP with FIN, SYN or RST.
    pub tcp_control: Bit,
    /// An IPv6 fragment header is before layer 4.
    pub fragment_header: Bit,
}

/// Which part of its datagram a packet to look up is. All zero for a whole packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Fragment {
    /// The first: it has the layer 4 header.
    pub first: Bit,
    /// One behind it.
    pub later: Bit,
    /// It is not the last.
    pub more: Bit,
    /// Identification of the datagram.
    pub id: Bits<MARK_BITS>,
    /// Where in the datagram it starts, in units of 8 bytes.
    pub offset: Bits<{ fragment::OFFSET_BITS }>,
    /// How much of the datagram it has, in the same units.
    pub units: Bits<{ fragment::OFFSET_BITS }>,
    /// The ports in the packet's key: those of the flow in the first fragment.
    pub ports: Bits<MARK_BITS>,
}

/// What a packet is to the datagram that it is a fragment of. All zero for a whole packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct DatagramRole {
    /// Row of the datagram.
    pub row: Bits<{ fragment::ROW_BITS }>,
    /// The verdict on this packet is the row's from now on.
    pub opens: Bit,
    /// This packet is punted if the row's verdict was.
    pub follows: Bit,
    /// This packet is punted.
    pub lost: Bit,
}

/// What the flow table answers.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct FlowAction {
    /// An entry has the key and is valid.
    pub hit: Bit,
    /// Which one.
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
    /// Source address to write.
    pub src: Bits<ADDRESS_BITS>,
    /// Destination address to write.
    pub dst: Bits<ADDRESS_BITS>,
    /// Source port to write.
    pub sport: Bits<16>,
    /// Destination port to write.
    pub dport: Bits<16>,
    /// Next hop to leave by.
    pub next_hop: Bits<{ entry::NEXT_HOP_BITS }>,
    /// IPv4 header checksum delta.
    pub l3_delta: Bits<16>,
    /// TCP or UDP checksum delta.
    pub l4_delta: Bits<16>,
    /// A row that the lookup read is bad. A hit is one nevertheless; a miss need not be one.
    pub parity: Bit,
    /// What it is to its datagram; defined without a hit, too.
    pub role: DatagramRole,
}

/// What becomes of a packet: one a packet, in order, to the place where verdict and payload meet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Verdict {
    /// `Reason::Forwarded` (0) to send it, a punt's reason to hand it to the host.
    pub reason: Bits<REASON_BITS>,
    /// Length and ingress port of the frame as it came.
    pub frame: FrameInfo,
    /// Port to leave by.
    pub egress: Bits<PORT_BITS>,
    /// Bytes of the IP packet: what is forwarded behind layer 2.
    pub ip_length: Bits<LENGTH_BITS>,
    /// An entry was hit, also by a punt behind the lookup.
    pub hit: Bit,
    /// Which one.
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
    /// Ethernet source to leave with.
    pub src_mac: Bits<48>,
    /// Ethernet destination to leave with.
    pub dst_mac: Bits<48>,
    /// Encapsulation to leave with.
    pub encap: Bits<{ key::ENCAP.width }>,
    /// Source address to write.
    pub src: Bits<ADDRESS_BITS>,
    /// Destination address to write.
    pub dst: Bits<ADDRESS_BITS>,
    /// Source port to write.
    pub sport: Bits<16>,
    /// Destination port to write.
    pub dport: Bits<16>,
    /// TTL to write: one lower.
    pub ttl: Bits<8>,
    /// IPv4 header checksum to write.
    pub l3_checksum: Bits<16>,
    /// TCP or UDP checksum to write.
    pub l4_checksum: Bits<16>,
    /// IPv6, else IPv4: no checksum of its own.
    pub v6: Bit,
    /// UDP.
    pub udp: Bit,
    /// Nothing behind the IP header is written: GRE, or a later fragment. Neither this nor UDP is TCP.
    pub gre: Bit,
    /// An IPv6 fragment header is before layer 4.
    pub fragment_header: Bit,
}

/// A punted frame on its way to the host: one a frame, beside its beats.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct PuntInfo {
    /// Length and ingress port.
    pub frame: FrameInfo,
    /// Why.
    pub reason: Bits<REASON_BITS>,
    /// An entry was hit.
    pub hit: Bit,
    /// Which one.
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
}

/// Bits of a table write's row: an IPv6 entry, in whole words.
pub const WRITE_ROW_BITS: usize = 64 * entry::ENTRY_WORDS;

/// One atomic write into a table, as a pulse from the command engine.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct TableWrite {
    /// Which table: [`WriteTarget`].
    pub target: Bits<2>,
    /// `SlotPlace::index`, stash slot, `EntryRef` or next hop. Already checked against the geometry.
    pub index: Bits<32>,
    /// The row, from bit 0: slot; slot then hash (stash, `STASH_BITS`: the 41 slot bits, then 48 hash bits); entry; next hop.
    pub row: Bits<WRITE_ROW_BITS>,
}

/// Values of [`TableWrite::target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum WriteTarget {
    /// A slot of a bank.
    Slot = 0,
    /// A stash slot.
    Stash = 1,
    /// An entry.
    Entry = 2,
    /// A next hop.
    NextHop = 3,
}

/// A read or clear of one entry's counters by the command engine.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct CounterRequest {
    /// Whose.
    pub entry: Bits<{ slot::ENTRY_REF_BITS }>,
    /// Zero them instead of reading. Answers like a read, with what they were.
    pub clear: Bit,
}

/// Counters of one entry, as a pulse to the command engine.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct CounterReply {
    /// Frames forwarded.
    pub packets: Bits<64>,
    /// Bytes of their IP packets.
    pub bytes: Bits<64>,
    /// Tick of the last one.
    pub seen: Bits<SEEN_BITS>,
}
