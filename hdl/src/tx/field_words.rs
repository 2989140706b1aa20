//! What a packet's beats of 64 bits get written into them, each when the one before it leaves.
//!
//! ```text
//!  verdict, forward ---------->+------------+
//!  step, begins, body, ends -->| FieldWords |-> value, keep
//!                              +------------+
//! ```
//! Latency 1 clock, which is the beat's before: `value` and `keep` are those of the beat that `step` brought, until the next.
//!
//! # Contract
//! - A beat leaves as `(beat & keep) | value`, `keep` a bit for each byte. [`PacketFields`](super::PacketFields) says where fields are.
//! - `begins` comes with the last word of the frame's header, when the verdict goes: its fields are kept here while the beats of the window pass.
//! - Of a forwarded packet's last beat, which is never its first, what is behind the packet is not kept. Nothing is kept without `body`.
//!
//! # How
//! A frame's beats come one after the other, so no more than one beat's fields is ever laid out. They are chosen in two parts, each zero where it has nothing, that
//! are put together with the beat: of four halves of an address one, and of the rest what a column of 16 bits gets.

use crate::prelude::*;
use crate::records::{ADDRESS_BITS, LENGTH_BITS, Verdict, WINDOW_BITS};

/// Beats of the window behind the first.
const MORE_BEATS: usize = WINDOW_BITS / 64 - 1;

/// Chooses fields.
#[derive(LogicBlock)]
pub struct FieldWords {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the packet under way.
    pub reset: Signal<In, Bit>,
    /// What becomes of the packet that begins next.
    pub verdict: Signal<In, Verdict>,
    /// It is forwarded.
    pub forward: Signal<In, Bit>,
    /// The next beat takes the place of the one that is there.
    pub step: Signal<In, Bit>,
    /// The next beat is a packet's first.
    pub begins: Signal<In, Bit>,
    /// The next beat is a packet's.
    pub body: Signal<In, Bit>,
    /// The next beat is its packet's last.
    pub ends: Signal<In, Bit>,
    /// What to write into the beat, zeros where it is kept.
    pub value: Signal<Out, Bits<64>>,
    /// Bytes that are kept, the first one most significant.
    pub keep: Signal<Out, Bits<8>>,

    // Fields of the packet under way, from its first beat on.
    src: DFF<Bits<ADDRESS_BITS>>,
    dst: DFF<Bits<ADDRESS_BITS>>,
    sport: DFF<Bits<16>>,
    dport: DFF<Bits<16>>,
    l3_checksum: DFF<Bits<16>>,
    l4_checksum: DFF<Bits<16>>,
    ttl: DFF<Bits<8>>,
    // Bytes behind it in its last beat; none when it is punted.
    empty_bytes: DFF<Bits<3>>,
    // What kind of packet it is; none of these when it is punted.
    v4: DFF<Bit>,
    v6: DFF<Bit>,
    ported: DFF<Bit>,
    udp: DFF<Bit>,
    tcp: DFF<Bit>,
    fragment: DFF<Bit>,
    // Beats of the window behind the first: which one comes next, a bit each.
    at: DFF<Bits<MORE_BEATS>>,
    // What that one has: IPv4's second; of the addresses, and of which; of the rest, column by column; the ports of IPv6.
    second_v4: DFF<Bit>,
    has_upper: DFF<Bit>,
    has_lower: DFF<Bit>,
    of_dst: DFF<Bit>,
    of_low: DFF<Bit>,
    has_0: DFF<Bit>,
    has_1: DFF<Bit>,
    has_2: DFF<Bit>,
    has_3: DFF<Bit>,
    has_ports: DFF<Bit>,

    // The next beat's: what is of an address, column by column of 16 bits what is not.
    address_upper: DFF<Bits<32>>,
    address_lower: DFF<Bits<32>>,
    other_0: DFF<Bits<16>>,
    other_1: DFF<Bits<16>>,
    other_2: DFF<Bits<16>>,
    other_3: DFF<Bits<16>>,

    kept: DFF<Bits<8>>,

    hops: Signal<Local, Bit>,
    ports_next: Signal<Local, Bit>,
    half: Signal<Local, Bits<64>>,
    source: Signal<Local, Bits<ADDRESS_BITS>>,
    target: Signal<Local, Bits<ADDRESS_BITS>>,
    column_0: Signal<Local, Bits<16>>,
    column_1: Signal<Local, Bits<16>>,
    column_2: Signal<Local, Bits<16>>,
    column_3: Signal<Local, Bits<16>>,
    ip_length: Signal<Local, Bits<LENGTH_BITS>>,
    body_last: Signal<Local, Bits<3>>,
    written: Signal<Local, Bits<8>>,
    of_packet: Signal<Local, Bits<8>>,
    address: Signal<Local, Bits<64>>,
    other: Signal<Local, Bits<64>>,
    upper_half: Signal<Local, Bits<32>>,
    lower_half: Signal<Local, Bits<32>>,

    second_beat: Constant<Bits<MORE_BEATS>>,
    all: Constant<Bits<8>>,
    one: Constant<Bits<3>>,
}

impl Default for FieldWords {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            verdict: Signal::default(),
            forward: Signal::default(),
            step: Signal::default(),
            begins: Signal::default(),
            body: Signal::default(),
            ends: Signal::default(),
            value: Signal::default(),
            keep: Signal::default(),
            src: DFF::default(),
            dst: DFF::default(),
            sport: DFF::default(),
            dport: DFF::default(),
            l3_checksum: DFF::default(),
            l4_checksum: DFF::default(),
            ttl: DFF::default(),
            empty_bytes: DFF::default(),
            v4: DFF::default(),
            v6: DFF::default(),
            ported: DFF::default(),
            udp: DFF::default(),
            tcp: DFF::default(),
            fragment: DFF::default(),
            at: DFF::default(),
            second_v4: DFF::default(),
            has_upper: DFF::default(),
            has_lower: DFF::default(),
            of_dst: DFF::default(),
            of_low: DFF::default(),
            has_0: DFF::default(),
            has_1: DFF::default(),
            has_2: DFF::default(),
            has_3: DFF::default(),
            has_ports: DFF::default(),
            address_upper: DFF::default(),
            address_lower: DFF::default(),
            other_0: DFF::default(),
            other_1: DFF::default(),
            other_2: DFF::default(),
            other_3: DFF::default(),
            kept: DFF::default(),
            hops: Signal::default(),
            ports_next: Signal::default(),
            half: Signal::default(),
            source: Signal::default(),
            target: Signal::default(),
            column_0: Signal::default(),
            column_1: Signal::default(),
            column_2: Signal::default(),
            column_3: Signal::default(),
            ip_length: Signal::default(),
            body_last: Signal::default(),
            written: Signal::default(),
            of_packet: Signal::default(),
            address: Signal::default(),
            other: Signal::default(),
            upper_half: Signal::default(),
            lower_half: Signal::default(),
            second_beat: Constant::new(1_u64.into()),
            all: Constant::new(!Bits::<8>::default()),
            one: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for FieldWords {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, src, dst, sport, dport, l3_checksum, l4_checksum, ttl, empty_bytes);
        dff_setup!(self, clock, v4, v6, ported, udp, tcp, fragment, at, of_dst, of_low, has_ports);
        dff_setup!(self, clock, second_v4, has_upper, has_lower, has_0, has_1, has_2, has_3, kept);
        dff_setup!(self, clock, address_upper, address_lower, other_0, other_1, other_2, other_3);

        // The packet under way.
        self.ip_length.next = self.verdict.val().ip_length;
        self.body_last.next = self.ip_length.val().get_bits::<3>(0) - self.one.val();
        if self.begins.val() {
            self.src.d.next = self.verdict.val().src;
            self.dst.d.next = self.verdict.val().dst;
            self.sport.d.next = self.verdict.val().sport;
            self.dport.d.next = self.verdict.val().dport;
            self.l3_checksum.d.next = self.verdict.val().l3_checksum;
            self.l4_checksum.d.next = self.verdict.val().l4_checksum;
            self.ttl.d.next = self.verdict.val().ttl;
            self.empty_bytes.d.next = 0.into();
            if self.forward.val() {
                self.empty_bytes.d.next = !self.body_last.val();
            }
            self.v4.d.next = self.forward.val() & !self.verdict.val().v6;
            self.v6.d.next = self.forward.val() & self.verdict.val().v6;
            self.ported.d.next = !self.verdict.val().gre;
            self.udp.d.next = self.verdict.val().udp;
            self.tcp.d.next = !self.verdict.val().udp & !self.verdict.val().gre;
            self.fragment.d.next = self.verdict.val().fragment_header;
        }

        // Which beat comes next, and what there is to write in it: IPv6's addresses are two beats each, its ports behind them, and one further on behind a
        // fragment header.
        self.hops.next = self.begins.val() & self.forward.val() & self.verdict.val().v6;
        self.ports_next.next = self.at.q.val().get_bit(3) & !self.fragment.q.val();
        if self.fragment.q.val() {
            self.ports_next.next = self.at.q.val().get_bit(4);
        }
        if self.step.val() {
            self.at.d.next = 0.into();
            self.second_v4.d.next = false;
            self.has_upper.d.next = false;
            self.has_lower.d.next = false;
            self.has_0.d.next = false;
            self.has_1.d.next = false;
            self.has_2.d.next = false;
            self.has_3.d.next = false;
            self.has_ports.d.next = self.ports_next.val();
            self.of_dst.d.next = self.at.q.val().get_bit(1) | self.at.q.val().get_bit(2);
            self.of_low.d.next = self.at.q.val().get_bit(0) | self.at.q.val().get_bit(2);
            if self.begins.val() {
                self.at.d.next = self.second_beat.val();
                self.of_low.d.next = !self.verdict.val().v6;
                self.second_v4.d.next = self.forward.val() & !self.verdict.val().v6;
                self.has_upper.d.next = self.forward.val() & self.verdict.val().v6;
                self.has_lower.d.next = self.forward.val();
                self.has_0.d.next = self.forward.val() & !self.verdict.val().v6;
                self.has_1.d.next = self.forward.val() & !self.verdict.val().v6;
            } else if self.body.val() {
                self.at.d.next = self.at.q.val() << 1;
                if self.v4.q.val() {
                    self.has_0.d.next = self.at.q.val().get_bit(0);
                    self.has_1.d.next = self.at.q.val().get_bit(0) | (self.at.q.val().get_bit(1) & self.udp.q.val());
                    self.has_2.d.next =
                        (self.at.q.val().get_bit(0) & self.ported.q.val()) | (self.at.q.val().get_bit(2) & self.tcp.q.val());
                    self.has_3.d.next = self.at.q.val().get_bit(0) & self.ported.q.val();
                }
                if self.v6.q.val() {
                    self.has_upper.d.next = self.at.q.val().get_bit(0) | self.at.q.val().get_bit(1) | self.at.q.val().get_bit(2);
                    self.has_lower.d.next = self.at.q.val().get_bit(0) | self.at.q.val().get_bit(1) | self.at.q.val().get_bit(2);
                    self.has_0.d.next =
                        (self.ports_next.val() & self.ported.q.val()) | (self.at.q.val().get_bit(5) & self.tcp.q.val());
                    self.has_1.d.next = self.ports_next.val() & self.ported.q.val();
                    self.has_3.d.next = self.ports_next.val() & self.udp.q.val();
                }
            }
        }

        // The fields of that beat. IPv4's source is where the low half of IPv6's is.
        self.source.next = self.src.q.val();
        self.target.next = self.dst.q.val();
        self.half.next = self.source.val().get_bits::<64>(64);
        if self.of_dst.q.val() {
            self.half.next = self.target.val().get_bits::<64>(64);
            if self.of_low.q.val() {
                self.half.next = self.target.val().get_bits::<64>(0);
            }
        } else if self.of_low.q.val() {
            self.half.next = self.source.val().get_bits::<64>(0);
        }
        self.upper_half.next = self.half.val().get_bits::<32>(32);
        self.lower_half.next = self.half.val().get_bits::<32>(0);
        self.column_0.next = bit_cast::<16, 8>(self.ttl.q.val()) << 8_u64;
        self.column_1.next = self.l3_checksum.q.val();
        if self.at.q.val().get_bit(1) {
            self.column_0.next = self.target.val().get_bits::<16>(16);
            self.column_1.next = self.target.val().get_bits::<16>(0);
        } else if self.at.q.val().get_bit(2) {
            self.column_1.next = self.l4_checksum.q.val();
        }
        self.column_2.next = self.l4_checksum.q.val();
        if self.at.q.val().get_bit(1) {
            self.column_2.next = self.sport.q.val();
        }
        self.column_3.next = self.dport.q.val();
        if self.v6.q.val() {
            self.column_0.next = self.l4_checksum.q.val();
            if self.has_ports.q.val() {
                self.column_0.next = self.sport.q.val();
            }
            self.column_1.next = self.dport.q.val();
            self.column_3.next = self.l4_checksum.q.val();
        }
        if self.hops.val() {
            self.column_3.next = bit_cast::<16, 8>(self.verdict.val().ttl);
        }
        if self.step.val() {
            self.address_upper.d.next = 0.into();
            self.address_lower.d.next = 0.into();
            self.other_0.d.next = 0.into();
            self.other_1.d.next = 0.into();
            self.other_2.d.next = 0.into();
            self.other_3.d.next = 0.into();
            if self.has_upper.q.val() {
                self.address_upper.d.next = self.upper_half.val();
            }
            if self.has_lower.q.val() {
                self.address_lower.d.next = self.lower_half.val();
            }
            if self.has_0.q.val() {
                self.other_0.d.next = self.column_0.val();
            }
            if self.has_1.q.val() {
                self.other_1.d.next = self.column_1.val();
            }
            if self.has_2.q.val() {
                self.other_2.d.next = self.column_2.val();
            }
            if self.has_3.q.val() | self.hops.val() {
                self.other_3.d.next = self.column_3.val();
            }
        }
        self.address.next =
            (bit_cast::<64, 32>(self.address_upper.q.val()) << 32_u64) | bit_cast::<64, 32>(self.address_lower.q.val());
        self.other.next = (bit_cast::<64, 16>(self.other_0.q.val()) << 48_u64)
            | (bit_cast::<64, 16>(self.other_1.q.val()) << 32_u64)
            | (bit_cast::<64, 16>(self.other_2.q.val()) << 16_u64)
            | bit_cast::<64, 16>(self.other_3.q.val());
        self.value.next = self.address.val() | self.other.val();

        // The rest of it is kept, up to the packet's end. Of IPv4's second beat the protocol is.
        self.written.next = 0.into();
        self.written.next = self.written.val().replace_bit(7, self.has_upper.q.val() | self.has_0.q.val());
        self.written.next =
            self.written.val().replace_bit(6, self.has_upper.q.val() | (self.has_0.q.val() & !self.second_v4.q.val()));
        self.written.next = self.written.val().replace_bit(5, self.has_upper.q.val() | self.has_1.q.val());
        self.written.next = self.written.val().replace_bit(4, self.has_upper.q.val() | self.has_1.q.val());
        self.written.next = self.written.val().replace_bit(3, self.has_lower.q.val() | self.has_2.q.val());
        self.written.next = self.written.val().replace_bit(2, self.has_lower.q.val() | self.has_2.q.val());
        self.written.next = self.written.val().replace_bit(1, self.has_lower.q.val() | self.has_3.q.val());
        self.written.next = self.written.val().replace_bit(0, self.has_lower.q.val() | self.has_3.q.val() | self.hops.val());
        self.of_packet.next = self.all.val();
        if self.ends.val() & !self.begins.val() {
            self.of_packet.next = self.all.val() << self.empty_bytes.q.val();
        }
        if self.step.val() {
            self.kept.d.next = 0.into();
            if self.body.val() {
                self.kept.d.next = self.of_packet.val() & !self.written.val();
            }
        }
        self.keep.next = self.kept.q.val();

        if self.reset.val() {
            self.v4.d.next = false;
            self.v6.d.next = false;
        }
    }
}
