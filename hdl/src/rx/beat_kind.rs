//! What a beat of 64 bits has where layer 2 may go on.
//!
//! ```text
//!           +----------+
//!  beat --->| BeatKind |--> kinds
//!           +----------+
//! ```
//! Latency 0. Told where the beat is stored, so that whoever gathers a frame knows it with the beat.
//!
//! # Contract
//! `kinds` has the code of the beat's first half in its upper bits and that of its second half in the lower: see [`Kind`]. A half starts
//! with 16 bits that are an EtherType or the protocol of a PPPoE header if the frame has one there.

use std::array;

use fpgaflow_abi::wire;

use crate::prelude::*;

/// Bits of a code.
pub const KIND_BITS: usize = 3;
/// Bits of both halves' codes.
pub const KINDS_BITS: usize = 2 * KIND_BITS;

/// What the first 16 bits of half a beat are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Nothing that layer 2 needs to know.
    Other = 0,
    /// IPv6's EtherType.
    Ipv6 = 1,
    /// IPv4's protocol of PPP.
    PppIpv4 = 2,
    /// IPv6's protocol of PPP.
    PppIpv6 = 3,
    /// An 802.1Q tag's.
    Dot1q = 4,
    /// An 802.1ad tag's.
    Dot1ad = 5,
    /// A PPPoE session's EtherType without the header that belongs to it.
    PppoeType = 6,
    /// A PPPoE session's EtherType, version, type and code.
    Pppoe = 7,
}

/// The block.
#[derive(LogicBlock)]
pub struct BeatKind {
    /// The beat.
    pub beat: Signal<In, Bits<64>>,
    /// Its halves' codes.
    pub kinds: Signal<Out, Bits<KINDS_BITS>>,
    first: [Signal<Local, Bits<16>>; 2],
    second: [Signal<Local, Bits<16>>; 2],
    code: [Signal<Local, Bits<KIND_BITS>>; 2],
    known: [Constant<Bits<16>>; 6],
    codes: [Constant<Bits<KIND_BITS>>; 6],
    session_data: Constant<Bits<16>>,
    pppoe: Constant<Bits<KIND_BITS>>,
    ethertype_pppoe: Constant<Bits<16>>,
}

impl Default for BeatKind {
    fn default() -> Self {
        let known = [
            (wire::ETHERTYPE_IPV6, Kind::Ipv6),
            (wire::PPP_IPV4, Kind::PppIpv4),
            (wire::PPP_IPV6, Kind::PppIpv6),
            (wire::TPID_DOT1Q, Kind::Dot1q),
            (wire::TPID_DOT1AD, Kind::Dot1ad),
            (wire::ETHERTYPE_PPPOE, Kind::PppoeType),
        ];
        Self {
            beat: Signal::default(),
            kinds: Signal::default(),
            first: array::from_fn(|_| Signal::default()),
            second: array::from_fn(|_| Signal::default()),
            code: array::from_fn(|_| Signal::default()),
            known: known.map(|(value, _)| Constant::new(u64::from(value).into())),
            codes: known.map(|(_, kind)| Constant::new((kind as u64).into())),
            session_data: Constant::new(u64::from(wire::PPPOE_SESSION_DATA).into()),
            pppoe: Constant::new((Kind::Pppoe as u64).into()),
            ethertype_pppoe: Constant::new(u64::from(wire::ETHERTYPE_PPPOE).into()),
        }
    }
}

impl Logic for BeatKind {
    #[hdl_gen]
    fn update(&mut self) {
        for half in 0..2 {
            self.first[half].next = self.beat.val().get_bits::<16>(48 - (half * 32));
            self.second[half].next = self.beat.val().get_bits::<16>(32 - (half * 32));
            // No two are the same, so their codes may be put over each other.
            self.code[half].next = 0.into();
            for i in 0..6 {
                if self.first[half].val() == self.known[i].val() {
                    self.code[half].next = self.code[half].val() | self.codes[i].val();
                }
            }
            if (self.first[half].val() == self.ethertype_pppoe.val()) & (self.second[half].val() == self.session_data.val()) {
                self.code[half].next = self.pppoe.val();
            }
        }
        self.kinds.next = (bit_cast::<KINDS_BITS, KIND_BITS>(self.code[0].val()) << 3_u64)
            | bit_cast::<KINDS_BITS, KIND_BITS>(self.code[1].val());
    }
}
