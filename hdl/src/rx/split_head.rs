//! Finds where layer 2 ends in the head of a frame, and puts what follows in one place.
//!
//! ```text
//!                     +-----------+
//!  head_valid, head ->| SplitHead |--> header_valid, header
//!  frame ------------>|           |
//!                     +-----------+
//! ```
//! Latency [`SplitHead::LATENCY`] clocks, a head a clock, no stall. Outputs come from flip-flops.
//!
//! # Contract
//! - `head` is the start of a frame, its first byte the most significant. What the frame does not have is not defined and decides nothing
//!   but bytes of `header.window` that the frame does not have either, and fields that say nothing of such a frame.
//! - Layer 2 is as `abi::reason` has it: up to two tags, then a PPPoE session header whose protocol is IPv4 or IPv6. A frame that ends inside
//!   its tags or its PPPoE header has 14 bytes of layer 2, no encapsulation and its first TPID as EtherType.
//! - `header.l2.bytes` is zero behind `header.l2.length` bytes. `window`, `gre`, `fragment_header` and `pppoe_length` say nothing when the EtherType is not
//!   that of IPv4 or IPv6.
//!
//! # How
//! Everything that may be a tag, a PPPoE header or the protocol of an IP header is looked at in each place where it may be, at once; the
//! first clock ends with the answers and with how many words of four bytes later than in a plain frame the window starts. The second clock moves the window and puts the record together from the answers that count. Whether the frame ends too early is not
//! looked at for the window: of such a frame nobody reads it.

use std::array;

use fpgaflow_abi::wire;

use crate::parse::{EncapRow, VID_BITS};
use crate::prelude::*;
use crate::records::{FrameInfo, HeaderRecord, L2_BITS, L2Record, LENGTH_BITS, WINDOW_BITS};

/// Bytes of a head: the longest layer 2 header and the window behind it.
pub const HEAD_BYTES: usize = wire::MAX_L2_BYTES + wire::HEADER_WINDOW_BYTES;

/// Bits of [`HEAD_BYTES`].
const HEAD_BITS: usize = 8 * HEAD_BYTES;
/// Bits of a word, in which tags and PPPoE headers are counted.
const WORD_BITS: usize = 32;
/// Bits before the first EtherType.
const BEFORE_BITS: usize = 8 * wire::ETH_HEADER_BYTES - 16;
/// Words looked at from there: up to the protocol of an IPv4 header behind the longest layer 2.
const WORDS: usize = 7;
/// Places where an EtherType may be: behind no tag, one, two.
const PLACES: usize = 3;
/// Lengths that layer 2 may have, from the plain header on, a word apart.
pub(super) const L2_LENGTHS: usize = (wire::MAX_L2_BYTES - wire::ETH_HEADER_BYTES) / wire::TAG_BYTES + 1;
/// Bits of such a length.
pub(super) const L2_LENGTH_BITS: usize = 5;

const _: () = assert!(8 * wire::TAG_BYTES == WORD_BITS && 2 * wire::TAG_BYTES == wire::PPPOE_BYTES && L2_LENGTHS == 5);

/// Bytes of layer 2 of the given number of words more than the plain header has.
pub(super) const fn l2_bytes(words: usize) -> usize {
    wire::ETH_HEADER_BYTES + wire::TAG_BYTES * words
}

/// Makes a header record of the first `HEAD` bits of a frame.
#[derive(LogicBlock)]
pub struct SplitHead<const HEAD: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A head comes.
    pub head_valid: Signal<In, Bit>,
    /// The start of a frame.
    pub head: Signal<In, Bits<HEAD>>,
    /// Its length and port.
    pub frame: Signal<In, FrameInfo>,
    /// There is a header.
    pub header_valid: Signal<Out, Bit>,
    /// What the parser starts from.
    pub header: Signal<Out, HeaderRecord>,

    // The head from the EtherType on, in words, and their halves.
    word: [Signal<Local, Bits<WORD_BITS>>; WORDS],
    upper: [Signal<Local, Bits<16>>; WORDS],
    lower: [Signal<Local, Bits<16>>; WORDS],
    length: Signal<Local, Bits<LENGTH_BITS>>,
    dot1q: [Signal<Local, Bit>; 2],
    dot1ad: [Signal<Local, Bit>; 2],
    outer: Signal<Local, Bit>,
    inner: Signal<Local, Bit>,
    pppoe: [Signal<Local, Bit>; PLACES],

    // s1: what is at each place, whether or not it counts.
    valid_s1: DFF<Bit>,
    head_s1: DFF<Bits<HEAD_BITS>>,
    frame_s1: DFF<FrameInfo>,
    outer_dot1q_s1: DFF<Bit>,
    outer_dot1ad_s1: DFF<Bit>,
    inner_dot1q_s1: DFF<Bit>,
    inner_dot1ad_s1: DFF<Bit>,
    type_pppoe_s1: [DFF<Bit>; PLACES],
    type_v6_s1: [DFF<Bit>; PLACES],
    pppoe_s1: [DFF<Bit>; PLACES],
    ppp_v6_s1: [DFF<Bit>; PLACES],
    // The frame has that many bytes of layer 2; a packet that starts there says that it is GRE's, or that a fragment header follows.
    fits_s1: [DFF<Bit>; L2_LENGTHS],
    gre_v4_s1: [DFF<Bit>; L2_LENGTHS],
    gre_v6_s1: [DFF<Bit>; L2_LENGTHS],
    fragment_v6_s1: [DFF<Bit>; L2_LENGTHS],
    // Words by which layer 2 is longer than the plain header, in binary.
    four_s1: DFF<Bit>,
    two_s1: DFF<Bit>,
    one_s1: DFF<Bit>,

    // The place that counts.
    has_tag: Signal<Local, Bit>,
    has_two: Signal<Local, Bit>,
    upper_s1: [Signal<Local, Bits<16>>; 4],
    lower_s1: [Signal<Local, Bits<16>>; 4],
    ethertype: Signal<Local, Bits<16>>,
    session: Signal<Local, Bits<16>>,
    pppoe_length: Signal<Local, Bits<LENGTH_BITS>>,
    cut: Signal<Local, Bit>,
    is_pppoe: Signal<Local, Bit>,
    ppp_v6: Signal<Local, Bit>,
    v6: Signal<Local, Bit>,
    gre_v4: Signal<Local, Bit>,
    gre_v6: Signal<Local, Bit>,
    fragment_v6: Signal<Local, Bit>,
    l2_length: Signal<Local, Bits<L2_LENGTH_BITS>>,
    l2_mask: Signal<Local, Bits<L2_BITS>>,
    l2: Signal<Local, L2Record>,
    encap: Signal<Local, EncapRow>,

    valid_s2: DFF<Bit>,
    header_s2: DFF<HeaderRecord>,

    tpid_dot1q: Constant<Bits<16>>,
    tpid_dot1ad: Constant<Bits<16>>,
    type_pppoe: Constant<Bits<16>>,
    type_ipv4: Constant<Bits<16>>,
    type_ipv6: Constant<Bits<16>>,
    session_data: Constant<Bits<16>>,
    ppp_ipv4: Constant<Bits<16>>,
    ppp_ipv6: Constant<Bits<16>>,
    proto_gre: Constant<Bits<8>>,
    fragment_header: Constant<Bits<8>>,
    least: [Constant<Bits<LENGTH_BITS>>; L2_LENGTHS],
    lengths: [Constant<Bits<L2_LENGTH_BITS>>; L2_LENGTHS],
    masks: [Constant<Bits<L2_BITS>>; L2_LENGTHS],
}

impl<const HEAD: usize> SplitHead<HEAD> {
    /// Clocks from a head to its header.
    pub const LATENCY: usize = 2;
}

impl<const HEAD: usize> Default for SplitHead<HEAD> {
    fn default() -> Self {
        assert!(HEAD >= HEAD_BITS, "SplitHead: {HEAD} bits are not {HEAD_BYTES} bytes");
        let sixteen = |value: u16| Constant::new(u64::from(value).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            head_valid: Signal::default(),
            head: Signal::default(),
            frame: Signal::default(),
            header_valid: Signal::default(),
            header: Signal::default(),
            word: array::from_fn(|_| Signal::default()),
            upper: array::from_fn(|_| Signal::default()),
            lower: array::from_fn(|_| Signal::default()),
            length: Signal::default(),
            dot1q: array::from_fn(|_| Signal::default()),
            dot1ad: array::from_fn(|_| Signal::default()),
            outer: Signal::default(),
            inner: Signal::default(),
            pppoe: array::from_fn(|_| Signal::default()),
            valid_s1: DFF::default(),
            head_s1: DFF::default(),
            frame_s1: DFF::default(),
            outer_dot1q_s1: DFF::default(),
            outer_dot1ad_s1: DFF::default(),
            inner_dot1q_s1: DFF::default(),
            inner_dot1ad_s1: DFF::default(),
            type_pppoe_s1: array::from_fn(|_| DFF::default()),
            type_v6_s1: array::from_fn(|_| DFF::default()),
            pppoe_s1: array::from_fn(|_| DFF::default()),
            ppp_v6_s1: array::from_fn(|_| DFF::default()),
            fits_s1: array::from_fn(|_| DFF::default()),
            gre_v4_s1: array::from_fn(|_| DFF::default()),
            gre_v6_s1: array::from_fn(|_| DFF::default()),
            fragment_v6_s1: array::from_fn(|_| DFF::default()),
            four_s1: DFF::default(),
            two_s1: DFF::default(),
            one_s1: DFF::default(),
            has_tag: Signal::default(),
            has_two: Signal::default(),
            upper_s1: array::from_fn(|_| Signal::default()),
            lower_s1: array::from_fn(|_| Signal::default()),
            ethertype: Signal::default(),
            session: Signal::default(),
            pppoe_length: Signal::default(),
            cut: Signal::default(),
            is_pppoe: Signal::default(),
            ppp_v6: Signal::default(),
            v6: Signal::default(),
            gre_v4: Signal::default(),
            gre_v6: Signal::default(),
            fragment_v6: Signal::default(),
            l2_length: Signal::default(),
            l2_mask: Signal::default(),
            l2: Signal::default(),
            encap: Signal::default(),
            valid_s2: DFF::default(),
            header_s2: DFF::default(),
            tpid_dot1q: sixteen(wire::TPID_DOT1Q),
            tpid_dot1ad: sixteen(wire::TPID_DOT1AD),
            type_pppoe: sixteen(wire::ETHERTYPE_PPPOE),
            type_ipv4: sixteen(wire::ETHERTYPE_IPV4),
            type_ipv6: sixteen(wire::ETHERTYPE_IPV6),
            session_data: sixteen(wire::PPPOE_SESSION_DATA),
            ppp_ipv4: sixteen(wire::PPP_IPV4),
            ppp_ipv6: sixteen(wire::PPP_IPV6),
            proto_gre: Constant::new(u64::from(wire::PROTO_GRE).into()),
            fragment_header: Constant::new(u64::from(wire::NEXT_HEADER_FRAGMENT).into()),
            least: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
            lengths: array::from_fn(|words| Constant::new((l2_bytes(words) as u64).into())),
            masks: array::from_fn(|words| {
                let ones = (0..8 * l2_bytes(words))
                    .fold(Bits::<L2_BITS>::default(), |ones, bit| ones.replace_bit(L2_BITS - 1 - bit, true));
                Constant::new(ones)
            }),
        }
    }
}

impl<const HEAD: usize> Logic for SplitHead<HEAD> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_s1, head_s1, frame_s1, four_s1, two_s1, one_s1);
        dff_setup!(self, clock, outer_dot1q_s1, outer_dot1ad_s1, inner_dot1q_s1, inner_dot1ad_s1);
        dff_setup!(self, clock, valid_s2, header_s2);
        for i in 0..PLACES {
            self.type_pppoe_s1[i].clock.next = self.clock.val();
            self.type_v6_s1[i].clock.next = self.clock.val();
            self.pppoe_s1[i].clock.next = self.clock.val();
            self.ppp_v6_s1[i].clock.next = self.clock.val();
        }
        for i in 0..L2_LENGTHS {
            self.fits_s1[i].clock.next = self.clock.val();
            self.gre_v4_s1[i].clock.next = self.clock.val();
            self.gre_v6_s1[i].clock.next = self.clock.val();
            self.fragment_v6_s1[i].clock.next = self.clock.val();
        }

        // s1: what is there.
        for i in 0..WORDS {
            for top in (HEAD - BEFORE_BITS - WORD_BITS)..(HEAD - BEFORE_BITS - WORD_BITS + 1) {
                self.word[i].next = self.head.val().get_bits::<WORD_BITS>(top - (i * 32));
            }
            self.upper[i].next = self.word[i].val().get_bits::<16>(16);
            self.lower[i].next = self.word[i].val().get_bits::<16>(0);
        }
        self.length.next = self.frame.val().length;
        for i in 0..2 {
            self.dot1q[i].next = self.upper[i].val() == self.tpid_dot1q.val();
            self.dot1ad[i].next = self.upper[i].val() == self.tpid_dot1ad.val();
        }
        self.outer.next = self.dot1q[0].val() | self.dot1ad[0].val();
        self.inner.next = self.outer.val() & (self.dot1q[1].val() | self.dot1ad[1].val());
        self.outer_dot1q_s1.d.next = self.dot1q[0].val();
        self.outer_dot1ad_s1.d.next = self.dot1ad[0].val();
        self.inner_dot1q_s1.d.next = self.outer.val() & self.dot1q[1].val();
        self.inner_dot1ad_s1.d.next = self.outer.val() & self.dot1ad[1].val();
        for i in 0..PLACES {
            self.pppoe[i].next = (self.upper[i].val() == self.type_pppoe.val())
                & (self.lower[i].val() == self.session_data.val())
                & ((self.upper[i + 2].val() == self.ppp_ipv4.val()) | (self.upper[i + 2].val() == self.ppp_ipv6.val()));
            self.pppoe_s1[i].d.next = self.pppoe[i].val();
            self.type_pppoe_s1[i].d.next = self.upper[i].val() == self.type_pppoe.val();
            self.type_v6_s1[i].d.next = self.upper[i].val() == self.type_ipv6.val();
            self.ppp_v6_s1[i].d.next = self.upper[i + 2].val() == self.ppp_ipv6.val();
        }
        // The ninth byte behind IPv4's start is its protocol, the sixth behind IPv6's its next header.
        for i in 0..L2_LENGTHS {
            self.fits_s1[i].d.next = self.length.val() >= self.least[i].val();
            self.gre_v4_s1[i].d.next = self.lower[i + 2].val().get_bits::<8>(0) == self.proto_gre.val();
            self.gre_v6_s1[i].d.next = self.upper[i + 2].val().get_bits::<8>(8) == self.proto_gre.val();
            self.fragment_v6_s1[i].d.next = self.upper[i + 2].val().get_bits::<8>(8) == self.fragment_header.val();
        }
        // Each tag is a word, PPPoE two.
        self.four_s1.d.next = self.inner.val() & self.pppoe[2].val();
        self.two_s1.d.next = (!self.outer.val() & self.pppoe[0].val())
            | (self.outer.val() & !self.inner.val() & self.pppoe[1].val())
            | (self.inner.val() & !self.pppoe[2].val());
        self.one_s1.d.next = self.outer.val() & !self.inner.val();
        // What is wide needs no enable: a pulse says whether it counts.
        self.valid_s1.d.next = self.head_valid.val();
        for rest in (HEAD - HEAD_BITS)..(HEAD - HEAD_BITS + 1) {
            self.head_s1.d.next = self.head.val().get_bits::<HEAD_BITS>(rest);
        }
        self.frame_s1.d.next = self.frame.val();

        // s2: which of it counts. `cut`: the frame ends inside.
        self.has_tag.next = self.outer_dot1q_s1.q.val() | self.outer_dot1ad_s1.q.val();
        self.has_two.next = self.inner_dot1q_s1.q.val() | self.inner_dot1ad_s1.q.val();
        for i in 0..4 {
            for top in (HEAD_BITS - BEFORE_BITS - 16)..(HEAD_BITS - BEFORE_BITS - 15) {
                self.upper_s1[i].next = self.head_s1.q.val().get_bits::<16>(top - (i * 32));
            }
            for top in (HEAD_BITS - BEFORE_BITS - 32)..(HEAD_BITS - BEFORE_BITS - 31) {
                self.lower_s1[i].next = self.head_s1.q.val().get_bits::<16>(top - (i * 32));
            }
        }
        if self.has_two.val() {
            self.ethertype.next = self.upper_s1[2].val();
            self.session.next = self.upper_s1[3].val();
            self.pppoe_length.next = self.lower_s1[3].val();
            self.cut.next = !self.fits_s1[2].q.val() | (self.type_pppoe_s1[2].q.val() & !self.fits_s1[4].q.val());
            self.is_pppoe.next = self.pppoe_s1[2].q.val();
            self.ppp_v6.next = self.ppp_v6_s1[2].q.val();
            self.v6.next = self.type_v6_s1[2].q.val();
        } else if self.has_tag.val() {
            self.ethertype.next = self.upper_s1[1].val();
            self.session.next = self.upper_s1[2].val();
            self.pppoe_length.next = self.lower_s1[2].val();
            self.cut.next = !self.fits_s1[1].q.val() | (self.type_pppoe_s1[1].q.val() & !self.fits_s1[3].q.val());
            self.is_pppoe.next = self.pppoe_s1[1].q.val();
            self.ppp_v6.next = self.ppp_v6_s1[1].q.val();
            self.v6.next = self.type_v6_s1[1].q.val();
        } else {
            self.ethertype.next = self.upper_s1[0].val();
            self.session.next = self.upper_s1[1].val();
            self.pppoe_length.next = self.lower_s1[1].val();
            self.cut.next = self.type_pppoe_s1[0].q.val() & !self.fits_s1[2].q.val();
            self.is_pppoe.next = self.pppoe_s1[0].q.val();
            self.ppp_v6.next = self.ppp_v6_s1[0].q.val();
            self.v6.next = self.type_v6_s1[0].q.val();
        }
        if self.is_pppoe.val() {
            self.v6.next = self.ppp_v6.val();
            self.ethertype.next = self.type_ipv4.val();
            if self.ppp_v6.val() {
                self.ethertype.next = self.type_ipv6.val();
            }
        }
        if self.four_s1.q.val() {
            self.gre_v4.next = self.gre_v4_s1[4].q.val();
            self.gre_v6.next = self.gre_v6_s1[4].q.val();
            self.fragment_v6.next = self.fragment_v6_s1[4].q.val();
            self.l2_length.next = self.lengths[4].val();
            self.l2_mask.next = self.masks[4].val();
        } else if self.two_s1.q.val() & self.one_s1.q.val() {
            self.gre_v4.next = self.gre_v4_s1[3].q.val();
            self.gre_v6.next = self.gre_v6_s1[3].q.val();
            self.fragment_v6.next = self.fragment_v6_s1[3].q.val();
            self.l2_length.next = self.lengths[3].val();
            self.l2_mask.next = self.masks[3].val();
        } else if self.two_s1.q.val() {
            self.gre_v4.next = self.gre_v4_s1[2].q.val();
            self.gre_v6.next = self.gre_v6_s1[2].q.val();
            self.fragment_v6.next = self.fragment_v6_s1[2].q.val();
            self.l2_length.next = self.lengths[2].val();
            self.l2_mask.next = self.masks[2].val();
        } else if self.one_s1.q.val() {
            self.gre_v4.next = self.gre_v4_s1[1].q.val();
            self.gre_v6.next = self.gre_v6_s1[1].q.val();
            self.fragment_v6.next = self.fragment_v6_s1[1].q.val();
            self.l2_length.next = self.lengths[1].val();
            self.l2_mask.next = self.masks[1].val();
        } else {
            self.gre_v4.next = self.gre_v4_s1[0].q.val();
            self.gre_v6.next = self.gre_v6_s1[0].q.val();
            self.fragment_v6.next = self.fragment_v6_s1[0].q.val();
            self.l2_length.next = self.lengths[0].val();
            self.l2_mask.next = self.masks[0].val();
        }
        self.encap.next.outer_dot1q = self.outer_dot1q_s1.q.val();
        self.encap.next.outer_dot1ad = self.outer_dot1ad_s1.q.val();
        self.encap.next.outer_vid = 0.into();
        if self.has_tag.val() {
            self.encap.next.outer_vid = self.lower_s1[0].val().get_bits::<VID_BITS>(0);
        }
        self.encap.next.inner_dot1q = self.inner_dot1q_s1.q.val();
        self.encap.next.inner_dot1ad = self.inner_dot1ad_s1.q.val();
        self.encap.next.inner_vid = 0.into();
        if self.has_two.val() {
            self.encap.next.inner_vid = self.lower_s1[1].val().get_bits::<VID_BITS>(0);
        }
        self.encap.next.pppoe = self.is_pppoe.val();
        self.encap.next.session = 0.into();
        if self.is_pppoe.val() {
            self.encap.next.session = self.session.val();
        }
        self.encap.next.rest = 0.into();
        if self.cut.val() {
            self.ethertype.next = self.upper_s1[0].val();
            self.v6.next = false;
            self.l2_length.next = self.lengths[0].val();
            self.l2_mask.next = self.masks[0].val();
        }

        for at in (HEAD_BITS - L2_BITS)..(HEAD_BITS - L2_BITS + 1) {
            self.l2.next.bytes = self.head_s1.q.val().get_bits::<L2_BITS>(at) & self.l2_mask.val();
        }
        self.l2.next.length = self.l2_length.val();

        self.valid_s2.d.next = self.valid_s1.q.val();
        self.header_s2.d.next.l2 = self.l2.val();
        self.header_s2.d.next.ethertype = self.ethertype.val();
        self.header_s2.d.next.v6 = self.v6.val();
        self.header_s2.d.next.gre = self.gre_v4.val();
        self.header_s2.d.next.fragment_header = false;
        if self.v6.val() {
            self.header_s2.d.next.gre = self.gre_v6.val();
            self.header_s2.d.next.fragment_header = self.fragment_v6.val();
        }
        self.header_s2.d.next.pppoe_length = self.pppoe_length.val();
        self.header_s2.d.next.encap = self.encap.val().into();
        if self.cut.val() {
            self.header_s2.d.next.encap = 0.into();
        }
        self.header_s2.d.next.frame = self.frame_s1.q.val();
        if self.four_s1.q.val() {
            self.header_s2.d.next.window = self.head_s1.q.val().get_bits::<WINDOW_BITS>(0);
        } else if self.two_s1.q.val() {
            if self.one_s1.q.val() {
                self.header_s2.d.next.window = self.head_s1.q.val().get_bits::<WINDOW_BITS>(32);
            } else {
                self.header_s2.d.next.window = self.head_s1.q.val().get_bits::<WINDOW_BITS>(64);
            }
        } else if self.one_s1.q.val() {
            self.header_s2.d.next.window = self.head_s1.q.val().get_bits::<WINDOW_BITS>(96);
        } else {
            self.header_s2.d.next.window = self.head_s1.q.val().get_bits::<WINDOW_BITS>(128);
        }
        self.header_valid.next = self.valid_s2.q.val();
        self.header.next = self.header_s2.q.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
        }
    }
}
