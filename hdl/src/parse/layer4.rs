//! Does a TCP or UDP header fit the IPv4 packet that holds it?
//!
//! ```text
//!  total, udp ---->+-------------+
//!  rows[5] ------->| Layer4Check |--> malformed
//!                  +-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. The output comes from a flip-flop.
//!
//! # Contract
//! `malformed` for UDP: a total length below 28, a UDP length below 8 or beyond the IP payload. For TCP: a total length below 40, a
//! data offset below 5 or beyond the IP payload. Means nothing for a packet that is neither, has IP options or is a fragment.

use std::array;

use super::{IPV4_ROWS, ROW_BYTES, TCP_ROWS, UDP_BYTES};
use crate::prelude::*;
use crate::records::LENGTH_BITS;

/// Looks at lengths in the layer 4 header.
#[derive(LogicBlock)]
pub struct Layer4Check {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Total length of the IP packet, in bytes.
    pub total: Signal<In, Bits<LENGTH_BITS>>,
    /// UDP, else TCP.
    pub udp: Signal<In, Bit>,
    /// Rows of the layer 4 header.
    pub rows: [Signal<In, Bits<32>>; TCP_ROWS],
    /// Contradicts itself or the packet.
    pub malformed: Signal<Out, Bit>,

    data_offset: Signal<Local, Bits<4>>,
    udp_length: Signal<Local, Bits<LENGTH_BITS>>,
    broken_s1: DFF<Bit>,
    payload_s1: DFF<Bits<LENGTH_BITS>>,
    needed_s1: DFF<Bits<LENGTH_BITS>>,
    malformed_s2: DFF<Bit>,

    ip_bytes: Constant<Bits<LENGTH_BITS>>,
    tcp_least: Constant<Bits<LENGTH_BITS>>,
    udp_least: Constant<Bits<LENGTH_BITS>>,
    udp_bytes: Constant<Bits<LENGTH_BITS>>,
    tcp_rows: Constant<Bits<4>>,
}

impl Default for Layer4Check {
    fn default() -> Self {
        let ip_bytes = IPV4_ROWS * ROW_BYTES;
        let bytes = |bytes: usize| Constant::new((bytes as u64).into());
        Self {
            clock: Signal::default(),
            total: Signal::default(),
            udp: Signal::default(),
            rows: array::from_fn(|_| Signal::default()),
            malformed: Signal::default(),
            data_offset: Signal::default(),
            udp_length: Signal::default(),
            broken_s1: DFF::default(),
            payload_s1: DFF::default(),
            needed_s1: DFF::default(),
            malformed_s2: DFF::default(),
            ip_bytes: bytes(ip_bytes),
            tcp_least: bytes(ip_bytes + TCP_ROWS * ROW_BYTES),
            udp_least: bytes(ip_bytes + UDP_BYTES),
            udp_bytes: bytes(UDP_BYTES),
            tcp_rows: Constant::new((TCP_ROWS as u64).into()),
        }
    }
}

impl Logic for Layer4Check {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, broken_s1, payload_s1, needed_s1, malformed_s2);

        // UDP row 1: length, checksum. TCP row 3: data offset in rows, flags, window.
        self.udp_length.next = self.rows[1].val().get_bits::<LENGTH_BITS>(16);
        self.data_offset.next = self.rows[3].val().get_bits::<4>(28);
        self.payload_s1.d.next = self.total.val() - self.ip_bytes.val();
        if self.udp.val() {
            self.broken_s1.d.next = (self.total.val() < self.udp_least.val()) | (self.udp_length.val() < self.udp_bytes.val());
            self.needed_s1.d.next = self.udp_length.val();
        } else {
            self.broken_s1.d.next = (self.total.val() < self.tcp_least.val()) | (self.data_offset.val() < self.tcp_rows.val());
            self.needed_s1.d.next = bit_cast::<LENGTH_BITS, 4>(self.data_offset.val()) << 2;
        }
        self.malformed_s2.d.next = self.broken_s1.q.val() | (self.needed_s1.q.val() > self.payload_s1.q.val());
        self.malformed.next = self.malformed_s2.q.val();
    }
}
