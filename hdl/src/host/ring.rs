//! Registers and life of one ring.
//!
//! ```text
//!  write_valid, offset, write_data -->[      ]--> base, size_bits, producer, consumer
//!  card_step, idle ------------------>[ Ring ]--> running, off, card_count, told, used
//! ```
//! A write is applied 1 clock after its pulse; `running` follows a written `RING_CTRL.ENABLE` 1 clock later.
//!
//! # Contract
//! - Off: both counters are zero and nobody touches the ring. On when `ENABLE` is written as 1.
//! - Running: the host's counter is what the host writes, the card's goes up by one with each `card_step`.
//! - Stopping, from `ENABLE` written as 0 until `idle` has been high for [`QUIET_CLOCKS`] clocks: no descriptor is begun. Then off.
//! - `told` says that the host's counter was written since the ring was on: it is what was written, or else zero.
//! - `used` is what `RING_CTRL` reads as: enabled until the card has let go of the ring and of its buffers.

use fpgaflow_abi::descriptor;
use fpgaflow_abi::regs;

use crate::prelude::*;

/// Clocks without work after which a stopping ring is off: longer than a descriptor is on its way between two blocks.
pub const QUIET_CLOCKS: u64 = 7;
/// Distance of two registers, in bytes.
const WORD: u32 = 4;

/// States of a ring.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
pub enum Life {
    /// Not used.
    Off,
    /// Used.
    Running,
    /// The host wants it off, the card still works on it.
    Stopping,
}

/// One ring.
#[derive(LogicBlock)]
pub struct Ring {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A register of this ring is written.
    pub write_valid: Signal<In, Bit>,
    /// Which: words from the start of the ring's block.
    pub offset: Signal<In, Bits<3>>,
    /// With what, masked to the bits that the register has.
    pub write_data: Signal<In, Bits<32>>,
    /// The card's counter goes up.
    pub card_step: Signal<In, Bit>,
    /// No descriptor is in progress and no access to the ring or its buffers is under way.
    pub idle: Signal<In, Bit>,
    /// Host address.
    pub base: Signal<Out, Bits<64>>,
    /// Descriptors, as a power of two.
    pub size_bits: Signal<Out, Bits<4>>,
    /// `RING_PRODUCER`.
    pub producer: Signal<Out, Bits<32>>,
    /// `RING_CONSUMER`.
    pub consumer: Signal<Out, Bits<32>>,
    /// Descriptors may be begun.
    pub running: Signal<Out, Bit>,
    /// Whoever works on the ring starts from the beginning.
    pub off: Signal<Out, Bit>,
    /// The card's counter, whichever it is.
    pub card_count: Signal<Out, Bits<32>>,
    /// The host's counter was written.
    pub told: Signal<Out, Bit>,
    /// `RING_CTRL.ENABLE` as it reads.
    pub used: Signal<Out, Bit>,
    base_low: DFF<Bits<32>>,
    base_high: DFF<Bits<32>>,
    size: DFF<Bits<4>>,
    wanted: DFF<Bit>,
    life: DFF<Life>,
    quiet: DFF<Bits<3>>,
    host_counter: DFF<Bits<32>>,
    host_told: DFF<Bit>,
    card_counter: DFF<Bits<32>>,
    /// The card produces into the ring: the completion ring.
    card_produces: Constant<Bit>,
    at_base_low: Constant<Bits<3>>,
    at_base_high: Constant<Bits<3>>,
    at_size: Constant<Bits<3>>,
    at_ctrl: Constant<Bits<3>>,
    at_host_counter: Constant<Bits<3>>,
    quiet_clocks: Constant<Bits<3>>,
    one: Constant<Bits<32>>,
    one_clock: Constant<Bits<3>>,
}

impl Ring {
    /// The ring `ring`.
    pub fn new(ring: descriptor::Ring) -> Self {
        let at = |register: u32| Constant::new(u64::from((register - regs::RING_BASE_LO) / WORD).into());
        let card_produces = ring == descriptor::Ring::Completion;
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            write_valid: Signal::default(),
            offset: Signal::default(),
            write_data: Signal::default(),
            card_step: Signal::default(),
            idle: Signal::default(),
            base: Signal::default(),
            size_bits: Signal::default(),
            producer: Signal::default(),
            consumer: Signal::default(),
            running: Signal::default(),
            off: Signal::default(),
            card_count: Signal::default(),
            told: Signal::default(),
            used: Signal::default(),
            base_low: DFF::default(),
            base_high: DFF::default(),
            size: DFF::default(),
            wanted: DFF::default(),
            life: DFF::default(),
            quiet: DFF::default(),
            host_counter: DFF::default(),
            host_told: DFF::default(),
            card_counter: DFF::default(),
            card_produces: Constant::new(card_produces),
            at_base_low: at(regs::RING_BASE_LO),
            at_base_high: at(regs::RING_BASE_HI),
            at_size: at(regs::RING_SIZE),
            at_ctrl: at(regs::RING_CTRL),
            at_host_counter: at(if card_produces { regs::RING_CONSUMER } else { regs::RING_PRODUCER }),
            quiet_clocks: Constant::new(QUIET_CLOCKS.into()),
            one: Constant::new(1_u64.into()),
            one_clock: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for Ring {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, base_low, base_high, size, wanted, life, quiet, host_counter, host_told, card_counter);
        if self.write_valid.val() & (self.offset.val() == self.at_base_low.val()) {
            self.base_low.d.next = self.write_data.val();
        }
        if self.write_valid.val() & (self.offset.val() == self.at_base_high.val()) {
            self.base_high.d.next = self.write_data.val();
        }
        if self.write_valid.val() & (self.offset.val() == self.at_size.val()) {
            self.size.d.next = self.write_data.val().get_bits::<4>(0);
        }
        if self.write_valid.val() & (self.offset.val() == self.at_ctrl.val()) {
            self.wanted.d.next = self.write_data.val().get_bit(0);
        }
        if self.write_valid.val() & (self.offset.val() == self.at_host_counter.val()) {
            self.host_counter.d.next = self.write_data.val();
            self.host_told.d.next = true;
        }
        if self.card_step.val() {
            self.card_counter.d.next = self.card_counter.q.val() + self.one.val();
        }
        self.quiet.d.next = 0.into();
        match self.life.q.val() {
            Life::Off => {
                self.host_counter.d.next = 0.into();
                self.host_told.d.next = false;
                self.card_counter.d.next = 0.into();
                if self.wanted.q.val() {
                    self.life.d.next = Life::Running;
                }
            }
            Life::Running => {
                if !self.wanted.q.val() {
                    self.life.d.next = Life::Stopping;
                }
            }
            Life::Stopping => {
                if self.idle.val() {
                    self.quiet.d.next = self.quiet.q.val() + self.one_clock.val();
                }
                if self.quiet.q.val() == self.quiet_clocks.val() {
                    self.life.d.next = Life::Off;
                }
            }
            _ => {
                self.life.d.next = Life::Off;
            }
        }
        self.base.next = bit_cast::<64, 32>(self.base_low.q.val()) | (bit_cast::<64, 32>(self.base_high.q.val()) << 32);
        self.size_bits.next = self.size.q.val();
        self.producer.next = self.host_counter.q.val();
        self.consumer.next = self.card_counter.q.val();
        if self.card_produces.val() {
            self.producer.next = self.card_counter.q.val();
            self.consumer.next = self.host_counter.q.val();
        }
        self.running.next = (self.life.q.val() == Life::Running) & self.wanted.q.val();
        self.off.next = self.life.q.val() == Life::Off;
        self.card_count.next = self.card_counter.q.val();
        self.told.next = self.host_told.q.val();
        self.used.next = self.wanted.q.val() | (self.life.q.val() != Life::Off);
        if self.reset.val() {
            self.base_low.d.next = 0.into();
            self.base_high.d.next = 0.into();
            self.size.d.next = 0.into();
            self.wanted.d.next = false;
            self.life.d.next = Life::Off;
            self.host_counter.d.next = 0.into();
            self.host_told.d.next = false;
            self.card_counter.d.next = 0.into();
        }
    }
}
