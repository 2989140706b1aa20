//! Finds where layer 2 ends while a frame's beats of 64 bits pass.
//!
//! ```text
//!                       +---------------+--> one_tag, longer_2, longer_3  while the beats pass
//!  kinds, awaits ------>| PassingLayer2 |
//!  l2_beats, length --->|               |--> l2, ethertype, v6, pppoe_length, encap  of a whole frame or head
//!                       +---------------+
//! ```
//! Part of [`Gather`](super::Gather), whose registers it reads: latency 1 clock from the clock behind a beat's to what is found.
//!
//! # Contract
//! What is found is as [`SplitHead`](super::SplitHead) has it, for the frame whose first four beats, or all that it has, are in
//! `l2_beats`, and whose `length` was there in the clock before; it stays while `waits` is high.
//! - `one_tag`: the frame has exactly one tag, or it has none and its third beat has not come; from the clock behind the third beat on.
//! - `longer_2`, beside the third beat: layer 2 is not the plain header, or may be longer. `longer_3`, beside the fourth: it is longer than two
//!   tags, or than one tag and a word, or may be.
//!
//! # How
//! With each beat comes what its halves may be. What counts of that is known in the clock behind the beat's, in a few flip-flops, and stays until
//! the next frame's second beat is awaited.

use std::array;

use fpgaflow_abi::{key, wire};

use super::JoinBeats;
use super::beat_kind::{KIND_BITS, KINDS_BITS, Kind};
use super::split_head::{L2_LENGTH_BITS, L2_LENGTHS, l2_bytes};
use crate::parse::{EncapRow, VID_BITS};
use crate::prelude::*;
use crate::records::{L2_BITS, L2Record, LENGTH_BITS};

/// Bits of the beats that layer 2 may be in.
pub const L2_BEATS_BITS: usize = 256;
/// Bits of a word, in which tags and PPPoE headers are counted.
const WORD_BITS: usize = 32;
/// Bits of the plain header.
const PLAIN_BITS: usize = 8 * wire::ETH_HEADER_BYTES;
/// Words that layer 2 may have behind it.
const MORE: usize = L2_LENGTHS - 1;
/// Bits of those.
const MORE_BITS: usize = MORE * WORD_BITS;

const _: () = assert!(PLAIN_BITS == 112 && MORE == 4);

/// The block.
#[derive(LogicBlock)]
pub struct PassingLayer2 {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// What the beat that may be taken has: [`BeatKind`](super::BeatKind)'s codes.
    pub kinds: Signal<In, Bits<KINDS_BITS>>,
    /// The next beat is the first of its frame, the second, the third, the fourth.
    pub awaits: [Signal<In, Bit>; 4],
    /// The first four beats.
    pub l2_beats: Signal<In, Bits<L2_BEATS_BITS>>,
    /// Bytes of the frame.
    pub length: Signal<In, Bits<LENGTH_BITS>>,
    /// They stay those of the clock before.
    pub same_length: Signal<In, Bit>,
    /// What was found stays.
    pub waits: Signal<In, Bit>,

    /// The packet starts two bytes into a beat, else six.
    pub one_tag: Signal<Out, Bit>,
    /// The second beat says that more than the plain header may come.
    pub longer_2: Signal<Out, Bit>,
    /// The third says so of a PPPoE header behind tags.
    pub longer_3: Signal<Out, Bit>,
    /// The packet is IPv6, a clock before the rest.
    pub v6_next: Signal<Out, Bit>,
    /// The header.
    pub l2: Signal<Out, L2Record>,
    /// EtherType behind it.
    pub ethertype: Signal<Out, Bits<16>>,
    /// It is IPv6's.
    pub v6: Signal<Out, Bit>,
    /// Length by the PPPoE header.
    pub pppoe_length: Signal<Out, Bits<LENGTH_BITS>>,
    /// Encapsulation.
    pub encap: Signal<Out, Bits<{ key::ENCAP.width }>>,

    // The codes of the beat's halves.
    early: Signal<Local, Bits<KIND_BITS>>,
    late: Signal<Local, Bits<KIND_BITS>>,
    early_dot1q: Signal<Local, Bit>,
    early_dot1ad: Signal<Local, Bit>,
    early_is_tag: Signal<Local, Bit>,
    late_dot1q: Signal<Local, Bit>,
    late_dot1ad: Signal<Local, Bit>,
    // The half that is behind all tags that came before it.
    behind: Signal<Local, Bits<KIND_BITS>>,
    is_ppp: Signal<Local, Bit>,
    is_ppp_v6: Signal<Local, Bit>,

    // What is known of the frame with the beat before.
    outer_dot1q: DFF<Bit>,
    outer_dot1ad: DFF<Bit>,
    inner_dot1q: DFF<Bit>,
    inner_dot1ad: DFF<Bit>,
    has_tag: DFF<Bit>,
    has_two: DFF<Bit>,
    one_tag_s1: DFF<Bit>,
    // Behind its tags is PPPoE's EtherType; the header, too; and the protocol is one that counts.
    type_pppoe: DFF<Bit>,
    session: DFF<Bit>,
    is_pppoe: DFF<Bit>,
    is_v6: DFF<Bit>,
    // The frame has that many bytes of layer 2.
    fits: [DFF<Bit>; L2_LENGTHS],

    // The frame ends inside its tags or its PPPoE header.
    cut: Signal<Local, Bit>,
    plain_type: Signal<Local, Bits<16>>,
    inner_type: Signal<Local, Bits<16>>,
    innermost_type: Signal<Local, Bits<16>>,
    has_words: [Signal<Local, Bit>; MORE],
    l2_length: Signal<Local, Bits<L2_LENGTH_BITS>>,

    plain_s2: DFF<Bits<PLAIN_BITS>>,
    words_s2: [DFF<Bits<WORD_BITS>>; MORE],
    length_s2: DFF<Bits<L2_LENGTH_BITS>>,
    ethertype_s2: DFF<Bits<16>>,
    v6_s2: DFF<Bit>,
    pppoe_length_s2: DFF<Bits<LENGTH_BITS>>,
    outer_dot1q_s2: DFF<Bit>,
    outer_dot1ad_s2: DFF<Bit>,
    outer_vid_s2: DFF<Bits<VID_BITS>>,
    inner_dot1q_s2: DFF<Bit>,
    inner_dot1ad_s2: DFF<Bit>,
    inner_vid_s2: DFF<Bits<VID_BITS>>,
    pppoe_s2: DFF<Bit>,
    session_s2: DFF<Bits<16>>,
    more_bytes: JoinBeats<WORD_BITS, MORE, MORE_BITS>,
    plain_bytes: Signal<Local, Bits<L2_BITS>>,
    row: Signal<Local, EncapRow>,

    ethertype_ipv4: Constant<Bits<16>>,
    ethertype_ipv6: Constant<Bits<16>>,
    kind_ipv6: Constant<Bits<KIND_BITS>>,
    kind_ppp_ipv4: Constant<Bits<KIND_BITS>>,
    kind_ppp_ipv6: Constant<Bits<KIND_BITS>>,
    kind_dot1q: Constant<Bits<KIND_BITS>>,
    kind_dot1ad: Constant<Bits<KIND_BITS>>,
    kind_pppoe_type: Constant<Bits<KIND_BITS>>,
    kind_pppoe: Constant<Bits<KIND_BITS>>,
    least: [Constant<Bits<LENGTH_BITS>>; L2_LENGTHS],
    lengths: [Constant<Bits<L2_LENGTH_BITS>>; L2_LENGTHS],
}

impl Default for PassingLayer2 {
    fn default() -> Self {
        let sixteen = |value: u16| Constant::new(u64::from(value).into());
        let kind = |kind: Kind| Constant::new((kind as u64).into());
        Self {
            clock: Signal::default(),
            kinds: Signal::default(),
            awaits: array::from_fn(|_| Signal::default()),
            l2_beats: Signal::default(),
            length: Signal::default(),
            same_length: Signal::default(),
            waits: Signal::default(),
            one_tag: Signal::default(),
            longer_2: Signal::default(),
            longer_3: Signal::default(),
            v6_next: Signal::default(),
            l2: Signal::default(),
            ethertype: Signal::default(),
            v6: Signal::default(),
            pppoe_length: Signal::default(),
            encap: Signal::default(),
            early: Signal::default(),
            late: Signal::default(),
            early_dot1q: Signal::default(),
            early_dot1ad: Signal::default(),
            early_is_tag: Signal::default(),
            late_dot1q: Signal::default(),
            late_dot1ad: Signal::default(),
            behind: Signal::default(),
            is_ppp: Signal::default(),
            is_ppp_v6: Signal::default(),
            outer_dot1q: DFF::default(),
            outer_dot1ad: DFF::default(),
            inner_dot1q: DFF::default(),
            inner_dot1ad: DFF::default(),
            has_tag: DFF::default(),
            has_two: DFF::default(),
            one_tag_s1: DFF::default(),
            type_pppoe: DFF::default(),
            session: DFF::default(),
            is_pppoe: DFF::default(),
            is_v6: DFF::default(),
            fits: array::from_fn(|_| DFF::default()),
            cut: Signal::default(),
            plain_type: Signal::default(),
            inner_type: Signal::default(),
            innermost_type: Signal::default(),
            has_words: array::from_fn(|_| Signal::default()),
            l2_length: Signal::default(),
            plain_s2: DFF::default(),
            words_s2: array::from_fn(|_| DFF::default()),
            length_s2: DFF::default(),
            ethertype_s2: DFF::default(),
            v6_s2: DFF::default(),
            pppoe_length_s2: DFF::default(),
            outer_dot1q_s2: DFF::default(),
            outer_dot1ad_s2: DFF::default(),
            outer_vid_s2: DFF::default(),
            inner_dot1q_s2: DFF::default(),
            inner_dot1ad_s2: DFF::default(),
            inner_vid_s2: DFF::default(),
            pppoe_s2: DFF::default(),
            session_s2: DFF::default(),
            more_bytes: JoinBeats::default(),
            plain_bytes: Signal::default(),
            row: Signal::default(),
            ethertype_ipv4: sixteen(wire::ETHERTYPE_IPV4),
            ethertype_ipv6: sixteen(wire::ETHERTYPE_IPV6),
            kind_ipv6: kind(Kind::Ipv6),
            kind_ppp_ipv4: kind(Kind::PppIpv4),
            kind_ppp_ipv6: kind(Kind::PppIpv6),
            kind_dot1q: kind(Kind::Dot1q),
            kind_dot1ad: kind(Kind::Dot1ad),
            kind_pppoe_type: kind(Kind::PppoeType),
            kind_pppoe: kind(Kind::Pppoe),
            least: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
            lengths: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
        }
    }
}

impl Logic for PassingLayer2 {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, outer_dot1q, outer_dot1ad, inner_dot1q, inner_dot1ad, has_tag, has_two, one_tag_s1);
        dff_setup!(self, clock, type_pppoe, session, is_pppoe, is_v6);
        dff_setup!(self, clock, plain_s2, length_s2, ethertype_s2, v6_s2, pppoe_length_s2, outer_dot1q_s2, outer_dot1ad_s2);
        dff_setup!(self, clock, outer_vid_s2, inner_dot1q_s2, inner_dot1ad_s2, inner_vid_s2, pppoe_s2, session_s2);
        for i in 0..L2_LENGTHS {
            self.fits[i].clock.next = self.clock.val();
            self.fits[i].d.next = self.fits[i].q.val();
        }
        for i in 0..MORE {
            self.words_s2[i].clock.next = self.clock.val();
            self.words_s2[i].d.next = self.words_s2[i].q.val();
        }

        // What the beat says. Until the one that is awaited has come, what is taken for it may not be it: that is written over.
        self.early.next = self.kinds.val().get_bits::<KIND_BITS>(3);
        self.late.next = self.kinds.val().get_bits::<KIND_BITS>(0);
        self.early_dot1q.next = self.early.val() == self.kind_dot1q.val();
        self.early_dot1ad.next = self.early.val() == self.kind_dot1ad.val();
        self.early_is_tag.next = self.early_dot1q.val() | self.early_dot1ad.val();
        self.late_dot1q.next = self.late.val() == self.kind_dot1q.val();
        self.late_dot1ad.next = self.late.val() == self.kind_dot1ad.val();

        // The second beat has the first EtherType in its second half, the third beat those behind one tag and two; the protocol of a PPPoE header
        // is a beat behind its EtherType.
        self.behind.next = self.late.val();
        if self.awaits[2].val() & !self.early_is_tag.val() {
            self.behind.next = self.early.val();
        }
        if self.awaits[1].val() {
            self.outer_dot1q.d.next = self.late_dot1q.val();
            self.outer_dot1ad.d.next = self.late_dot1ad.val();
            self.has_tag.d.next = self.late_dot1q.val() | self.late_dot1ad.val();
            self.inner_dot1q.d.next = false;
            self.inner_dot1ad.d.next = false;
            self.has_two.d.next = false;
            self.one_tag_s1.d.next = false;
            self.is_pppoe.d.next = false;
        }
        if self.awaits[2].val() {
            self.inner_dot1q.d.next = self.has_tag.q.val() & self.early_dot1q.val();
            self.inner_dot1ad.d.next = self.has_tag.q.val() & self.early_dot1ad.val();
            self.has_two.d.next = self.has_tag.q.val() & self.early_is_tag.val();
            self.one_tag_s1.d.next = self.has_tag.q.val() & !self.early_is_tag.val();
        }
        self.is_ppp.next = (self.late.val() == self.kind_ppp_ipv4.val()) | (self.late.val() == self.kind_ppp_ipv6.val());
        self.is_ppp_v6.next = self.late.val() == self.kind_ppp_ipv6.val();
        if self.awaits[3].val() & !self.has_two.q.val() {
            self.is_ppp.next = (self.early.val() == self.kind_ppp_ipv4.val()) | (self.early.val() == self.kind_ppp_ipv6.val());
            self.is_ppp_v6.next = self.early.val() == self.kind_ppp_ipv6.val();
        }
        if self.awaits[1].val() | (self.awaits[2].val() & self.has_tag.q.val()) {
            self.type_pppoe.d.next =
                (self.behind.val() == self.kind_pppoe_type.val()) | (self.behind.val() == self.kind_pppoe.val());
            self.session.d.next = self.behind.val() == self.kind_pppoe.val();
            self.is_v6.d.next = self.behind.val() == self.kind_ipv6.val();
        } else if self.session.q.val()
            & ((self.awaits[2].val() & !self.has_tag.q.val()) | (self.awaits[3].val() & self.has_tag.q.val()))
        {
            self.is_pppoe.d.next = self.is_ppp.val();
            self.is_v6.d.next = self.is_ppp_v6.val();
        }
        self.one_tag.next = self.one_tag_s1.q.val();
        self.longer_2.next = self.has_tag.q.val() | self.session.q.val();
        self.longer_3.next = self.has_tag.q.val() & self.session.q.val();
        if !self.same_length.val() {
            for i in 0..L2_LENGTHS {
                self.fits[i].d.next = self.length.val() >= self.least[i].val();
            }
        }

        // Whether the frame ends inside of it.
        self.plain_type.next = self.l2_beats.val().get_bits::<16>(144);
        self.inner_type.next = self.l2_beats.val().get_bits::<16>(112);
        self.innermost_type.next = self.l2_beats.val().get_bits::<16>(80);
        if self.has_two.q.val() {
            self.cut.next = !self.fits[2].q.val() | (self.type_pppoe.q.val() & !self.fits[4].q.val());
        } else if self.has_tag.q.val() {
            self.cut.next = !self.fits[1].q.val() | (self.type_pppoe.q.val() & !self.fits[3].q.val());
        } else {
            self.cut.next = self.type_pppoe.q.val() & !self.fits[2].q.val();
        }
        self.v6_next.next = self.is_v6.q.val();
        self.has_words[0].next = !self.cut.val() & (self.has_tag.q.val() | self.is_pppoe.q.val());
        self.has_words[1].next = !self.cut.val() & (self.has_two.q.val() | self.is_pppoe.q.val());
        self.has_words[2].next = !self.cut.val() & (self.has_tag.q.val() & self.is_pppoe.q.val());
        self.has_words[3].next = !self.cut.val() & (self.has_two.q.val() & self.is_pppoe.q.val());
        self.l2_length.next = self.lengths[0].val();
        for i in 0..MORE {
            if self.has_words[i].val() {
                self.l2_length.next = self.lengths[i + 1].val();
            }
        }

        // What a whole frame has. What must be zero is reset below, so the rest of it is a copy.
        if !self.waits.val() {
            self.plain_s2.d.next = self.l2_beats.val().get_bits::<PLAIN_BITS>(144);
            for i in 0..MORE {
                self.words_s2[i].d.next = self.l2_beats.val().get_bits::<WORD_BITS>(112 - (i * 32));
            }
            self.length_s2.d.next = self.l2_length.val();
            self.v6_s2.d.next = self.is_v6.q.val() & !self.cut.val();
            self.outer_dot1q_s2.d.next = self.outer_dot1q.q.val() & !self.cut.val();
            self.outer_dot1ad_s2.d.next = self.outer_dot1ad.q.val() & !self.cut.val();
            self.inner_dot1q_s2.d.next = self.inner_dot1q.q.val() & !self.cut.val();
            self.inner_dot1ad_s2.d.next = self.inner_dot1ad.q.val() & !self.cut.val();
            self.pppoe_s2.d.next = self.is_pppoe.q.val() & !self.cut.val();
            self.outer_vid_s2.d.next = self.l2_beats.val().get_bits::<VID_BITS>(128);
            self.inner_vid_s2.d.next = self.l2_beats.val().get_bits::<VID_BITS>(96);
            if self.has_two.q.val() {
                self.ethertype_s2.d.next = self.innermost_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(48);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(32);
            } else if self.has_tag.q.val() {
                self.ethertype_s2.d.next = self.inner_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(80);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(64);
            } else {
                self.ethertype_s2.d.next = self.plain_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(112);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(96);
            }
            if self.is_pppoe.q.val() {
                self.ethertype_s2.d.next = self.ethertype_ipv4.val();
                if self.is_v6.q.val() {
                    self.ethertype_s2.d.next = self.ethertype_ipv6.val();
                }
            }
            if self.cut.val() {
                self.ethertype_s2.d.next = self.plain_type.val();
            }
        }
        // What it does not have. That stands still as long as the rest does.
        for i in 0..MORE {
            if !self.has_words[i].val() {
                self.words_s2[i].d.next = 0.into();
            }
        }
        if self.cut.val() | !self.has_tag.q.val() {
            self.outer_vid_s2.d.next = 0.into();
        }
        if self.cut.val() | !self.has_two.q.val() {
            self.inner_vid_s2.d.next = 0.into();
        }
        if self.cut.val() | !self.is_pppoe.q.val() {
            self.session_s2.d.next = 0.into();
        }

        for i in 0..MORE {
            self.more_bytes.beats[i].next = self.words_s2[i].q.val();
        }
        self.plain_bytes.next = bit_cast::<L2_BITS, PLAIN_BITS>(self.plain_s2.q.val());
        for at in (MORE_BITS as u64)..(MORE_BITS as u64 + 1) {
            self.l2.next.bytes = (self.plain_bytes.val() << at) | bit_cast::<L2_BITS, MORE_BITS>(self.more_bytes.joined.val());
        }
        self.l2.next.length = self.length_s2.q.val();
        self.ethertype.next = self.ethertype_s2.q.val();
        self.v6.next = self.v6_s2.q.val();
        self.pppoe_length.next = self.pppoe_length_s2.q.val();
        self.row.next.outer_dot1q = self.outer_dot1q_s2.q.val();
        self.row.next.outer_dot1ad = self.outer_dot1ad_s2.q.val();
        self.row.next.outer_vid = self.outer_vid_s2.q.val();
        self.row.next.inner_dot1q = self.inner_dot1q_s2.q.val();
        self.row.next.inner_dot1ad = self.inner_dot1ad_s2.q.val();
        self.row.next.inner_vid = self.inner_vid_s2.q.val();
        self.row.next.pppoe = self.pppoe_s2.q.val();
        self.row.next.session = self.session_s2.q.val();
        self.row.next.rest = 0.into();
        self.encap.next = self.row.val().into();
    }
}
