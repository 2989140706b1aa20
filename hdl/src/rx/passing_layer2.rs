//! Finds where layer 2 ends while a frame's beats of 64 bits pass.
//!
//! ```text
//!                       +---------------+--> one_tag, longer_2, longer_3  while the beats pass
//!  beat, awaits, was -->| PassingLayer2 |
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
//! What a beat has in the places where an EtherType, a PPPoE header or its protocol may be is compared as it comes and known in the clock behind
//! it. What counts of that is kept until the next frame's first beat; the last beat of a short frame is looked at together with
//! what was kept.

use std::array;

use fpgaflow_abi::{key, wire};

use super::JoinBeats;
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
    /// The beat that may be taken.
    pub beat: Signal<In, Bits<64>>,
    /// Beats pass: what was seen before is of the beat before.
    pub passes: Signal<In, Bit>,
    /// The first beat is the next one.
    pub awaits_first: Signal<In, Bit>,
    /// The third is.
    pub awaits_third: Signal<In, Bit>,
    /// The second was taken in the clock before; the third; the fourth.
    pub was: [Signal<In, Bit>; 3],
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

    // The beat's halves of words, and what they are.
    at_0: Signal<Local, Bits<16>>,
    at_2: Signal<Local, Bits<16>>,
    at_4: Signal<Local, Bits<16>>,
    at_6: Signal<Local, Bits<16>>,
    tag_early: Signal<Local, Bit>,
    dot1q_early: DFF<Bit>,
    dot1ad_early: DFF<Bit>,
    type_pppoe_early: DFF<Bit>,
    pppoe_early: DFF<Bit>,
    v6_early: DFF<Bit>,
    ppp_early: DFF<Bit>,
    ppp_v6_early: DFF<Bit>,
    dot1q_late: DFF<Bit>,
    dot1ad_late: DFF<Bit>,
    type_pppoe_late: DFF<Bit>,
    pppoe_late: DFF<Bit>,
    v6_late: DFF<Bit>,
    ppp_late: DFF<Bit>,
    ppp_v6_late: DFF<Bit>,
    one_tag_s1: DFF<Bit>,

    // What was kept, by place: behind no tag, one, two.
    outer_dot1q: DFF<Bit>,
    outer_dot1ad: DFF<Bit>,
    inner_dot1q: DFF<Bit>,
    inner_dot1ad: DFF<Bit>,
    type_pppoe: [DFF<Bit>; 3],
    pppoe: [DFF<Bit>; 3],
    type_v6: [DFF<Bit>; 3],
    ppp: [DFF<Bit>; 3],
    ppp_v6: [DFF<Bit>; 3],
    // The frame has that many bytes of layer 2.
    fits: [DFF<Bit>; L2_LENGTHS],

    // With what the last beat says.
    is_outer_dot1q: Signal<Local, Bit>,
    is_outer_dot1ad: Signal<Local, Bit>,
    is_inner_dot1q: Signal<Local, Bit>,
    is_inner_dot1ad: Signal<Local, Bit>,
    has_tag: Signal<Local, Bit>,
    has_two: Signal<Local, Bit>,
    is_type_pppoe: [Signal<Local, Bit>; 3],
    is_type_v6: [Signal<Local, Bit>; 3],
    has_pppoe: [Signal<Local, Bit>; 3],
    has_ppp_v6: [Signal<Local, Bit>; 3],
    // The place that counts.
    cut: Signal<Local, Bit>,
    is_pppoe: Signal<Local, Bit>,
    is_v6: Signal<Local, Bit>,
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

    tpid_dot1q: Constant<Bits<16>>,
    tpid_dot1ad: Constant<Bits<16>>,
    ethertype_pppoe: Constant<Bits<16>>,
    ethertype_ipv4: Constant<Bits<16>>,
    ethertype_ipv6: Constant<Bits<16>>,
    session_data: Constant<Bits<16>>,
    ppp_ipv4: Constant<Bits<16>>,
    ppp_ipv6: Constant<Bits<16>>,
    least: [Constant<Bits<LENGTH_BITS>>; L2_LENGTHS],
    lengths: [Constant<Bits<L2_LENGTH_BITS>>; L2_LENGTHS],
}

impl Default for PassingLayer2 {
    fn default() -> Self {
        let sixteen = |value: u16| Constant::new(u64::from(value).into());
        Self {
            clock: Signal::default(),
            beat: Signal::default(),
            passes: Signal::default(),
            awaits_first: Signal::default(),
            awaits_third: Signal::default(),
            was: array::from_fn(|_| Signal::default()),
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
            at_0: Signal::default(),
            at_2: Signal::default(),
            at_4: Signal::default(),
            at_6: Signal::default(),
            tag_early: Signal::default(),
            dot1q_early: DFF::default(),
            dot1ad_early: DFF::default(),
            type_pppoe_early: DFF::default(),
            pppoe_early: DFF::default(),
            v6_early: DFF::default(),
            ppp_early: DFF::default(),
            ppp_v6_early: DFF::default(),
            dot1q_late: DFF::default(),
            dot1ad_late: DFF::default(),
            type_pppoe_late: DFF::default(),
            pppoe_late: DFF::default(),
            v6_late: DFF::default(),
            ppp_late: DFF::default(),
            ppp_v6_late: DFF::default(),
            one_tag_s1: DFF::default(),
            outer_dot1q: DFF::default(),
            outer_dot1ad: DFF::default(),
            inner_dot1q: DFF::default(),
            inner_dot1ad: DFF::default(),
            type_pppoe: array::from_fn(|_| DFF::default()),
            pppoe: array::from_fn(|_| DFF::default()),
            type_v6: array::from_fn(|_| DFF::default()),
            ppp: array::from_fn(|_| DFF::default()),
            ppp_v6: array::from_fn(|_| DFF::default()),
            fits: array::from_fn(|_| DFF::default()),
            is_outer_dot1q: Signal::default(),
            is_outer_dot1ad: Signal::default(),
            is_inner_dot1q: Signal::default(),
            is_inner_dot1ad: Signal::default(),
            has_tag: Signal::default(),
            has_two: Signal::default(),
            is_type_pppoe: array::from_fn(|_| Signal::default()),
            is_type_v6: array::from_fn(|_| Signal::default()),
            has_pppoe: array::from_fn(|_| Signal::default()),
            has_ppp_v6: array::from_fn(|_| Signal::default()),
            cut: Signal::default(),
            is_pppoe: Signal::default(),
            is_v6: Signal::default(),
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
            tpid_dot1q: sixteen(wire::TPID_DOT1Q),
            tpid_dot1ad: sixteen(wire::TPID_DOT1AD),
            ethertype_pppoe: sixteen(wire::ETHERTYPE_PPPOE),
            ethertype_ipv4: sixteen(wire::ETHERTYPE_IPV4),
            ethertype_ipv6: sixteen(wire::ETHERTYPE_IPV6),
            session_data: sixteen(wire::PPPOE_SESSION_DATA),
            ppp_ipv4: sixteen(wire::PPP_IPV4),
            ppp_ipv6: sixteen(wire::PPP_IPV6),
            least: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
            lengths: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
        }
    }
}

impl Logic for PassingLayer2 {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, dot1q_early, dot1ad_early, type_pppoe_early, pppoe_early, v6_early, ppp_early, ppp_v6_early);
        dff_setup!(self, clock, dot1q_late, dot1ad_late, type_pppoe_late, pppoe_late, v6_late, ppp_late, ppp_v6_late, one_tag_s1);
        dff_setup!(self, clock, outer_dot1q, outer_dot1ad, inner_dot1q, inner_dot1ad);
        dff_setup!(self, clock, plain_s2, length_s2, ethertype_s2, v6_s2, pppoe_length_s2, outer_dot1q_s2, outer_dot1ad_s2);
        dff_setup!(self, clock, outer_vid_s2, inner_dot1q_s2, inner_dot1ad_s2, inner_vid_s2, pppoe_s2, session_s2);
        for i in 0..3 {
            self.type_pppoe[i].clock.next = self.clock.val();
            self.type_pppoe[i].d.next = self.type_pppoe[i].q.val();
            self.pppoe[i].clock.next = self.clock.val();
            self.pppoe[i].d.next = self.pppoe[i].q.val();
            self.type_v6[i].clock.next = self.clock.val();
            self.type_v6[i].d.next = self.type_v6[i].q.val();
            self.ppp[i].clock.next = self.clock.val();
            self.ppp[i].d.next = self.ppp[i].q.val();
            self.ppp_v6[i].clock.next = self.clock.val();
            self.ppp_v6[i].d.next = self.ppp_v6[i].q.val();
        }
        for i in 0..L2_LENGTHS {
            self.fits[i].clock.next = self.clock.val();
            self.fits[i].d.next = self.fits[i].q.val();
        }
        for i in 0..MORE {
            self.words_s2[i].clock.next = self.clock.val();
            self.words_s2[i].d.next = self.words_s2[i].q.val();
        }

        // What the beat may say.
        self.at_0.next = self.beat.val().get_bits::<16>(48);
        self.at_2.next = self.beat.val().get_bits::<16>(32);
        self.at_4.next = self.beat.val().get_bits::<16>(16);
        self.at_6.next = self.beat.val().get_bits::<16>(0);
        self.tag_early.next = (self.at_0.val() == self.tpid_dot1q.val()) | (self.at_0.val() == self.tpid_dot1ad.val());
        if self.passes.val() {
            self.dot1q_early.d.next = self.at_0.val() == self.tpid_dot1q.val();
            self.dot1ad_early.d.next = self.at_0.val() == self.tpid_dot1ad.val();
            self.type_pppoe_early.d.next = self.at_0.val() == self.ethertype_pppoe.val();
            self.pppoe_early.d.next =
                (self.at_0.val() == self.ethertype_pppoe.val()) & (self.at_2.val() == self.session_data.val());
            self.v6_early.d.next = self.at_0.val() == self.ethertype_ipv6.val();
            self.ppp_early.d.next = (self.at_0.val() == self.ppp_ipv4.val()) | (self.at_0.val() == self.ppp_ipv6.val());
            self.ppp_v6_early.d.next = self.at_0.val() == self.ppp_ipv6.val();
            self.dot1q_late.d.next = self.at_4.val() == self.tpid_dot1q.val();
            self.dot1ad_late.d.next = self.at_4.val() == self.tpid_dot1ad.val();
            self.type_pppoe_late.d.next = self.at_4.val() == self.ethertype_pppoe.val();
            self.pppoe_late.d.next =
                (self.at_4.val() == self.ethertype_pppoe.val()) & (self.at_6.val() == self.session_data.val());
            self.v6_late.d.next = self.at_4.val() == self.ethertype_ipv6.val();
            self.ppp_late.d.next = (self.at_4.val() == self.ppp_ipv4.val()) | (self.at_4.val() == self.ppp_ipv6.val());
            self.ppp_v6_late.d.next = self.at_4.val() == self.ppp_ipv6.val();
        }

        // Where the packet starts. Until the third beat has come, what is taken for it may not be it: that is written over.
        if self.awaits_third.val() {
            self.one_tag_s1.d.next = (self.dot1q_late.q.val() | self.dot1ad_late.q.val()) & !self.tag_early.val();
        }
        if self.awaits_first.val() {
            self.one_tag_s1.d.next = false;
        }
        self.one_tag.next = self.one_tag_s1.q.val();
        self.longer_2.next = self.dot1q_late.q.val() | self.dot1ad_late.q.val() | self.pppoe_late.q.val();
        self.longer_3.next = (self.outer_dot1q.q.val() | self.outer_dot1ad.q.val())
            & (((self.dot1q_early.q.val() | self.dot1ad_early.q.val()) & self.pppoe_late.q.val()) | self.pppoe_early.q.val());

        // What counts of it: the second beat has the first EtherType, the third those behind tags, each protocol of PPP is a beat behind its header.
        if self.was[0].val() {
            self.outer_dot1q.d.next = self.dot1q_late.q.val();
            self.outer_dot1ad.d.next = self.dot1ad_late.q.val();
            self.type_pppoe[0].d.next = self.type_pppoe_late.q.val();
            self.pppoe[0].d.next = self.pppoe_late.q.val();
            self.type_v6[0].d.next = self.v6_late.q.val();
        }
        if self.was[1].val() {
            self.inner_dot1q.d.next = self.dot1q_early.q.val();
            self.inner_dot1ad.d.next = self.dot1ad_early.q.val();
            self.type_pppoe[1].d.next = self.type_pppoe_early.q.val();
            self.pppoe[1].d.next = self.pppoe_early.q.val();
            self.type_v6[1].d.next = self.v6_early.q.val();
            self.type_pppoe[2].d.next = self.type_pppoe_late.q.val();
            self.pppoe[2].d.next = self.pppoe_late.q.val();
            self.type_v6[2].d.next = self.v6_late.q.val();
            self.ppp[0].d.next = self.ppp_late.q.val();
            self.ppp_v6[0].d.next = self.ppp_v6_late.q.val();
        }
        if self.was[2].val() {
            self.ppp[1].d.next = self.ppp_early.q.val();
            self.ppp_v6[1].d.next = self.ppp_v6_early.q.val();
            self.ppp[2].d.next = self.ppp_late.q.val();
            self.ppp_v6[2].d.next = self.ppp_v6_late.q.val();
        }
        if self.awaits_first.val() {
            self.outer_dot1q.d.next = false;
            self.outer_dot1ad.d.next = false;
            self.inner_dot1q.d.next = false;
            self.inner_dot1ad.d.next = false;
            for i in 0..3 {
                self.type_pppoe[i].d.next = false;
                self.pppoe[i].d.next = false;
                self.type_v6[i].d.next = false;
                self.ppp[i].d.next = false;
                self.ppp_v6[i].d.next = false;
            }
        }
        if !self.same_length.val() {
            for i in 0..L2_LENGTHS {
                self.fits[i].d.next = self.length.val() >= self.least[i].val();
            }
        }

        // What is known with the beat before. A PPPoE header that ends with the last beat began before it.
        self.is_outer_dot1q.next = self.outer_dot1q.q.val() | (self.was[0].val() & self.dot1q_late.q.val());
        self.is_outer_dot1ad.next = self.outer_dot1ad.q.val() | (self.was[0].val() & self.dot1ad_late.q.val());
        self.has_tag.next = self.is_outer_dot1q.val() | self.is_outer_dot1ad.val();
        self.is_inner_dot1q.next = self.inner_dot1q.q.val() | (self.was[1].val() & self.dot1q_early.q.val());
        self.is_inner_dot1ad.next = self.inner_dot1ad.q.val() | (self.was[1].val() & self.dot1ad_early.q.val());
        self.has_two.next =
            (self.outer_dot1q.q.val() | self.outer_dot1ad.q.val()) & (self.is_inner_dot1q.val() | self.is_inner_dot1ad.val());
        self.is_type_pppoe[0].next = self.type_pppoe[0].q.val() | (self.was[0].val() & self.type_pppoe_late.q.val());
        self.is_type_pppoe[1].next = self.type_pppoe[1].q.val() | (self.was[1].val() & self.type_pppoe_early.q.val());
        self.is_type_pppoe[2].next = self.type_pppoe[2].q.val() | (self.was[1].val() & self.type_pppoe_late.q.val());
        self.is_type_v6[0].next = self.type_v6[0].q.val() | (self.was[0].val() & self.v6_late.q.val());
        self.is_type_v6[1].next = self.type_v6[1].q.val() | (self.was[1].val() & self.v6_early.q.val());
        self.is_type_v6[2].next = self.type_v6[2].q.val() | (self.was[1].val() & self.v6_late.q.val());
        self.has_pppoe[0].next = self.pppoe[0].q.val() & (self.ppp[0].q.val() | (self.was[1].val() & self.ppp_late.q.val()));
        self.has_pppoe[1].next = self.pppoe[1].q.val() & (self.ppp[1].q.val() | (self.was[2].val() & self.ppp_early.q.val()));
        self.has_pppoe[2].next = self.pppoe[2].q.val() & (self.ppp[2].q.val() | (self.was[2].val() & self.ppp_late.q.val()));
        self.has_ppp_v6[0].next = self.ppp_v6[0].q.val() | (self.was[1].val() & self.ppp_v6_late.q.val());
        self.has_ppp_v6[1].next = self.ppp_v6[1].q.val() | (self.was[2].val() & self.ppp_v6_early.q.val());
        self.has_ppp_v6[2].next = self.ppp_v6[2].q.val() | (self.was[2].val() & self.ppp_v6_late.q.val());

        // Which of it counts. `cut`: the frame ends inside.
        self.plain_type.next = self.l2_beats.val().get_bits::<16>(144);
        self.inner_type.next = self.l2_beats.val().get_bits::<16>(112);
        self.innermost_type.next = self.l2_beats.val().get_bits::<16>(80);
        if self.has_two.val() {
            self.cut.next = !self.fits[2].q.val() | (self.is_type_pppoe[2].val() & !self.fits[4].q.val());
            self.is_pppoe.next = self.has_pppoe[2].val();
            self.is_v6.next = self.is_type_v6[2].val() | (self.has_pppoe[2].val() & self.has_ppp_v6[2].val());
        } else if self.has_tag.val() {
            self.cut.next = !self.fits[1].q.val() | (self.is_type_pppoe[1].val() & !self.fits[3].q.val());
            self.is_pppoe.next = self.has_pppoe[1].val();
            self.is_v6.next = self.is_type_v6[1].val() | (self.has_pppoe[1].val() & self.has_ppp_v6[1].val());
        } else {
            self.cut.next = self.is_type_pppoe[0].val() & !self.fits[2].q.val();
            self.is_pppoe.next = self.has_pppoe[0].val();
            self.is_v6.next = self.is_type_v6[0].val() | (self.has_pppoe[0].val() & self.has_ppp_v6[0].val());
        }
        self.v6_next.next = self.is_v6.val();
        self.has_words[0].next = !self.cut.val() & (self.has_tag.val() | self.is_pppoe.val());
        self.has_words[1].next = !self.cut.val() & (self.has_two.val() | self.is_pppoe.val());
        self.has_words[2].next = !self.cut.val() & (self.has_tag.val() & self.is_pppoe.val());
        self.has_words[3].next = !self.cut.val() & (self.has_two.val() & self.is_pppoe.val());
        self.l2_length.next = self.lengths[0].val();
        for i in 0..MORE {
            if self.has_words[i].val() {
                self.l2_length.next = self.lengths[i + 1].val();
            }
        }

        // What a whole frame has. What must be zero is reset, so the rest of it is a copy.
        if !self.waits.val() {
            self.plain_s2.d.next = self.l2_beats.val().get_bits::<PLAIN_BITS>(144);
            for i in 0..MORE {
                self.words_s2[i].d.next = self.l2_beats.val().get_bits::<WORD_BITS>(112 - (i * 32));
                if !self.has_words[i].val() {
                    self.words_s2[i].d.next = 0.into();
                }
            }
            self.length_s2.d.next = self.l2_length.val();
            self.v6_s2.d.next = self.is_v6.val() & !self.cut.val();
            self.outer_dot1q_s2.d.next = self.is_outer_dot1q.val() & !self.cut.val();
            self.outer_dot1ad_s2.d.next = self.is_outer_dot1ad.val() & !self.cut.val();
            self.inner_dot1q_s2.d.next = self.has_two.val() & self.is_inner_dot1q.val() & !self.cut.val();
            self.inner_dot1ad_s2.d.next = self.has_two.val() & self.is_inner_dot1ad.val() & !self.cut.val();
            self.pppoe_s2.d.next = self.is_pppoe.val() & !self.cut.val();
            self.outer_vid_s2.d.next = self.l2_beats.val().get_bits::<VID_BITS>(128);
            if self.cut.val() | !self.has_tag.val() {
                self.outer_vid_s2.d.next = 0.into();
            }
            self.inner_vid_s2.d.next = self.l2_beats.val().get_bits::<VID_BITS>(96);
            if self.cut.val() | !self.has_two.val() {
                self.inner_vid_s2.d.next = 0.into();
            }
            if self.has_two.val() {
                self.ethertype_s2.d.next = self.innermost_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(48);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(32);
            } else if self.has_tag.val() {
                self.ethertype_s2.d.next = self.inner_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(80);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(64);
            } else {
                self.ethertype_s2.d.next = self.plain_type.val();
                self.session_s2.d.next = self.l2_beats.val().get_bits::<16>(112);
                self.pppoe_length_s2.d.next = self.l2_beats.val().get_bits::<16>(96);
            }
            if self.is_pppoe.val() {
                self.ethertype_s2.d.next = self.ethertype_ipv4.val();
                if self.is_v6.val() {
                    self.ethertype_s2.d.next = self.ethertype_ipv6.val();
                }
            }
            if self.cut.val() {
                self.ethertype_s2.d.next = self.plain_type.val();
            }
            if self.cut.val() | !self.is_pppoe.val() {
                self.session_s2.d.next = 0.into();
            }
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
