//! Takes one frame descriptor at a time from [`Fetch`](super::fetch::Fetch) and holds it.
//!
//! ```text
//!  word_valid, word, place, done, status -->[            ]--> held, status_held, port, complete, cookie, length, iova
//!  running, let_go ----------------------->[ FrameTaker ]--> wanted, idle
//! ```
//! Latency 1 clock from `done` to `held`. `wanted` again 1 clock after `let_go`.
//!
//! # Contract
//! - The fields stay while `held` is high, until `let_go`. A ring that stops takes none; one that is held stays, its holder decides.
//! - A descriptor of another kind than this ring's has status `BadOpcode`.

use fpgaflow_abi::descriptor::{FrameKind, PAYLOAD_AT, Status};

use crate::host::types::STATUS_BITS;
use crate::prelude::*;

/// The block.
#[derive(LogicBlock)]
pub struct FrameTaker {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// Descriptors may be begun.
    pub running: Signal<In, Bit>,
    /// A word of the ring's next descriptor.
    pub word_valid: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<64>>,
    /// Which word it is.
    pub place: Signal<In, Bits<3>>,
    /// The descriptor is complete.
    pub done: Signal<In, Bit>,
    /// What is wrong with it.
    pub status: Signal<In, Bits<STATUS_BITS>>,
    /// The held one is done with.
    pub let_go: Signal<In, Bit>,
    /// There is room for one.
    pub wanted: Signal<Out, Bit>,
    /// None is here or coming.
    pub idle: Signal<Out, Bit>,
    /// One is here.
    pub held: Signal<Out, Bit>,
    /// What is wrong with it.
    pub status_held: Signal<Out, Bits<STATUS_BITS>>,
    /// `FrameHead::port`.
    pub port: Signal<Out, Bits<8>>,
    /// `FLAG_COMPLETE`.
    pub complete: Signal<Out, Bit>,
    /// `FrameHead::cookie`.
    pub cookie: Signal<Out, Bits<32>>,
    /// `FrameDescriptor::length`.
    pub length: Signal<Out, Bits<32>>,
    /// `FrameDescriptor::iova`.
    pub iova: Signal<Out, Bits<64>>,
    coming: DFF<Bit>,
    here: DFF<Bit>,
    status_q: DFF<Bits<STATUS_BITS>>,
    head: DFF<Bits<64>>,
    kind: Constant<Bits<8>>,
    length_q: DFF<Bits<32>>,
    iova_q: DFF<Bits<64>>,
    word_head: Constant<Bits<3>>,
    word_length: Constant<Bits<3>>,
    word_iova: Constant<Bits<3>>,
    bad_opcode: Constant<Bits<STATUS_BITS>>,
}

impl FrameTaker {
    /// For the ring whose descriptors are of `kind`.
    pub fn new(kind: FrameKind) -> Self {
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            running: Signal::default(),
            word_valid: Signal::default(),
            word: Signal::default(),
            place: Signal::default(),
            done: Signal::default(),
            status: Signal::default(),
            let_go: Signal::default(),
            wanted: Signal::default(),
            idle: Signal::default(),
            held: Signal::default(),
            status_held: Signal::default(),
            port: Signal::default(),
            complete: Signal::default(),
            cookie: Signal::default(),
            length: Signal::default(),
            iova: Signal::default(),
            coming: DFF::default(),
            here: DFF::default(),
            status_q: DFF::default(),
            head: DFF::default(),
            kind: Constant::new((kind as u64).into()),
            length_q: DFF::default(),
            iova_q: DFF::default(),
            word_head: Constant::new(0_u64.into()),
            word_length: Constant::new(1_u64.into()),
            word_iova: Constant::new((PAYLOAD_AT as u64).into()),
            bad_opcode: Constant::new((Status::BadOpcode as u64).into()),
        }
    }
}

impl Logic for FrameTaker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, coming, here, status_q, head, length_q, iova_q);
        if self.word_valid.val() {
            self.coming.d.next = true;
            if self.place.val() == self.word_head.val() {
                self.head.d.next = self.word.val();
            }
            if self.place.val() == self.word_length.val() {
                self.length_q.d.next = self.word.val().get_bits::<32>(0);
            }
            if self.place.val() == self.word_iova.val() {
                self.iova_q.d.next = self.word.val();
            }
        }
        if self.done.val() {
            self.coming.d.next = false;
            self.here.d.next = true;
            self.status_q.d.next = self.status.val();
            if !self.status.val().any() & (self.head.q.val().get_bits::<8>(0) != self.kind.val()) {
                self.status_q.d.next = self.bad_opcode.val();
            }
        }
        if self.let_go.val() {
            self.here.d.next = false;
        }
        self.wanted.next = self.running.val() & !self.coming.q.val() & !self.here.q.val();
        self.idle.next = !self.coming.q.val() & !self.here.q.val();
        self.held.next = self.here.q.val();
        self.status_held.next = self.status_q.q.val();
        self.port.next = self.head.q.val().get_bits::<8>(8);
        self.complete.next = self.head.q.val().get_bit(16);
        self.cookie.next = self.head.q.val().get_bits::<32>(32);
        self.length.next = self.length_q.q.val();
        self.iova.next = self.iova_q.q.val();
        if self.reset.val() {
            self.coming.d.next = false;
            self.here.d.next = false;
        }
    }
}
