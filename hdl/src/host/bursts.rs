//! Cuts a transfer into bursts that end at 128-byte boundaries, so that none crosses 4 KiB.
//!
//! ```text
//!                        +--------+
//!  start, address, beats |        |--> m_axis (Burst)
//!                        | Bursts |--> busy
//!                        +--------+
//! ```
//! Latency 2 clocks from `start` to the first burst, then one burst a clock. `beats` is at least 1 and `address` 8-byte aligned;
//! `start` only while `busy` is low. `busy` falls when the last burst has been taken.
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

/// Cuts transfers of up to `2^N - 1` beats. `N` is more than 6.
#[derive(LogicBlock)]
pub struct Bursts<const N: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets the transfer.
    pub reset: Signal<In, Bit>,
    /// Begin a transfer.
    pub start: Signal<In, Bit>,
    /// Where it starts; the lowest three bits are taken as zero.
    pub address: Signal<In, Bits<64>>,
    /// How many beats of 8 bytes.
    pub beats: Signal<In, Bits<N>>,
    /// A transfer is being cut.
    pub busy: Signal<Out, Bit>,
    /// The pieces.
    pub m_axis: StreamSource<Burst>,
    high: DFF<Bits<HIGH_BITS>>,
    place: DFF<Bits<PLACE_BITS>>,
    left: DFF<Bits<N>>,
    cutting: DFF<Bit>,
    burst: DFF<Burst>,
    burst_valid: DFF<Bit>,
    room: Signal<Local, Bits<8>>,
    take: Signal<Local, Bits<8>>,
    fits: Signal<Local, Bit>,
    most: Constant<Bits<8>>,
    one: Constant<Bits<8>>,
    next_block: Constant<Bits<HIGH_BITS>>,
}

impl<const N: usize> Default for Bursts<N> {
    fn default() -> Self {
        assert!((1 << N) > 2 * BURST_BEATS, "Bursts: {N} bits do not hold two bursts");
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            start: Signal::default(),
            address: Signal::default(),
            beats: Signal::default(),
            busy: Signal::default(),
            m_axis: StreamSource::default(),
            high: DFF::default(),
            place: DFF::default(),
            left: DFF::default(),
            cutting: DFF::default(),
            burst: DFF::default(),
            burst_valid: DFF::default(),
            room: Signal::default(),
            take: Signal::default(),
            fits: Signal::default(),
            most: Constant::new((BURST_BEATS as u64).into()),
            one: Constant::new(1_u64.into()),
            next_block: Constant::new(1_u64.into()),
        }
    }
}

impl<const N: usize> Logic for Bursts<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, high, place, left, cutting, burst, burst_valid);
        self.room.next = self.most.val() - bit_cast::<8, PLACE_BITS>(self.place.q.val());
        self.fits.next = self.left.q.val() <= bit_cast::<N, 8>(self.room.val());
        self.take.next = self.room.val();
        if self.fits.val() {
            self.take.next = bit_cast::<8, N>(self.left.q.val());
        }
        self.m_axis.data.next = self.burst.q.val();
        self.m_axis.valid.next = self.burst_valid.q.val();
        self.busy.next = self.cutting.q.val() | self.burst_valid.q.val();
        if self.m_axis.ready.val() | !self.burst_valid.q.val() {
            self.burst_valid.d.next = self.cutting.q.val();
            for at in (LOW_BITS as u64)..(LOW_BITS as u64 + 1) {
                self.burst.d.next.address =
                    (bit_cast::<64, HIGH_BITS>(self.high.q.val()) << at) | (bit_cast::<64, PLACE_BITS>(self.place.q.val()) << 3);
            }
            self.burst.d.next.beats = self.take.val() - self.one.val();
            self.burst.d.next.closing = self.fits.val();
            if self.cutting.q.val() {
                self.cutting.d.next = !self.fits.val();
                self.left.d.next = self.left.q.val() - bit_cast::<N, 8>(self.take.val());
                self.place.d.next = 0.into();
                self.high.d.next = self.high.q.val() + self.next_block.val();
            }
        }
        if self.start.val() {
            self.cutting.d.next = true;
            self.left.d.next = self.beats.val();
            self.place.d.next = self.address.val().get_bits::<PLACE_BITS>(3);
            for at in LOW_BITS..(LOW_BITS + 1) {
                self.high.d.next = self.address.val().get_bits::<HIGH_BITS>(at);
            }
        }
        if self.reset.val() {
            self.cutting.d.next = false;
            self.burst_valid.d.next = false;
        }
    }
}
