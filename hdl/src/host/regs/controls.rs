//! Registers that the engine obeys.
//!
//! ```text
//!  write_valid, at, data -->[ Controls ]--> lookup_enable, fragments, fragment_lifetime, hold, hash_secret, rx_enable, promiscuous, tail_drop, port_mac,
//!                                           irq_enable, irq_moderation
//! ```
//! Latency 1 clock. `data` comes masked to the bits that the register has. Reset makes all of them zero.

use std::array;

use fpgaflow_abi::descriptor::VECTORS;
use fpgaflow_abi::hash::SECRET_REGS;
use fpgaflow_abi::regs::{self, FLOW_CTRL_HOLD, FRAGMENT_LIFETIME_BITS};

use super::bank::Bank;
use super::map::AT_BITS;
use crate::prelude::*;

/// Bits of the registers that hold the hash secret.
pub const SECRET_REG_BITS: usize = 32 * SECRET_REGS;
/// Bits of the number of a secret register.
const SECRET_INDEX_BITS: usize = 4;
/// Bits of a register's number above those of a port's registers, and above those of the secret's.
const PREFIX_BITS: usize = AT_BITS - 4;
/// Bits of `FLOW_CTRL`.
const FLOW_CTRL_BITS: usize = (u32::BITS - regs::FLOW_CTRL_MASK.leading_zeros()) as usize;
/// Bits of `PORT_CTRL`.
const PORT_CTRL_BITS: usize = 3;

// The decoding below: both blocks of registers start where a prefix says, a port's block has four registers.
const _: () = assert!((regs::PORT_CTRL / 4).is_multiple_of(16) && (regs::HASH_SECRET / 4).is_multiple_of(16));
const _: () = assert!(regs::port(regs::PORT_CTRL, 1) - regs::PORT_CTRL == 4 * 4 && SECRET_REGS <= 1 << SECRET_INDEX_BITS);

/// The block, for a card with `PORTS` ports.
#[derive(LogicBlock)]
pub struct Controls<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A register is written.
    pub write_valid: Signal<In, Bit>,
    /// Its number.
    pub at: Signal<In, Bits<AT_BITS>>,
    /// With what.
    pub data: Signal<In, Bits<32>>,
    /// `FLOW_CTRL.LOOKUP`.
    pub lookup_enable: Signal<Out, Bit>,
    /// `FLOW_CTRL.HOLD`.
    pub hold: Signal<Out, Bit>,
    /// `FLOW_CTRL.FRAGMENTS`.
    pub fragments: Signal<Out, Bit>,
    /// `FRAGMENT_LIFETIME`.
    pub fragment_lifetime: Signal<Out, Bits<FRAGMENT_LIFETIME_BITS>>,
    /// `HASH_SECRET`, lowest bits first.
    pub hash_secret: Signal<Out, Bits<SECRET_REG_BITS>>,
    /// `PORT_CTRL.RX_ENABLE`, a bit a port.
    pub rx_enable: Signal<Out, Bits<PORTS>>,
    /// `PORT_CTRL.PROMISCUOUS`.
    pub promiscuous: Signal<Out, Bits<PORTS>>,
    /// `PORT_CTRL.TAIL_DROP`.
    pub tail_drop: Signal<Out, Bits<PORTS>>,
    /// `PORT_MAC_HI` and `PORT_MAC_LO`.
    pub port_mac: [Signal<Out, Bits<48>>; PORTS],
    /// `IRQ_ENABLE`.
    pub irq_enable: Signal<Out, Bits<VECTORS>>,
    /// `IRQ_MODERATION`.
    pub irq_moderation: Signal<Out, Bits<32>>,
    flow: DFF<Bits<FLOW_CTRL_BITS>>,
    lifetime: DFF<Bits<FRAGMENT_LIFETIME_BITS>>,
    enable: DFF<Bits<VECTORS>>,
    moderation: DFF<Bits<32>>,
    secret: Bank<SECRET_REG_BITS, SECRET_INDEX_BITS>,
    ctrl: [DFF<Bits<PORT_CTRL_BITS>>; PORTS],
    macs: [Bank<64, 1>; PORTS],
    prefix: Signal<Local, Bits<PREFIX_BITS>>,
    port: Signal<Local, Bits<2>>,
    which: Signal<Local, Bits<2>>,
    is_port: Signal<Local, Bit>,
    rx: Signal<Local, Bits<PORTS>>,
    every: Signal<Local, Bits<PORTS>>,
    drops: Signal<Local, Bits<PORTS>>,
    at_flow: Constant<Bits<AT_BITS>>,
    at_lifetime: Constant<Bits<AT_BITS>>,
    at_enable: Constant<Bits<AT_BITS>>,
    at_moderation: Constant<Bits<AT_BITS>>,
    port_prefix: Constant<Bits<PREFIX_BITS>>,
    secret_prefix: Constant<Bits<PREFIX_BITS>>,
    numbers: [Constant<Bits<2>>; PORTS],
    which_ctrl: Constant<Bits<2>>,
    which_mac_low: Constant<Bits<2>>,
    which_mac_high: Constant<Bits<2>>,
    low: Constant<Bits<1>>,
    high: Constant<Bits<1>>,
}

impl<const PORTS: usize> Default for Controls<PORTS> {
    fn default() -> Self {
        let at = |offset: u32| Constant::new(u64::from(offset / 4).into());
        let prefix = |offset: u32| Constant::new(u64::from(offset / 4 / 16).into());
        let which = |offset: u32| Constant::new(u64::from((offset - regs::PORT_CTRL) / 4).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            write_valid: Signal::default(),
            at: Signal::default(),
            data: Signal::default(),
            lookup_enable: Signal::default(),
            hold: Signal::default(),
            fragments: Signal::default(),
            fragment_lifetime: Signal::default(),
            hash_secret: Signal::default(),
            rx_enable: Signal::default(),
            promiscuous: Signal::default(),
            tail_drop: Signal::default(),
            port_mac: array::from_fn(|_| Signal::default()),
            irq_enable: Signal::default(),
            irq_moderation: Signal::default(),
            flow: DFF::default(),
            lifetime: DFF::default(),
            enable: DFF::default(),
            moderation: DFF::default(),
            secret: Bank::default(),
            ctrl: array::from_fn(|_| DFF::default()),
            macs: array::from_fn(|_| Bank::default()),
            prefix: Signal::default(),
            port: Signal::default(),
            which: Signal::default(),
            is_port: Signal::default(),
            rx: Signal::default(),
            every: Signal::default(),
            drops: Signal::default(),
            at_flow: at(regs::FLOW_CTRL),
            at_lifetime: at(regs::FRAGMENT_LIFETIME),
            at_enable: at(regs::IRQ_ENABLE),
            at_moderation: at(regs::IRQ_MODERATION),
            port_prefix: prefix(regs::PORT_CTRL),
            secret_prefix: prefix(regs::HASH_SECRET),
            numbers: array::from_fn(|i| Constant::new((i as u64).into())),
            which_ctrl: which(regs::PORT_CTRL),
            which_mac_low: which(regs::PORT_MAC_LO),
            which_mac_high: which(regs::PORT_MAC_HI),
            low: Constant::new(0_u64.into()),
            high: Constant::new(1_u64.into()),
        }
    }
}

impl<const PORTS: usize> Logic for Controls<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, flow, lifetime, enable, moderation);
        self.secret.clock.next = self.clock.val();
        self.secret.reset.next = self.reset.val();
        self.prefix.next = self.at.val().get_bits::<PREFIX_BITS>(4);
        self.port.next = self.at.val().get_bits::<2>(2);
        self.which.next = self.at.val().get_bits::<2>(0);

        if self.write_valid.val() & (self.at.val() == self.at_flow.val()) {
            self.flow.d.next = self.data.val().get_bits::<FLOW_CTRL_BITS>(0);
        }
        if self.write_valid.val() & (self.at.val() == self.at_lifetime.val()) {
            self.lifetime.d.next = self.data.val().get_bits::<FRAGMENT_LIFETIME_BITS>(0);
        }
        if self.write_valid.val() & (self.at.val() == self.at_enable.val()) {
            self.enable.d.next = self.data.val().get_bits::<VECTORS>(0);
        }
        if self.write_valid.val() & (self.at.val() == self.at_moderation.val()) {
            self.moderation.d.next = self.data.val();
        }
        self.secret.wen.next = self.write_valid.val() & (self.prefix.val() == self.secret_prefix.val());
        self.secret.index.next = self.at.val().get_bits::<SECRET_INDEX_BITS>(0);
        self.secret.wdata.next = self.data.val();
        self.is_port.next = self.write_valid.val() & (self.prefix.val() == self.port_prefix.val());
        self.rx.next = 0.into();
        self.every.next = 0.into();
        self.drops.next = 0.into();
        for p in 0..PORTS {
            self.ctrl[p].clock.next = self.clock.val();
            self.ctrl[p].d.next = self.ctrl[p].q.val();
            if self.is_port.val() & (self.port.val() == self.numbers[p].val()) & (self.which.val() == self.which_ctrl.val()) {
                self.ctrl[p].d.next = self.data.val().get_bits::<PORT_CTRL_BITS>(0);
            }
            self.macs[p].clock.next = self.clock.val();
            self.macs[p].reset.next = self.reset.val();
            self.macs[p].wen.next = self.is_port.val()
                & (self.port.val() == self.numbers[p].val())
                & ((self.which.val() == self.which_mac_low.val()) | (self.which.val() == self.which_mac_high.val()));
            self.macs[p].index.next = self.low.val();
            if self.which.val() == self.which_mac_high.val() {
                self.macs[p].index.next = self.high.val();
            }
            self.macs[p].wdata.next = self.data.val();
            self.port_mac[p].next = self.macs[p].words.val().get_bits::<48>(0);
            if self.ctrl[p].q.val().get_bit(0) {
                self.rx.next = self.rx.val().replace_bit(p, true);
            }
            if self.ctrl[p].q.val().get_bit(1) {
                self.every.next = self.every.val().replace_bit(p, true);
            }
            if self.ctrl[p].q.val().get_bit(2) {
                self.drops.next = self.drops.val().replace_bit(p, true);
            }
            if self.reset.val() {
                self.ctrl[p].d.next = 0.into();
            }
        }
        self.lookup_enable.next = self.flow.q.val().get_bit(0);
        self.fragments.next = self.flow.q.val().get_bit(1);
        self.fragment_lifetime.next = self.lifetime.q.val();
        for place in FLOW_CTRL_HOLD.lsb..(FLOW_CTRL_HOLD.lsb + 1) {
            self.hold.next = self.flow.q.val().get_bit(place);
        }
        self.hash_secret.next = self.secret.words.val();
        self.rx_enable.next = self.rx.val();
        self.promiscuous.next = self.every.val();
        self.tail_drop.next = self.drops.val();
        self.irq_enable.next = self.enable.q.val();
        self.irq_moderation.next = self.moderation.q.val();
        if self.reset.val() {
            self.flow.d.next = 0.into();
            self.lifetime.d.next = 0.into();
            self.enable.d.next = 0.into();
            self.moderation.d.next = 0.into();
        }
    }
}
