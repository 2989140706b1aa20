//! Makes one stream of the beats of all ports at 64 bits, and of each frame's first beats the header record while they pass.
//!
//! ```text
//!  s_axis_beats[], s_axis_ended[], coming[] -->+--------+--> push, data, last, commit, rollback  to the payload FIFO
//!  hold[], restart[] <-------------------------| Gather |--> header_valid, header
//!  credit, room ------------------------------>+--------+--> credit_taken
//! ```
//! Latency [`Gather::LATENCY`] clocks from a frame's last beat to its header, or from the word that says how it ended when that comes later. A beat
//! a clock, also from one frame to the next and from one port to another. The outputs to the payload FIFO come from flip-flops and a gate.
//!
//! # Contract
//! - Frames are never interleaved. Which port is next is [`NextPort`]'s to say. A frame that has not ended is gathered on trial (`hold`) while no
//!   other port has one that has: when one does, it is forgotten here and read again later (`restart`).
//! - One `header_valid` pulse for each good frame, in the order of the payload, when its first beats fill the window or the frame has ended, and it
//!   is known to be good; only with `credit` of the clock before, and `credit_taken` in the clock before the pulse. No two in consecutive clocks.
//! - A beat is pushed in the clock behind the one in which it is taken. `commit` lets all leave that were pushed, `rollback` forgets
//!   those pushed since the last commit; both include the beat pushed in the same clock, and `rollback` wins.
//! - Beats are taken while `room` is high; two more than that are pushed.
//! - `header` is as [`SplitHead`](super::SplitHead) has it, and stands in the clock of its pulse.
//!
//! # How
//! Layer 2 ends 6 or 2 bytes into a beat, 2 if it has one tag. So what follows is put in its place by one choice between two beats, while
//! they pass. Until all tags are seen the window's first word is written more than once: what was put there as if layer 2 were shorter is written over.
//! Registers of beats have enables from flip-flops only: they take what passes for as long as the beat that they wait for is the next one.

use std::array;

use fpgaflow_abi::wire;

use super::beat_kind::KINDS_BITS;
use super::live_port::Ended;
use super::passing_layer2::L2_BEATS_BITS;
use super::{JoinBeats, NextPort, PassingLayer2};
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{BeatSink, FrameInfo, HeaderRecord, LENGTH_BITS, PORT_BITS, WINDOW_BITS};

/// Bytes of four beats, as a power of two. What may hit is longer, so that its headers keep [`Pace::Seldom`].
const FOUR_BEATS_LOG2: usize = 5;

const _: () = assert!(1 << FOUR_BEATS_LOG2 == (Pace::SELDOM - 1) * 8);
const _: () = assert!(1 << FOUR_BEATS_LOG2 < wire::ETH_HEADER_BYTES + wire::IPV4_HEADER_BYTES);

/// Bits of a beat.
const W: usize = 64;
/// Beats in which layer 2 may end.
const L2_BEATS: usize = wire::MAX_L2_BYTES.div_ceil(W / 8);
/// Words of the window.
const WORDS: usize = 8 * wire::HEADER_WINDOW_BYTES / W;

const _: () = assert!(L2_BEATS == 4 && WORDS == 8);

/// Gathers the frames of `PORTS` ports.
#[derive(LogicBlock)]
pub struct Gather<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// How the frame ended that is next at each port.
    pub s_axis_ended: [StreamSink<Ended>; PORTS],
    /// Beats of each port.
    pub s_axis_beats: [BeatSink<W>; PORTS],
    /// Another beat follows at once.
    pub coming: [Signal<In, Bit>; PORTS],
    /// What is in the beat of each port: [`BeatKind`](super::BeatKind)'s codes.
    pub kinds: [Signal<In, Bits<KINDS_BITS>>; PORTS],
    /// The port's frame is read on trial.
    pub hold: [Signal<Out, Bit>; PORTS],
    /// It is to be read again.
    pub restart: [Signal<Out, Bit>; PORTS],
    /// There is room for one more frame behind.
    pub credit: Signal<In, Bit>,
    /// One credit is used.
    pub credit_taken: Signal<Out, Bit>,
    /// There is a header.
    pub header_valid: Signal<Out, Bit>,
    /// The frame has more than four beats, as all have that hold a packet: such headers are [`Pace::SELDOM`] clocks apart and more.
    pub can_hit: Signal<Out, Bit>,
    /// What the parser starts from.
    pub header: Signal<Out, HeaderRecord>,
    /// The payload FIFO takes two more beats, and one.
    pub room: Signal<In, Bit>,
    /// A beat for it.
    pub push: Signal<Out, Bit>,
    /// The beat.
    pub data: Signal<Out, Bits<W>>,
    /// Last of its frame.
    pub last: Signal<Out, Bit>,
    /// What was pushed may leave.
    pub commit: Signal<Out, Bit>,
    /// What was pushed and may not leave is forgotten.
    pub rollback: Signal<Out, Bit>,

    next: NextPort<PORTS>,
    layer2: PassingLayer2,
    ended: [Signal<Local, Bit>; PORTS],
    is_chosen: [Signal<Local, Bit>; PORTS],

    // What the chosen port has.
    beat: Signal<Local, Bits<W>>,
    beat_last: Signal<Local, Bit>,
    beat_kinds: Signal<Local, Bits<KINDS_BITS>>,
    beat_valid: Signal<Local, Bit>,
    more: Signal<Local, Bit>,
    has_ended: Signal<Local, Bit>,
    how: Signal<Local, Ended>,
    other_ended: Signal<Local, Bit>,

    // The frame on trial gives way to one that has ended. For that it must be settled: what is known of it is about it.
    yields: Signal<Local, Bit>,
    settled: DFF<Bit>,
    whole: DFF<Bit>,
    wanted: DFF<Bit>,
    popped: [DFF<Bit>; PORTS],

    may: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    take_last: Signal<Local, Bit>,

    // The next beat is the first of its frame, the second, …; none is set behind the fourth.
    awaits: [DFF<Bit>; L2_BEATS],
    // The beat before, and that it was its frame's last, and first.
    previous: DFF<Bits<W>>,
    previous_last: DFF<Bit>,
    pushed: DFF<Bit>,
    was_first: DFF<Bit>,
    raw: [DFF<Bits<W>>; L2_BEATS],
    l2_beats: JoinBeats<W, L2_BEATS, L2_BEATS_BITS>,

    // Where in the window the next beat completes a word, and that all of it is there.
    moved: Signal<Local, Bits<W>>,
    again: Signal<Local, Bit>,
    place: [DFF<Bit>; WORDS],
    window: [DFF<Bits<W>>; WORDS],
    words: JoinBeats<W, WORDS, WINDOW_BITS>,
    filled: DFF<Bit>,
    ended_s1: DFF<Bit>,

    // How the frame of the beat before ended, if it has.
    known: DFF<Bit>,
    bad: DFF<Bit>,
    frame: DFF<FrameInfo>,
    chosen_port: Signal<Local, Bits<PORT_BITS>>,
    credit_s1: DFF<Bit>,
    // It ended with the beat before, or earlier, and its header is still to come: it is good.
    full: DFF<Bit>,
    issued: DFF<Bit>,
    waits: DFF<Bit>,
    blocked: Signal<Local, Bit>,
    issue: Signal<Local, Bit>,

    header_valid_s1: DFF<Bit>,
    can_hit_s1: DFF<Bit>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    frame_s1: DFF<FrameInfo>,
    gre_s1: DFF<Bit>,
    fragment_s1: DFF<Bit>,
    // The beat before has the protocol of GRE where IPv4's may be; so has the window, or will have with what the beat leaves.
    gre_early: DFF<Bit>,
    gre_late: DFF<Bit>,
    is_gre: Signal<Local, Bit>,
    protocol_v4: Signal<Local, Bits<8>>,
    protocol_v6: Signal<Local, Bits<8>>,

    numbers: [Constant<Bits<PORT_BITS>>; PORTS],
    // A length of more than four beats is above 32: bits above that one, or that one and bits below.
    above_32: Constant<Bits<LENGTH_BITS>>,
    just_32: Constant<Bits<LENGTH_BITS>>,
    below_32: Constant<Bits<LENGTH_BITS>>,
    proto_gre: Constant<Bits<8>>,
    fragment_header: Constant<Bits<8>>,
}

impl<const PORTS: usize> Gather<PORTS> {
    /// Clocks from taking a frame's last beat to its header.
    pub const LATENCY: usize = 2;
    /// Beats that are pushed after `room` has fallen.
    pub const UNDER_WAY: usize = 2;
}

impl<const PORTS: usize> Default for Gather<PORTS> {
    fn default() -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            s_axis_ended: array::from_fn(|_| StreamSink::default()),
            s_axis_beats: array::from_fn(|_| BeatSink::default()),
            coming: array::from_fn(|_| Signal::default()),
            kinds: array::from_fn(|_| Signal::default()),
            hold: array::from_fn(|_| Signal::default()),
            restart: array::from_fn(|_| Signal::default()),
            credit: Signal::default(),
            credit_taken: Signal::default(),
            header_valid: Signal::default(),
            can_hit: Signal::default(),
            header: Signal::default(),
            room: Signal::default(),
            push: Signal::default(),
            data: Signal::default(),
            last: Signal::default(),
            commit: Signal::default(),
            rollback: Signal::default(),
            next: NextPort::default(),
            layer2: PassingLayer2::default(),
            ended: array::from_fn(|_| Signal::default()),
            is_chosen: array::from_fn(|_| Signal::default()),
            beat: Signal::default(),
            beat_last: Signal::default(),
            beat_kinds: Signal::default(),
            beat_valid: Signal::default(),
            more: Signal::default(),
            has_ended: Signal::default(),
            how: Signal::default(),
            other_ended: Signal::default(),
            yields: Signal::default(),
            settled: DFF::default(),
            whole: DFF::default(),
            wanted: DFF::default(),
            popped: array::from_fn(|_| DFF::default()),
            may: Signal::default(),
            take: Signal::default(),
            take_last: Signal::default(),
            awaits: array::from_fn(|_| DFF::default()),
            previous: DFF::default(),
            previous_last: DFF::default(),
            pushed: DFF::default(),
            was_first: DFF::default(),
            raw: array::from_fn(|_| DFF::default()),
            l2_beats: JoinBeats::default(),
            moved: Signal::default(),
            again: Signal::default(),
            place: array::from_fn(|_| DFF::default()),
            window: array::from_fn(|_| DFF::default()),
            words: JoinBeats::default(),
            filled: DFF::default(),
            ended_s1: DFF::default(),
            gre_early: DFF::default(),
            gre_late: DFF::default(),
            is_gre: Signal::default(),
            known: DFF::default(),
            bad: DFF::default(),
            frame: DFF::default(),
            chosen_port: Signal::default(),
            credit_s1: DFF::default(),
            full: DFF::default(),
            issued: DFF::default(),
            waits: DFF::default(),
            blocked: Signal::default(),
            issue: Signal::default(),
            header_valid_s1: DFF::default(),
            can_hit_s1: DFF::default(),
            length: Signal::default(),
            frame_s1: DFF::default(),
            gre_s1: DFF::default(),
            fragment_s1: DFF::default(),
            protocol_v4: Signal::default(),
            protocol_v6: Signal::default(),
            numbers: array::from_fn(|port| Constant::new((port as u64).into())),
            above_32: Constant::new((!0 << (FOUR_BEATS_LOG2 + 1) & ((1_u64 << LENGTH_BITS) - 1)).into()),
            just_32: Constant::new((1_u64 << FOUR_BEATS_LOG2).into()),
            below_32: Constant::new(((1_u64 << FOUR_BEATS_LOG2) - 1).into()),
            proto_gre: Constant::new(u64::from(wire::PROTO_GRE).into()),
            fragment_header: Constant::new(u64::from(wire::NEXT_HEADER_FRAGMENT).into()),
        }
    }
}

impl<const PORTS: usize> Logic for Gather<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, settled, whole, wanted, previous, previous_last, pushed, filled, known, bad, frame, credit_s1);
        dff_setup!(self, clock, full, issued, waits, header_valid_s1, can_hit_s1, frame_s1, gre_s1, fragment_s1);
        dff_setup!(self, clock, ended_s1, was_first, gre_early, gre_late);
        clock!(self, clock, next, layer2);
        self.next.reset.next = self.reset.val();
        for i in 0..PORTS {
            self.popped[i].clock.next = self.clock.val();
        }
        for i in 0..L2_BEATS {
            self.awaits[i].clock.next = self.clock.val();
            self.awaits[i].d.next = self.awaits[i].q.val();
            self.raw[i].clock.next = self.clock.val();
            self.raw[i].d.next = self.raw[i].q.val();
        }
        for i in 0..WORDS {
            self.place[i].clock.next = self.clock.val();
            self.place[i].d.next = self.place[i].q.val();
            self.window[i].clock.next = self.clock.val();
            self.window[i].d.next = self.window[i].q.val();
        }

        // What the chosen port has. The word of a frame whose last beat was taken in the clock before is still there, and says nothing more.
        self.beat.next = 0.into();
        self.beat_last.next = false;
        self.beat_kinds.next = 0.into();
        self.beat_valid.next = false;
        self.more.next = false;
        self.has_ended.next = false;
        self.other_ended.next = false;
        self.how.next = self.s_axis_ended[0].data.val();
        self.chosen_port.next = self.numbers[0].val();
        for i in 0..PORTS {
            self.is_chosen[i].next = self.next.chosen[i].val();
            self.ended[i].next = self.s_axis_ended[i].valid.val() & !self.popped[i].q.val();
            if self.is_chosen[i].val() {
                self.beat_last.next = self.s_axis_beats[i].last.val();
                self.beat_valid.next = self.s_axis_beats[i].valid.val();
                self.more.next = self.coming[i].val();
                self.has_ended.next = self.ended[i].val();
            } else if self.ended[i].val() {
                self.other_ended.next = true;
            }
            if !self.next.hidden[i].val() {
                self.beat.next = self.s_axis_beats[i].data.val();
                self.beat_kinds.next = self.kinds[i].val();
                self.how.next = self.s_axis_ended[i].data.val();
                self.chosen_port.next = self.numbers[i].val();
            }
        }

        // Its beat, if the frame before has its header or needs none.
        self.yields.next = self.settled.q.val() & !self.whole.q.val() & self.wanted.q.val();
        self.blocked.next = self.full.q.val() & !self.credit_s1.q.val();
        self.may.next = self.room.val() & !self.blocked.val() & !self.yields.val();
        self.take.next = self.may.val() & self.beat_valid.val();
        self.take_last.next = self.may.val() & self.beat_valid.val() & self.beat_last.val();
        for i in 0..PORTS {
            self.s_axis_beats[i].ready.next = self.may.val() & self.is_chosen[i].val();
            self.popped[i].d.next = self.take_last.val() & self.is_chosen[i].val();
            self.s_axis_ended[i].ready.next = self.popped[i].q.val();
            self.hold[i].next = self.is_chosen[i].val() & !self.awaits[0].q.val() & !self.whole.q.val();
            self.restart[i].next = self.is_chosen[i].val() & self.yields.val();
            self.next.ended[i].next = self.ended[i].val();
            self.next.here[i].next = self.s_axis_beats[i].valid.val() | self.coming[i].val();
        }
        self.next.stay.next = self.more.val() | (self.has_ended.val() & self.awaits[0].q.val());
        self.next.change.next = self.take_last.val() | self.yields.val() | (self.awaits[0].q.val() & !self.beat_valid.val());
        self.settled.d.next = !self.awaits[0].q.val() & !self.take_last.val() & !self.yields.val();
        self.whole.d.next = self.has_ended.val() & !self.take_last.val() & !self.yields.val();
        self.wanted.d.next = self.other_ended.val();

        // Which beat of its frame it is.
        self.was_first.d.next = self.take.val() & self.awaits[0].q.val();
        if self.take.val() {
            self.awaits[0].d.next = false;
            for i in 1..L2_BEATS {
                self.awaits[i].d.next = self.awaits[i - 1].q.val();
            }
        }
        // Where it ends a word of the window. What is longer than it seemed is written again, from the first word on.
        self.again.next =
            (self.awaits[2].q.val() & self.layer2.longer_2.val()) | (self.awaits[3].q.val() & self.layer2.longer_3.val());
        if self.take.val() {
            self.place[0].d.next = self.awaits[1].q.val() | self.again.val();
            for i in 1..WORDS {
                self.place[i].d.next = self.place[i - 1].q.val() & !self.again.val();
            }
            for i in WORDS..(WORDS + 1) {
                self.filled.d.next = !self.awaits[0].q.val() & (self.filled.q.val() | self.place[i - 1].q.val());
            }
        }
        if self.take_last.val() | self.yields.val() | self.reset.val() {
            self.awaits[0].d.next = true;
            for i in 1..L2_BEATS {
                self.awaits[i].d.next = false;
            }
            self.filled.d.next = false;
        }
        // In the clock behind the last beat, what that has left begins one more word.
        self.ended_s1.d.next = self.take_last.val();
        if self.ended_s1.q.val() | self.yields.val() | self.reset.val() {
            for i in 0..WORDS {
                self.place[i].d.next = false;
            }
        }

        // The beat before, while there is room: what stands still must not be taken for it.
        if self.room.val() {
            self.previous.d.next = self.beat.val();
            self.previous_last.d.next = self.beat_last.val();
            self.gre_early.d.next = self.beat.val().get_bits::<8>(32) == self.proto_gre.val();
            self.gre_late.d.next = self.beat.val().get_bits::<8>(0) == self.proto_gre.val();
        }
        self.pushed.d.next = self.take.val();
        if self.layer2.one_tag.val() {
            self.moved.next = (self.previous.q.val() << 16_u64) | (self.beat.val() >> 48_u64);
        } else {
            self.moved.next = (self.previous.q.val() << 48_u64) | (self.beat.val() >> 16_u64);
        }
        for i in 0..L2_BEATS {
            if self.awaits[i].q.val() {
                self.raw[i].d.next = self.beat.val();
            }
            self.l2_beats.beats[i].next = self.raw[i].q.val();
        }
        for i in 0..WORDS {
            if self.place[i].q.val() {
                self.window[i].d.next = self.moved.val();
            }
            self.words.beats[i].next = self.window[i].q.val();
        }

        // How the frame of the beat before ended.
        if !self.blocked.val() {
            self.known.d.next = self.has_ended.val();
            self.bad.d.next = self.how.val().bad;
            self.frame.d.next.length = self.how.val().length;
            self.frame.d.next.port = self.chosen_port.val();
        }
        self.credit_s1.d.next = self.credit.val();
        self.issue.next = (self.full.q.val()
            | (self.filled.q.val() & self.known.q.val() & !self.bad.q.val() & !self.issued.q.val()))
            & self.credit_s1.q.val();
        if self.credit_s1.q.val() {
            self.full.d.next = false;
        }
        if self.take_last.val() {
            self.full.d.next = !self.awaits[0].q.val() & !self.how.val().bad & !self.issued.q.val() & !self.issue.val();
        }
        if self.issue.val() {
            self.issued.d.next = true;
        }
        if self.take.val() & self.awaits[0].q.val() {
            self.issued.d.next = false;
        }
        self.waits.d.next = self.blocked.val();
        self.credit_taken.next = self.issue.val();
        self.header_valid_s1.d.next = self.issue.val();

        self.push.next = self.pushed.q.val();
        self.data.next = self.previous.q.val();
        self.last.next = self.previous_last.q.val();
        self.commit.next = self.issue.val() | self.issued.q.val();
        // A frame of one beat is too short, and gone before the word that says so is there.
        self.rollback.next =
            self.yields.val() | (self.known.q.val() & self.bad.q.val()) | (self.was_first.q.val() & self.previous_last.q.val());

        // The header. The window is its own register: it is not written again before the third beat of the next frame.
        self.layer2.kinds.next = self.beat_kinds.val();
        for i in 0..L2_BEATS {
            self.layer2.awaits[i].next = self.awaits[i].q.val();
        }
        self.layer2.l2_beats.next = self.l2_beats.joined.val();
        self.layer2.length.next = self.how.val().length;
        self.layer2.same_length.next = self.blocked.val();
        self.layer2.waits.next = self.waits.q.val();
        // The ninth byte behind IPv4's start is its protocol, the sixth behind IPv6's its next header.
        self.protocol_v4.next = self.window[1].q.val().get_bits::<8>(48);
        self.protocol_v6.next = self.window[0].q.val().get_bits::<8>(8);
        self.is_gre.next = self.protocol_v4.val() == self.proto_gre.val();
        if self.place[1].q.val() {
            self.is_gre.next = self.gre_late.q.val();
            if self.layer2.one_tag.val() {
                self.is_gre.next = self.gre_early.q.val();
            }
        }
        self.length.next = self.frame.q.val().length;
        if !self.waits.q.val() {
            self.frame_s1.d.next = self.frame.q.val();
            self.can_hit_s1.d.next = (self.length.val() & self.above_32.val()).any()
                | ((self.length.val() & self.just_32.val()).any() & (self.length.val() & self.below_32.val()).any());
            self.gre_s1.d.next = self.is_gre.val();
            self.fragment_s1.d.next = false;
            if self.layer2.v6_next.val() {
                self.gre_s1.d.next = self.protocol_v6.val() == self.proto_gre.val();
                self.fragment_s1.d.next = self.protocol_v6.val() == self.fragment_header.val();
            }
        }
        self.header_valid.next = self.header_valid_s1.q.val();
        self.can_hit.next = self.can_hit_s1.q.val();
        self.header.next.window = self.words.joined.val();
        self.header.next.l2 = self.layer2.l2.val();
        self.header.next.ethertype = self.layer2.ethertype.val();
        self.header.next.v6 = self.layer2.v6.val();
        self.header.next.gre = self.gre_s1.q.val();
        self.header.next.fragment_header = self.fragment_s1.q.val();
        self.header.next.pppoe_length = self.layer2.pppoe_length.val();
        self.header.next.encap = self.layer2.encap.val();
        self.header.next.frame = self.frame_s1.q.val();

        if self.reset.val() {
            self.settled.d.next = false;
            self.whole.d.next = false;
            self.pushed.d.next = false;
            self.known.d.next = false;
            self.full.d.next = false;
            self.issued.d.next = false;
            self.waits.d.next = false;
            self.header_valid_s1.d.next = false;
        }
    }
}
