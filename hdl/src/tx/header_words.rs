//! The layer 2 header that a frame leaves with, 64 bits at a time: its own when it is punted, else the one that its verdict says.
//!
//! ```text
//!  verdict, l2 ->+-------------+-> forward, units, length
//!  at ---------->| HeaderWords |-> word
//!                +-------------+
//! ```
//! `forward`, `units`, `length` and `word` count from one clock after verdict and layer 2 header came, which stay until the frame's header
//! is out; `word` follows `at` in the same clock.
//!
//! # Contract
//! - Word `i` is bytes `8 i` and on of the header, which begins at the most significant one. What is behind the header in its last word means nothing.
//! - A forwarded frame's header is that of [`EgressHeader`](super::EgressHeader).
//! - `units` is a fourth of its bytes, rounded down: 3 to 7, one for each length. `length` is the packet's, or the whole frame's when it is punted.
//!
//! # How
//! A header is columns of 16 bits, and all that ever is in it is 16 bits wide: so each column of a word is chosen by itself, from the verdict's fields,
//! by a signal each. No header is laid out before its words are chosen.

use std::array;

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::{key, wire};

use super::header::{
    INNER_KIND, INNER_VID, KIND_BITS, L2_LENGTH_BITS, OUTER_KIND, OUTER_VID, PPPOE, SESSION, VID_BITS, dot1ad_kind,
};
use crate::prelude::*;
use crate::records::{FrameInfo, L2_BITS, L2Record, LENGTH_BITS, REASON_BITS, Verdict};

/// Words behind the first.
pub const MORE_WORDS: usize = 3;
/// Bits of a header's length in units of 4 bytes.
pub const UNITS_BITS: usize = 3;
/// Tags that there can be: none, one, two.
const TAG_COUNTS: usize = 3;
/// Bytes by which lengths of headers differ.
const UNIT: usize = wire::TAG_BYTES;
/// Lengths that a header can have.
const HEADER_LENGTHS: usize = 5;

const _: () = assert!(wire::ETH_HEADER_BYTES == 14 && wire::TAG_BYTES == 4 && wire::PPPOE_BYTES == 8);
const _: () = assert!(64 * (MORE_WORDS + 1) >= L2_BITS);

/// Chooses words. Registers without enables beside what waits.
#[derive(LogicBlock)]
pub struct HeaderWords {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// What becomes of the frame.
    pub verdict: Signal<In, Verdict>,
    /// The header that it came with.
    pub l2: Signal<In, L2Record>,
    /// Which word: the first if none is set, else one behind it, a bit each.
    pub at: Signal<In, Bits<MORE_WORDS>>,
    /// The frame is forwarded.
    pub forward: Signal<Out, Bit>,
    /// Bytes of its header, divided by 4.
    pub units: Signal<Out, Bits<UNITS_BITS>>,
    /// Bytes of the packet; of the whole frame when it is punted.
    pub length: Signal<Out, Bits<LENGTH_BITS>>,
    /// The word of the header.
    pub word: Signal<Out, Bits<64>>,

    encap: Signal<Local, Bits<{ key::ENCAP.width }>>,
    outer_kind: Signal<Local, Bits<KIND_BITS>>,
    inner_kind: Signal<Local, Bits<KIND_BITS>>,
    pppoe: Signal<Local, Bit>,
    session: Signal<Local, Bits<16>>,
    outer_vid: Signal<Local, Bits<VID_BITS>>,
    inner_vid: Signal<Local, Bits<VID_BITS>>,
    outer_tpid: Signal<Local, Bits<16>>,
    inner_tpid: Signal<Local, Bits<16>>,
    ethertype: Signal<Local, Bits<16>>,
    protocol: Signal<Local, Bits<16>>,
    arrived: Signal<Local, FrameInfo>,
    is_forward: Signal<Local, Bit>,
    came: Signal<Local, L2Record>,
    came_bytes: Signal<Local, Bits<L2_BITS>>,
    came_length: Signal<Local, Bits<L2_LENGTH_BITS>>,
    src: Signal<Local, Bits<48>>,
    dst: Signal<Local, Bits<48>>,

    forward_s1: DFF<Bit>,
    tags_s1: DFF<Bits<TAG_COUNTS>>,
    units_s1: DFF<Bits<UNITS_BITS>>,
    length_s1: DFF<Bits<LENGTH_BITS>>,
    pppoe_length_s1: DFF<Bits<16>>,

    first: Signal<Local, Bit>,
    second: Signal<Local, Bit>,
    third: Signal<Local, Bit>,
    fourth: Signal<Local, Bit>,
    tags_0: Signal<Local, Bit>,
    tags_1: Signal<Local, Bit>,
    tags_2: Signal<Local, Bit>,
    column_0: Signal<Local, Bits<16>>,
    column_1: Signal<Local, Bits<16>>,
    column_2: Signal<Local, Bits<16>>,
    column_3: Signal<Local, Bits<16>>,
    came_word: Signal<Local, Bits<64>>,
    built_word: Signal<Local, Bits<64>>,

    forwarded: Constant<Bits<REASON_BITS>>,
    no_tag: Constant<Bits<KIND_BITS>>,
    dot1ad: Constant<Bits<KIND_BITS>>,
    tpid_dot1q: Constant<Bits<16>>,
    tpid_dot1ad: Constant<Bits<16>>,
    ethertype_ipv4: Constant<Bits<16>>,
    ethertype_ipv6: Constant<Bits<16>>,
    ethertype_pppoe: Constant<Bits<16>>,
    session_data: Constant<Bits<16>>,
    ppp_ipv4: Constant<Bits<16>>,
    ppp_ipv6: Constant<Bits<16>>,
    ppp_bytes: Constant<Bits<LENGTH_BITS>>,
    no_tags: Constant<Bits<TAG_COUNTS>>,
    one_tag: Constant<Bits<TAG_COUNTS>>,
    two_tags: Constant<Bits<TAG_COUNTS>>,
    lengths: [Constant<Bits<UNITS_BITS>>; HEADER_LENGTHS],
}

impl Default for HeaderWords {
    fn default() -> Self {
        let number = |number: u16| Constant::new(u64::from(number).into());
        Self {
            clock: Signal::default(),
            verdict: Signal::default(),
            l2: Signal::default(),
            at: Signal::default(),
            forward: Signal::default(),
            units: Signal::default(),
            length: Signal::default(),
            word: Signal::default(),
            encap: Signal::default(),
            outer_kind: Signal::default(),
            inner_kind: Signal::default(),
            pppoe: Signal::default(),
            session: Signal::default(),
            outer_vid: Signal::default(),
            inner_vid: Signal::default(),
            outer_tpid: Signal::default(),
            inner_tpid: Signal::default(),
            ethertype: Signal::default(),
            protocol: Signal::default(),
            arrived: Signal::default(),
            is_forward: Signal::default(),
            came: Signal::default(),
            came_bytes: Signal::default(),
            came_length: Signal::default(),
            src: Signal::default(),
            dst: Signal::default(),
            forward_s1: DFF::default(),
            tags_s1: DFF::default(),
            units_s1: DFF::default(),
            length_s1: DFF::default(),
            pppoe_length_s1: DFF::default(),
            first: Signal::default(),
            second: Signal::default(),
            third: Signal::default(),
            fourth: Signal::default(),
            tags_0: Signal::default(),
            tags_1: Signal::default(),
            tags_2: Signal::default(),
            column_0: Signal::default(),
            column_1: Signal::default(),
            column_2: Signal::default(),
            column_3: Signal::default(),
            came_word: Signal::default(),
            built_word: Signal::default(),
            forwarded: Constant::new((Reason::Forwarded as u64).into()),
            no_tag: Constant::new((key::Encap::NONE.to_bits() >> OUTER_KIND).into()),
            dot1ad: Constant::new(dot1ad_kind().into()),
            tpid_dot1q: number(wire::TPID_DOT1Q),
            tpid_dot1ad: number(wire::TPID_DOT1AD),
            ethertype_ipv4: number(wire::ETHERTYPE_IPV4),
            ethertype_ipv6: number(wire::ETHERTYPE_IPV6),
            ethertype_pppoe: number(wire::ETHERTYPE_PPPOE),
            session_data: number(wire::PPPOE_SESSION_DATA),
            ppp_ipv4: number(wire::PPP_IPV4),
            ppp_ipv6: number(wire::PPP_IPV6),
            ppp_bytes: number(wire::PPP_PROTOCOL_BYTES as u16),
            no_tags: Constant::new(1_u64.into()),
            one_tag: Constant::new(2_u64.into()),
            two_tags: Constant::new(4_u64.into()),
            lengths: array::from_fn(|tags| Constant::new(((wire::ETH_HEADER_BYTES / UNIT + tags) as u64).into())),
        }
    }
}

impl Logic for HeaderWords {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, forward_s1, tags_s1, units_s1, length_s1, pppoe_length_s1);
        self.encap.next = self.verdict.val().encap;
        self.outer_kind.next = 0.into();
        self.inner_kind.next = 0.into();
        self.outer_vid.next = 0.into();
        self.inner_vid.next = 0.into();
        self.session.next = 0.into();
        self.pppoe.next = false;
        for lsb in OUTER_KIND..(OUTER_KIND + 1) {
            self.outer_kind.next = self.encap.val().get_bits::<KIND_BITS>(lsb);
        }
        for lsb in INNER_KIND..(INNER_KIND + 1) {
            self.inner_kind.next = self.encap.val().get_bits::<KIND_BITS>(lsb);
        }
        for lsb in OUTER_VID..(OUTER_VID + 1) {
            self.outer_vid.next = self.encap.val().get_bits::<VID_BITS>(lsb);
        }
        for lsb in INNER_VID..(INNER_VID + 1) {
            self.inner_vid.next = self.encap.val().get_bits::<VID_BITS>(lsb);
        }
        for lsb in SESSION..(SESSION + 1) {
            self.session.next = self.encap.val().get_bits::<16>(lsb);
        }
        for lsb in PPPOE..(PPPOE + 1) {
            self.pppoe.next = self.encap.val().get_bit(lsb);
        }

        // s1: what is to become of the frame, how long its header is. A second tag never is without a first.
        self.is_forward.next = self.verdict.val().reason == self.forwarded.val();
        self.forward_s1.d.next = self.is_forward.val();
        self.arrived.next = self.verdict.val().frame;
        self.came.next = self.l2.val();
        self.came_bytes.next = self.came.val().bytes;
        self.came_length.next = self.came.val().length;
        self.pppoe_length_s1.d.next = self.verdict.val().ip_length + self.ppp_bytes.val();
        if self.inner_kind.val() != self.no_tag.val() {
            self.tags_s1.d.next = self.two_tags.val();
        } else if self.outer_kind.val() != self.no_tag.val() {
            self.tags_s1.d.next = self.one_tag.val();
        } else {
            self.tags_s1.d.next = self.no_tags.val();
        }
        if self.is_forward.val() {
            self.length_s1.d.next = self.verdict.val().ip_length;
            self.units_s1.d.next = self.lengths[0].val();
            if self.inner_kind.val() != self.no_tag.val() {
                self.units_s1.d.next = self.lengths[2].val();
                if self.pppoe.val() {
                    self.units_s1.d.next = self.lengths[4].val();
                }
            } else if self.outer_kind.val() != self.no_tag.val() {
                self.units_s1.d.next = self.lengths[1].val();
                if self.pppoe.val() {
                    self.units_s1.d.next = self.lengths[3].val();
                }
            } else if self.pppoe.val() {
                self.units_s1.d.next = self.lengths[2].val();
            }
        } else {
            self.length_s1.d.next = self.arrived.val().length;
            self.units_s1.d.next = self.came_length.val().get_bits::<UNITS_BITS>(2);
        }
        self.forward.next = self.forward_s1.q.val();
        self.units.next = self.units_s1.q.val();
        self.length.next = self.length_s1.q.val();

        // What the columns are made of. Priority and drop eligibility of a tag are 0.
        self.src.next = self.verdict.val().src_mac;
        self.dst.next = self.verdict.val().dst_mac;
        self.outer_tpid.next = self.tpid_dot1q.val();
        if self.outer_kind.val() == self.dot1ad.val() {
            self.outer_tpid.next = self.tpid_dot1ad.val();
        }
        self.inner_tpid.next = self.tpid_dot1q.val();
        if self.inner_kind.val() == self.dot1ad.val() {
            self.inner_tpid.next = self.tpid_dot1ad.val();
        }
        self.ethertype.next = self.ethertype_ipv4.val();
        self.protocol.next = self.ppp_ipv4.val();
        if self.verdict.val().v6 {
            self.ethertype.next = self.ethertype_ipv6.val();
            self.protocol.next = self.ppp_ipv6.val();
        }
        if self.pppoe.val() {
            self.ethertype.next = self.ethertype_pppoe.val();
        }

        // The columns.
        self.first.next = !self.at.val().any();
        self.second.next = self.at.val().get_bit(0);
        self.third.next = self.at.val().get_bit(1);
        self.fourth.next = self.at.val().get_bit(2);
        self.tags_0.next = self.tags_s1.q.val().get_bit(0);
        self.tags_1.next = self.tags_s1.q.val().get_bit(1);
        self.tags_2.next = self.tags_s1.q.val().get_bit(2);
        self.column_0.next = 0.into();
        self.column_1.next = 0.into();
        self.column_2.next = 0.into();
        self.column_3.next = 0.into();
        if self.first.val() {
            self.column_0.next = self.dst.val().get_bits::<16>(32);
            self.column_1.next = self.dst.val().get_bits::<16>(16);
            self.column_2.next = self.dst.val().get_bits::<16>(0);
            self.column_3.next = self.src.val().get_bits::<16>(32);
        }
        if self.second.val() {
            self.column_0.next = self.column_0.val() | self.src.val().get_bits::<16>(16);
            self.column_1.next = self.column_1.val() | self.src.val().get_bits::<16>(0);
        }
        if (self.third.val() & self.tags_0.val()) | (self.fourth.val() & self.tags_2.val()) {
            self.column_0.next = self.column_0.val() | self.session.val();
        }
        if self.third.val() & self.tags_1.val() {
            self.column_0.next = self.column_0.val() | self.ethertype.val();
        }
        if self.third.val() & self.tags_2.val() {
            self.column_0.next = self.column_0.val() | self.inner_tpid.val();
        }
        if self.fourth.val() & self.tags_1.val() {
            self.column_0.next = self.column_0.val() | self.protocol.val();
        }
        if (self.third.val() & self.tags_0.val()) | self.fourth.val() {
            self.column_1.next = self.column_1.val() | self.pppoe_length_s1.q.val();
        }
        if self.third.val() & self.tags_1.val() {
            self.column_1.next = self.column_1.val() | self.session_data.val();
        }
        if self.third.val() & self.tags_2.val() {
            self.column_1.next = self.column_1.val() | bit_cast::<16, VID_BITS>(self.inner_vid.val());
        }
        if (self.second.val() & self.tags_0.val()) | (self.third.val() & self.tags_2.val()) {
            self.column_2.next = self.column_2.val() | self.ethertype.val();
            self.column_3.next = self.column_3.val() | self.session_data.val();
        }
        if self.second.val() & !self.tags_0.val() {
            self.column_2.next = self.column_2.val() | self.outer_tpid.val();
            self.column_3.next = self.column_3.val() | bit_cast::<16, VID_BITS>(self.outer_vid.val());
        }
        if self.third.val() & self.tags_1.val() {
            self.column_2.next = self.column_2.val() | self.session.val();
            self.column_3.next = self.column_3.val() | self.pppoe_length_s1.q.val();
        }
        if (self.third.val() & self.tags_0.val()) | self.fourth.val() {
            self.column_2.next = self.column_2.val() | self.protocol.val();
        }
        self.built_word.next = (bit_cast::<64, 16>(self.column_0.val()) << 48_u64)
            | (bit_cast::<64, 16>(self.column_1.val()) << 32_u64)
            | (bit_cast::<64, 16>(self.column_2.val()) << 16_u64)
            | bit_cast::<64, 16>(self.column_3.val());

        // Or the header that came.
        self.came_word.next = self.came_bytes.val().get_bits::<64>(176);
        if self.second.val() {
            self.came_word.next = self.came_bytes.val().get_bits::<64>(112);
        } else if self.third.val() {
            self.came_word.next = self.came_bytes.val().get_bits::<64>(48);
        } else if self.fourth.val() {
            self.came_word.next = bit_cast::<64, 48>(self.came_bytes.val().get_bits::<48>(0)) << 16_u64;
        }
        self.word.next = self.came_word.val();
        if self.forward_s1.q.val() {
            self.word.next = self.built_word.val();
        }
    }
}
