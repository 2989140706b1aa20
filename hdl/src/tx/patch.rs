//! Writes what the flow's entry says into the packet, and cuts off what Ethernet put behind it.
//!
//! ```text
//!                   +-------+
//!  s_axis_rewrite ->| Patch |
//!  s_axis --------->|       |--> m_axis
//!                   +-------+
//! ```
//! Latency [`Patch::LATENCY`] clock, a beat a clock, no bubble between frames.
//!
//! # Contract
//! - Beats start at the first byte behind layer 2. One [`Rewrite`] a frame, taken with the last beat that the frame keeps.
//! - `forward`: TTL, checksums, addresses and ports are written at their places of an IPv4 header without options and a TCP or UDP
//!   header behind it; beats behind the packet's last byte are taken and forgotten, bytes behind it in its last beat are zero.
//! - Not `forward`: beats pass as they are.
//! - A frame that ends before its packet does ends there: nothing waits for beats that do not come.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use super::beat_shift;
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, LENGTH_BITS};

/// What to write into a packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Rewrite {
    /// Rewrite and cut; else let pass.
    pub forward: Bit,
    /// Bytes of the packet, less one.
    pub body_last: Bits<LENGTH_BITS>,
    /// UDP, else TCP.
    pub udp: Bit,
    /// TTL.
    pub ttl: Bits<8>,
    /// IPv4 header checksum.
    pub l3_checksum: Bits<16>,
    /// Source address.
    pub src: Bits<32>,
    /// Destination address.
    pub dst: Bits<32>,
    /// Source port.
    pub sport: Bits<16>,
    /// Destination port.
    pub dport: Bits<16>,
    /// TCP or UDP checksum.
    pub l4_checksum: Bits<16>,
}

/// Place of a header field in a packet.
#[derive(Clone, Copy)]
struct Place {
    /// First byte, counted from the first byte of the IP header.
    byte: usize,
    bits: usize,
}

// RFC 791 figure 4, RFC 768, RFC 9293 figure 1; no IPv4 options.
const TTL: Place = Place { byte: 8, bits: 8 };
const L3_CHECKSUM: Place = Place { byte: 10, bits: 16 };
const SRC: Place = Place { byte: 12, bits: 32 };
const DST: Place = Place { byte: 16, bits: 32 };
const SPORT: Place = Place { byte: 20, bits: 16 };
const DPORT: Place = Place { byte: 22, bits: 16 };
const UDP_CHECKSUM: Place = Place { byte: 26, bits: 16 };
const TCP_CHECKSUM: Place = Place { byte: 36, bits: 16 };

impl Place {
    /// The beat of `width` bits it is in.
    const fn beat(self, width: usize) -> usize {
        8 * self.byte / width
    }

    /// Its least significant bit in that beat.
    const fn lsb(self, width: usize) -> u64 {
        (width - 8 * self.byte % width - self.bits) as u64
    }

    fn index(self, width: usize) -> Constant<Bits<LENGTH_BITS>> {
        Constant::new((self.beat(width) as u64).into())
    }

    /// All bits of the beat but the field's.
    fn rest<const W: usize>(self) -> Constant<Bits<W>> {
        let field = Bits::<W>::from((1_u64 << self.bits) - 1) << self.lsb(W);
        Constant::new(!field)
    }
}

/// Rewrites packets of `W` bits a beat.
#[derive(LogicBlock)]
pub struct Patch<const W: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// One a frame.
    pub s_axis_rewrite: StreamSink<Rewrite>,
    /// Packets as they came.
    pub s_axis: BeatSink<W>,
    /// Packets as they leave.
    pub m_axis: BeatSource<W>,

    // What is left of a frame whose packet has ended.
    surplus: DFF<Bit>,
    beat: DFF<Bits<LENGTH_BITS>>,
    rewrite: Signal<Local, Rewrite>,
    body_end: Signal<Local, Bits<LENGTH_BITS>>,
    ends: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    empty_bytes: Signal<Local, Bits<LENGTH_BITS>>,
    patched: Signal<Local, Bits<W>>,

    data_s1: DFF<Bits<W>>,
    last_s1: DFF<Bit>,
    valid_s1: DFF<Bit>,

    one: Constant<Bits<LENGTH_BITS>>,
    in_beat: Constant<Bits<LENGTH_BITS>>,
    ones: Constant<Bits<W>>,
    ttl_beat: Constant<Bits<LENGTH_BITS>>,
    ttl_rest: Constant<Bits<W>>,
    l3_checksum_beat: Constant<Bits<LENGTH_BITS>>,
    l3_checksum_rest: Constant<Bits<W>>,
    src_beat: Constant<Bits<LENGTH_BITS>>,
    src_rest: Constant<Bits<W>>,
    dst_beat: Constant<Bits<LENGTH_BITS>>,
    dst_rest: Constant<Bits<W>>,
    sport_beat: Constant<Bits<LENGTH_BITS>>,
    sport_rest: Constant<Bits<W>>,
    dport_beat: Constant<Bits<LENGTH_BITS>>,
    dport_rest: Constant<Bits<W>>,
    udp_checksum_beat: Constant<Bits<LENGTH_BITS>>,
    udp_checksum_rest: Constant<Bits<W>>,
    tcp_checksum_beat: Constant<Bits<LENGTH_BITS>>,
    tcp_checksum_rest: Constant<Bits<W>>,
}

impl<const W: usize> Patch<W> {
    /// Clocks from a beat in to the same beat out.
    pub const LATENCY: usize = 1;
}

impl<const W: usize> Default for Patch<W> {
    fn default() -> Self {
        for place in [TTL, L3_CHECKSUM, SRC, DST, SPORT, DPORT, UDP_CHECKSUM, TCP_CHECKSUM] {
            assert!(8 * place.byte % W + place.bits <= W, "Patch: beats of {W} bits cut the field at byte {}", place.byte);
        }
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_rewrite: StreamSink::default(),
            s_axis: BeatSink::default(),
            m_axis: BeatSource::default(),
            surplus: DFF::default(),
            beat: DFF::default(),
            rewrite: Signal::default(),
            body_end: Signal::default(),
            ends: Signal::default(),
            advance: Signal::default(),
            accept: Signal::default(),
            empty_bytes: Signal::default(),
            patched: Signal::default(),
            data_s1: DFF::default(),
            last_s1: DFF::default(),
            valid_s1: DFF::default(),
            one: Constant::new(1_u64.into()),
            in_beat: Constant::new((W as u64 / 8 - 1).into()),
            ones: Constant::new(!Bits::<W>::default()),
            ttl_beat: TTL.index(W),
            ttl_rest: TTL.rest(),
            l3_checksum_beat: L3_CHECKSUM.index(W),
            l3_checksum_rest: L3_CHECKSUM.rest(),
            src_beat: SRC.index(W),
            src_rest: SRC.rest(),
            dst_beat: DST.index(W),
            dst_rest: DST.rest(),
            sport_beat: SPORT.index(W),
            sport_rest: SPORT.rest(),
            dport_beat: DPORT.index(W),
            dport_rest: DPORT.rest(),
            udp_checksum_beat: UDP_CHECKSUM.index(W),
            udp_checksum_rest: UDP_CHECKSUM.rest(),
            tcp_checksum_beat: TCP_CHECKSUM.index(W),
            tcp_checksum_rest: TCP_CHECKSUM.rest(),
        }
    }
}

impl<const W: usize> Logic for Patch<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, surplus, beat, data_s1, last_s1, valid_s1);
        self.rewrite.next = self.s_axis_rewrite.data.val();

        // Where the packet ends.
        self.body_end.next = 0.into();
        for at in (beat_shift(W) as u64)..(beat_shift(W) as u64 + 1) {
            self.body_end.next = self.rewrite.val().body_last >> at;
        }
        self.ends.next = self.s_axis.last.val() | (self.rewrite.val().forward & (self.beat.q.val() == self.body_end.val()));

        // Take a beat when the one before moves on; take a surplus beat at once.
        self.advance.next = self.m_axis.ready.val() | !self.valid_s1.q.val();
        self.accept.next = self.s_axis.valid.val() & self.s_axis_rewrite.valid.val() & self.advance.val() & !self.surplus.q.val();
        self.s_axis.ready.next = self.surplus.q.val() | (self.s_axis_rewrite.valid.val() & self.advance.val());
        self.s_axis_rewrite.ready.next = self.accept.val() & self.ends.val();
        if self.accept.val() {
            self.beat.d.next = self.beat.q.val() + self.one.val();
            if self.ends.val() {
                self.beat.d.next = 0.into();
                self.surplus.d.next = !self.s_axis.last.val();
            }
        } else if self.surplus.q.val() & self.s_axis.valid.val() & self.s_axis.last.val() {
            self.surplus.d.next = false;
        }

        // The fields.
        self.patched.next = self.s_axis.data.val();
        self.empty_bytes.next = 0.into();
        if self.rewrite.val().forward {
            for lsb in TTL.lsb(W)..(TTL.lsb(W) + 1) {
                if self.beat.q.val() == self.ttl_beat.val() {
                    self.patched.next =
                        (self.patched.val() & self.ttl_rest.val()) | (bit_cast::<W, 8>(self.rewrite.val().ttl) << lsb);
                }
            }
            for lsb in L3_CHECKSUM.lsb(W)..(L3_CHECKSUM.lsb(W) + 1) {
                if self.beat.q.val() == self.l3_checksum_beat.val() {
                    self.patched.next = (self.patched.val() & self.l3_checksum_rest.val())
                        | (bit_cast::<W, 16>(self.rewrite.val().l3_checksum) << lsb);
                }
            }
            for lsb in SRC.lsb(W)..(SRC.lsb(W) + 1) {
                if self.beat.q.val() == self.src_beat.val() {
                    self.patched.next =
                        (self.patched.val() & self.src_rest.val()) | (bit_cast::<W, 32>(self.rewrite.val().src) << lsb);
                }
            }
            for lsb in DST.lsb(W)..(DST.lsb(W) + 1) {
                if self.beat.q.val() == self.dst_beat.val() {
                    self.patched.next =
                        (self.patched.val() & self.dst_rest.val()) | (bit_cast::<W, 32>(self.rewrite.val().dst) << lsb);
                }
            }
            for lsb in SPORT.lsb(W)..(SPORT.lsb(W) + 1) {
                if self.beat.q.val() == self.sport_beat.val() {
                    self.patched.next =
                        (self.patched.val() & self.sport_rest.val()) | (bit_cast::<W, 16>(self.rewrite.val().sport) << lsb);
                }
            }
            for lsb in DPORT.lsb(W)..(DPORT.lsb(W) + 1) {
                if self.beat.q.val() == self.dport_beat.val() {
                    self.patched.next =
                        (self.patched.val() & self.dport_rest.val()) | (bit_cast::<W, 16>(self.rewrite.val().dport) << lsb);
                }
            }
            for lsb in UDP_CHECKSUM.lsb(W)..(UDP_CHECKSUM.lsb(W) + 1) {
                if self.rewrite.val().udp & (self.beat.q.val() == self.udp_checksum_beat.val()) {
                    self.patched.next = (self.patched.val() & self.udp_checksum_rest.val())
                        | (bit_cast::<W, 16>(self.rewrite.val().l4_checksum) << lsb);
                }
            }
            for lsb in TCP_CHECKSUM.lsb(W)..(TCP_CHECKSUM.lsb(W) + 1) {
                if !self.rewrite.val().udp & (self.beat.q.val() == self.tcp_checksum_beat.val()) {
                    self.patched.next = (self.patched.val() & self.tcp_checksum_rest.val())
                        | (bit_cast::<W, 16>(self.rewrite.val().l4_checksum) << lsb);
                }
            }
            // Zeros behind the packet: what follows it is padding.
            if self.beat.q.val() == self.body_end.val() {
                self.empty_bytes.next = !self.rewrite.val().body_last & self.in_beat.val();
                self.patched.next = self.patched.val() & (self.ones.val() << (self.empty_bytes.val() << 3));
            }
        }
        if self.advance.val() {
            self.valid_s1.d.next = self.accept.val();
            self.last_s1.d.next = self.ends.val();
            self.data_s1.d.next = self.patched.val();
        }
        self.m_axis.data.next = self.data_s1.q.val();
        self.m_axis.last.next = self.last_s1.q.val();
        self.m_axis.valid.next = self.valid_s1.q.val();

        if self.reset.val() {
            self.surplus.d.next = false;
            self.beat.d.next = 0.into();
            self.valid_s1.d.next = false;
        }
    }
}
