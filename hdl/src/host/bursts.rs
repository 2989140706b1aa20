//! Cuts a transfer into bursts that end at 128-byte boundaries, so that none crosses 4 KiB.
//!
//! ```text
//!                        +--------+
//!   start, address, last |        |--> m_axis (Burst)
//!                        | Bursts |--> busy
//!                        +--------+
//! ```
//! Latency 2 clocks from `start` to the first burst, then one burst a clock. `last` is the number of
//! the transfer's last beat, from 0; `start` only while `busy` is low. `busy` falls when the last burst has been taken.
//!
//! 128 bytes is the payload that every PCIe link takes in one packet.

#![allow(missing_docs, reason = "the derive of rust-hdl writes public methods without a word; every item of ours has one")]

use crate::prelude::*;

/// Longest burst.
pub const BURST_BEATS: usize = 16;
/// Bits of a beat's place between two boundaries.
const PLACE_BITS: usize = BURST_BEATS.ilog2() as usize;
/// Bits of an address below a boundary.
const LOW_BITS: usize = PLACE_BITS + 3;
/// Bits of an address above.
const HIGH_BITS: usize = 64 - LOW_BITS;

/// One piece of a transfer.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
pub struct Burst {
    /// Where it starts.
    pub address: Bits<64>,
    /// Its beats, less one.
    pub beats: Bits<8>,
    /// Last piece of the transfer.
    pub closing: Bit,
}

/// Cuts transfers of up to `2^N` beats; `B` must be `N - 3`. `N` is more than 4.
#[derive(LogicBlock)]
pub struct Bursts<const N: usize, const B: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the transfer.
    pub reset: Signal<In, Bit>,
    /// Begin a transfer.
    pub start: Signal<In, Bit>,
    /// Where it starts; the lowest three bits are taken as zero.
    pub address: Signal<In, Bits<64>>,
    /// Its beats of 8 bytes, less one.
    pub last: Signal<In, Bits<N>>,
    /// A transfer is being cut.
    pub busy: Signal<Out, Bit>,
    /// The pieces.
    pub m_axis: StreamSource<Burst>,
    // Where the transfer starts; from the second burst on `place` is 0.
    base: DFF<Bits<HIGH_BITS>>,
    place: DFF<Bits<PLACE_BITS>>,
    // Blocks of the longest burst's size: that of the next burst, from the first one's, and that of the last beat, with its place in it.
    block: DFF<Bits<B>>,
    last_block: DFF<Bits<B>>,
    last_place: DFF<Bits<PLACE_BITS>>,
    last_at: Signal<Local, Bits<32>>,
    cutting: DFF<Bit>,
    burst_valid: DFF<Bit>,
    burst_high: DFF<Bits<HIGH_BITS>>,
    burst_place: DFF<Bits<PLACE_BITS>>,
    burst_beats: DFF<Bits<PLACE_BITS>>,
    burst_closing: DFF<Bit>,
    closes: Signal<Local, Bit>,
    ends_at: Signal<Local, Bits<PLACE_BITS>>,
    one_block: Constant<Bits<B>>,
    block_end: Constant<Bits<PLACE_BITS>>,
}

impl<const N: usize, const B: usize> Default for Bursts<N, B> {
    fn default() -> Self {
        assert!(PLACE_BITS < N && N < 32 && B + PLACE_BITS == N + 1, "Bursts: {N} bits of beats, {B} of blocks");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            start: Signal::default(),
            address: Signal::default(),
            last: Signal::default(),
            busy: Signal::default(),
            m_axis: StreamSource::default(),
            base: DFF::default(),
            place: DFF::default(),
            block: DFF::default(),
            last_block: DFF::default(),
            last_place: DFF::default(),
            last_at: Signal::default(),
            cutting: DFF::default(),
            burst_valid: DFF::default(),
            burst_high: DFF::default(),
            burst_place: DFF::default(),
            burst_beats: DFF::default(),
            burst_closing: DFF::default(),
            closes: Signal::default(),
            ends_at: Signal::default(),
            one_block: Constant::new(1_u64.into()),
            block_end: Constant::new((BURST_BEATS as u64 - 1).into()),
        }
    }
}

impl<const N: usize, const B: usize> Logic for Bursts<N, B> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, base, place, block, last_block, last_place, cutting);
        dff_setup!(self, clock, burst_valid, burst_high, burst_place, burst_beats, burst_closing);
        self.closes.next = self.block.q.val() == self.last_block.q.val();
        self.ends_at.next = self.block_end.val();
        if self.closes.val() {
            self.ends_at.next = self.last_place.q.val();
        }
        for at in (LOW_BITS as u64)..(LOW_BITS as u64 + 1) {
            self.m_axis.data.next.address = (bit_cast::<64, HIGH_BITS>(self.burst_high.q.val()) << at)
                | (bit_cast::<64, PLACE_BITS>(self.burst_place.q.val()) << 3);
        }
        self.m_axis.data.next.beats = bit_cast::<8, PLACE_BITS>(self.burst_beats.q.val());
        self.m_axis.data.next.closing = self.burst_closing.q.val();
        self.m_axis.valid.next = self.burst_valid.q.val();
        self.busy.next = self.cutting.q.val() | self.burst_valid.q.val();
        if self.m_axis.ready.val() | !self.burst_valid.q.val() {
            self.burst_valid.d.next = self.cutting.q.val();
            self.burst_high.d.next = self.base.q.val() + bit_cast::<HIGH_BITS, B>(self.block.q.val());
            self.burst_place.d.next = self.place.q.val();
            self.burst_beats.d.next = self.ends_at.val() - self.place.q.val();
            self.burst_closing.d.next = self.closes.val();
            if self.cutting.q.val() {
                self.cutting.d.next = !self.closes.val();
                self.block.d.next = self.block.q.val() + self.one_block.val();
                self.place.d.next = 0.into();
            }
        }
        self.last_at.next =
            bit_cast::<32, PLACE_BITS>(self.address.val().get_bits::<PLACE_BITS>(3)) + bit_cast::<32, N>(self.last.val());
        if self.start.val() {
            self.cutting.d.next = true;
            self.block.d.next = 0.into();
            self.place.d.next = self.address.val().get_bits::<PLACE_BITS>(3);
            self.last_place.d.next = self.last_at.val().get_bits::<PLACE_BITS>(0);
            for at in PLACE_BITS..(PLACE_BITS + 1) {
                self.last_block.d.next = self.last_at.val().get_bits::<B>(at);
            }
            for at in LOW_BITS..(LOW_BITS + 1) {
                self.base.d.next = self.address.val().get_bits::<HIGH_BITS>(at);
            }
        }
        if self.reset.val() {
            self.cutting.d.next = false;
            self.burst_valid.d.next = false;
        }
    }
}
