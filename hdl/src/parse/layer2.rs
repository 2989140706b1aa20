//! What layer 2 says about a frame.
//!
//! ```text
//!  l2, ethertype, port -------->+-------------+
//!  promiscuous[], port_mac[] -->| Layer2Check |--> arp, broadcast, multicast, wrong_mac, not_ip
//!                               +-------------+
//! ```
//! Latency [`CHECK_LATENCY`](super::CHECK_LATENCY) clocks, a header a clock. Outputs come from flip-flops and are told all at once;
//! `multicast` includes `broadcast`, `not_ip` includes `arp`.

use std::array;

use fpgaflow_abi::wire;

use crate::prelude::*;
use crate::records::{L2_BITS, PORT_BITS};

/// Bits of an Ethernet address.
const MAC_BITS: usize = 48;
/// The group bit (IEEE 802.3 3.2.3): the lowest of the address's first byte.
const GROUP_BIT: usize = MAC_BITS - 8;

/// Looks at Ethernet destination and EtherType.
#[derive(LogicBlock)]
pub struct Layer2Check<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Layer 2 header, left-aligned.
    pub l2: Signal<In, Bits<L2_BITS>>,
    /// EtherType that says what layer 2 holds.
    pub ethertype: Signal<In, Bits<16>>,
    /// Ingress port.
    pub port: Signal<In, Bits<PORT_BITS>>,
    /// Ports that take frames for any destination.
    pub promiscuous: [Signal<In, Bit>; PORTS],
    /// Address of each port.
    pub port_mac: [Signal<In, Bits<MAC_BITS>>; PORTS],
    /// The EtherType is ARP.
    pub arp: Signal<Out, Bit>,
    /// For everybody.
    pub broadcast: Signal<Out, Bit>,
    /// For a group.
    pub multicast: Signal<Out, Bit>,
    /// For somebody else, and the port minds.
    pub wrong_mac: Signal<Out, Bit>,
    /// The EtherType is not one that is looked up.
    pub not_ip: Signal<Out, Bit>,

    destination: Signal<Local, Bits<MAC_BITS>>,
    arp_s1: DFF<Bit>,
    broadcast_s1: DFF<Bit>,
    multicast_s1: DFF<Bit>,
    not_ip_s1: DFF<Bit>,
    port_s1: DFF<Bits<PORT_BITS>>,
    takes_s1: [DFF<Bit>; PORTS],
    taken: Signal<Local, Bit>,
    arp_s2: DFF<Bit>,
    broadcast_s2: DFF<Bit>,
    multicast_s2: DFF<Bit>,
    wrong_mac_s2: DFF<Bit>,
    not_ip_s2: DFF<Bit>,

    ethertype_arp: Constant<Bits<16>>,
    ethertype_ipv4: Constant<Bits<16>>,
    ethertype_ipv6: Constant<Bits<16>>,
    ports: [Constant<Bits<PORT_BITS>>; PORTS],
}

impl<const PORTS: usize> Default for Layer2Check<PORTS> {
    fn default() -> Self {
        assert!((1..=fpgaflow_abi::MAX_PORTS).contains(&PORTS), "Layer2Check: no engine has {PORTS} ports");
        Self {
            clock: Signal::default(),
            l2: Signal::default(),
            ethertype: Signal::default(),
            port: Signal::default(),
            promiscuous: array::from_fn(|_| Signal::default()),
            port_mac: array::from_fn(|_| Signal::default()),
            arp: Signal::default(),
            broadcast: Signal::default(),
            multicast: Signal::default(),
            wrong_mac: Signal::default(),
            not_ip: Signal::default(),
            destination: Signal::default(),
            arp_s1: DFF::default(),
            broadcast_s1: DFF::default(),
            multicast_s1: DFF::default(),
            not_ip_s1: DFF::default(),
            port_s1: DFF::default(),
            takes_s1: array::from_fn(|_| DFF::default()),
            taken: Signal::default(),
            arp_s2: DFF::default(),
            broadcast_s2: DFF::default(),
            multicast_s2: DFF::default(),
            wrong_mac_s2: DFF::default(),
            not_ip_s2: DFF::default(),
            ethertype_arp: Constant::new(u64::from(wire::ETHERTYPE_ARP).into()),
            ethertype_ipv4: Constant::new(u64::from(wire::ETHERTYPE_IPV4).into()),
            ethertype_ipv6: Constant::new(u64::from(wire::ETHERTYPE_IPV6).into()),
            ports: array::from_fn(|port| Constant::new((port as u64).into())),
        }
    }
}

impl<const PORTS: usize> Logic for Layer2Check<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, arp_s1, broadcast_s1, multicast_s1, not_ip_s1, port_s1);
        dff_setup!(self, clock, arp_s2, broadcast_s2, multicast_s2, wrong_mac_s2, not_ip_s2);

        for at in (L2_BITS - MAC_BITS)..(L2_BITS - MAC_BITS + 1) {
            self.destination.next = self.l2.val().get_bits::<MAC_BITS>(at);
        }
        self.arp_s1.d.next = self.ethertype.val() == self.ethertype_arp.val();
        self.not_ip_s1.d.next =
            (self.ethertype.val() != self.ethertype_ipv4.val()) & (self.ethertype.val() != self.ethertype_ipv6.val());
        self.broadcast_s1.d.next = self.destination.val().all();
        for group in GROUP_BIT..(GROUP_BIT + 1) {
            self.multicast_s1.d.next = self.destination.val().get_bit(group);
        }
        self.port_s1.d.next = self.port.val();
        for i in 0..PORTS {
            self.takes_s1[i].clock.next = self.clock.val();
            self.takes_s1[i].d.next = self.promiscuous[i].val() | (self.destination.val() == self.port_mac[i].val());
        }

        self.taken.next = false;
        for i in 0..PORTS {
            if self.port_s1.q.val() == self.ports[i].val() {
                self.taken.next = self.takes_s1[i].q.val();
            }
        }
        self.arp_s2.d.next = self.arp_s1.q.val();
        self.broadcast_s2.d.next = self.broadcast_s1.q.val();
        self.multicast_s2.d.next = self.multicast_s1.q.val();
        self.wrong_mac_s2.d.next = !self.taken.val();
        self.not_ip_s2.d.next = self.not_ip_s1.q.val();

        self.arp.next = self.arp_s2.q.val();
        self.broadcast.next = self.broadcast_s2.q.val();
        self.multicast.next = self.multicast_s2.q.val();
        self.wrong_mac.next = self.wrong_mac_s2.q.val();
        self.not_ip.next = self.not_ip_s2.q.val();
    }
}
