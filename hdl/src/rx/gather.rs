//! Collects what the parser needs while the beats go on to the payload FIFO.
//!
//! ```text
//!              +--------+--> m_axis  the same beats
//!  s_axis ---->| Gather |
//!  s_l2, ... ->|        |--> header_valid, header  one HeaderRecord a frame
//!  credit ---->|        |--> credit_taken
//!              +--------+
//! ```
//! Beats pass in the same clock. `header_valid` comes [`Gather::LATENCY`] clock after the beat that completes the window, or after
//! the frame's last beat if that is earlier, from flip-flops. A beat a clock, a header a clock where a beat is a frame.
//!
//! # Contract
//! - One `header_valid` pulse a frame, in the order of the frames.
//! - A frame's first beat is taken only when `credit` is high; `credit_taken` is high in that clock. Whoever gives credits lowers
//!   `credit` only after `credit_taken` or with reset, so that `m_axis_valid` stays high until its beat moves.
//! - The window holds `SLOTS` beats; bytes behind them or behind the frame's end are not defined. For IPv4 with TCP or UDP
//!   [`NEEDED_BYTES`] are enough.

use std::array;

use fpgaflow_abi::key;

use crate::parse::{IPV4_ROWS, ROW_BYTES, TCP_ROWS};
use crate::prelude::*;
use crate::records::{BeatSink, BeatSource, FrameInfo, HeaderRecord, L2Record, WINDOW_BITS};

/// Bytes of the longest headers looked at: IPv4 without options, TCP without options (RFC 791, RFC 9293).
pub const NEEDED_BYTES: usize = ROW_BYTES * (IPV4_ROWS + TCP_ROWS);

/// Passes beats of `W` bits, keeping the first `SLOTS` of each frame. `CAT` is `SLOTS * W`, at most the window.
#[derive(LogicBlock)]
pub struct Gather<const W: usize, const SLOTS: usize, const CAT: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// There is room for one more frame behind.
    pub credit: Signal<In, Bit>,
    /// A frame's first beat is taken: one credit is used.
    pub credit_taken: Signal<Out, Bit>,
    /// What is behind layer 2.
    pub s_axis: BeatSink<W>,
    /// Layer 2 header of the frame that `s_axis` is at.
    pub s_l2: Signal<In, L2Record>,
    /// What its beats hold.
    pub s_ethertype: Signal<In, Bits<16>>,
    /// Its encapsulation.
    pub s_encap: Signal<In, Bits<{ key::ENCAP.width }>>,
    /// Its length and port.
    pub s_frame: Signal<In, FrameInfo>,
    /// The same beats.
    pub m_axis: BeatSource<W>,
    /// A header is complete.
    pub header_valid: Signal<Out, Bit>,
    /// The header.
    pub header: Signal<Out, HeaderRecord>,

    in_frame: DFF<Bit>,
    // The slot to fill next; none of them when this frame's header is out.
    place: [DFF<Bit>; SLOTS],
    collecting: Signal<Local, Bit>,
    allowed: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    complete: Signal<Local, Bit>,

    slot: [DFF<Bits<W>>; SLOTS],
    part: Signal<Local, Bits<W>>,
    joined: Signal<Local, Bits<CAT>>,
    header_valid_s1: DFF<Bit>,
    l2_s1: DFF<L2Record>,
    ethertype_s1: DFF<Bits<16>>,
    encap_s1: DFF<Bits<{ key::ENCAP.width }>>,
    frame_s1: DFF<FrameInfo>,

    beat: Constant<Bits<10>>,
}

impl<const W: usize, const SLOTS: usize, const CAT: usize> Gather<W, SLOTS, CAT> {
    /// Clocks from the beat that completes a header to `header_valid`.
    pub const LATENCY: usize = 1;
}

impl<const W: usize, const SLOTS: usize, const CAT: usize> Default for Gather<W, SLOTS, CAT> {
    fn default() -> Self {
        assert!(
            CAT == SLOTS * W && (8 * NEEDED_BYTES..=WINDOW_BITS).contains(&CAT),
            "Gather: {SLOTS} beats of {W} bits are not the {CAT} bits of the window"
        );
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            credit: Signal::default(),
            credit_taken: Signal::default(),
            s_axis: BeatSink::default(),
            s_l2: Signal::default(),
            s_ethertype: Signal::default(),
            s_encap: Signal::default(),
            s_frame: Signal::default(),
            m_axis: BeatSource::default(),
            header_valid: Signal::default(),
            header: Signal::default(),
            in_frame: DFF::default(),
            place: array::from_fn(|_| DFF::default()),
            collecting: Signal::default(),
            allowed: Signal::default(),
            take: Signal::default(),
            full: Signal::default(),
            complete: Signal::default(),
            slot: array::from_fn(|_| DFF::default()),
            part: Signal::default(),
            joined: Signal::default(),
            header_valid_s1: DFF::default(),
            l2_s1: DFF::default(),
            ethertype_s1: DFF::default(),
            encap_s1: DFF::default(),
            frame_s1: DFF::default(),
            beat: Constant::new((W as u64).into()),
        }
    }
}

impl<const W: usize, const SLOTS: usize, const CAT: usize> Logic for Gather<W, SLOTS, CAT> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, header_valid_s1, l2_s1, ethertype_s1, encap_s1, frame_s1);

        self.allowed.next = self.in_frame.q.val() | self.credit.val();
        self.take.next = self.s_axis.valid.val() & self.allowed.val() & self.m_axis.ready.val();
        self.s_axis.ready.next = self.allowed.val() & self.m_axis.ready.val();
        self.m_axis.valid.next = self.s_axis.valid.val() & self.allowed.val();
        self.m_axis.data.next = self.s_axis.data.val();
        self.m_axis.last.next = self.s_axis.last.val();
        self.credit_taken.next = self.take.val() & !self.in_frame.q.val();

        self.collecting.next = false;
        for i in 0..SLOTS {
            self.slot[i].clock.next = self.clock.val();
            self.slot[i].d.next = self.slot[i].q.val();
            self.collecting.next = self.collecting.val() | self.place[i].q.val();
            if self.take.val() & self.place[i].q.val() {
                self.slot[i].d.next = self.s_axis.data.val();
            }
        }
        for i in (SLOTS - 1)..SLOTS {
            self.full.next = self.place[i].q.val();
        }
        self.complete.next = self.take.val() & (self.full.val() | (self.s_axis.last.val() & self.collecting.val()));
        for i in 0..SLOTS {
            self.place[i].clock.next = self.clock.val();
            self.place[i].d.next = self.place[i].q.val();
        }
        if self.take.val() {
            self.in_frame.d.next = !self.s_axis.last.val();
            self.place[0].d.next = self.s_axis.last.val();
            for i in 1..SLOTS {
                self.place[i].d.next = self.place[i - 1].q.val() & !self.s_axis.last.val();
            }
        }
        self.header_valid_s1.d.next = self.complete.val();
        if self.complete.val() {
            self.l2_s1.d.next = self.s_l2.val();
            self.ethertype_s1.d.next = self.s_ethertype.val();
            self.encap_s1.d.next = self.s_encap.val();
            self.frame_s1.d.next = self.s_frame.val();
        }

        // The slots hold the header in the one clock of its pulse: the next frame's first beat gets there a clock later.
        self.joined.next = 0.into();
        for i in 0..SLOTS {
            self.part.next = self.slot[i].q.val();
            self.joined.next = (self.joined.val() << self.beat.val()) | bit_cast::<CAT, W>(self.part.val());
        }
        self.header_valid.next = self.header_valid_s1.q.val();
        for pad in (WINDOW_BITS as u64 - CAT as u64)..(WINDOW_BITS as u64 - CAT as u64 + 1) {
            self.header.next.window = bit_cast::<WINDOW_BITS, CAT>(self.joined.val()) << pad;
        }
        self.header.next.l2 = self.l2_s1.q.val();
        self.header.next.ethertype = self.ethertype_s1.q.val();
        self.header.next.encap = self.encap_s1.q.val();
        self.header.next.frame = self.frame_s1.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            for i in 0..SLOTS {
                self.place[i].d.next = false;
            }
            self.place[0].d.next = true;
            self.header_valid_s1.d.next = false;
        }
    }
}
