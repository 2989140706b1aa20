//! The verdict on every packet.
//!
//! ```text
//!                               +--------------+
//!  action_valid, action,        | VerdictStage |--> verdict_valid, verdict
//!                parsed ------->|              |--> count_valid, count_entry, count_bytes
//!  write_valid, write --------->|              |--> bad_next_hop_valid, bad_next_hop
//!                               +--------------+
//! ```
//! Latency [`LATENCY`] clocks, one packet a clock, no stall. All outputs come from flip-flops. At [`Pace::Seldom`] the next packet comes [`LATENCY`] clocks
//! behind one that has no reason of the parser's, or later, and none in consecutive clocks: what waits for the verdict does so in one register.
//!
//! # Contract
//! - The verdict's reason is the parser's if it found one, which makes the action meaningless, else the first that applies of `fragment` (the
//!   action's role is `lost`, or `follows` in a row whose datagram did not begin with a forwarded packet), `parity` (no hit beside a bad row, or a
//!   bad next hop), `miss`, `no_next_hop`, `host_addressed`, `tcp_flags`, `ttl` (0 or 1), `mtu` (`ip_length` above the next hop's), else 0:
//!   forwarded.
//! - `frame`, `reason` and `hit` are defined in every verdict, `entry` when `hit` is set, the rest when the packet is forwarded, but for
//!   `l3_checksum` of IPv6, which has none, and `l4_checksum` of GRE, whose own the card leaves alone.
//! - A packet that `opens` a row decides for all that follow in that row, from the packet behind it on. A packet punted as `fragment` has no `hit`.
//! - A forwarded packet is counted once, in the clock of its verdict; a punt never.
//! - A next hop that a hit needs and whose parity is wrong is told of in the clock of the verdict.
//! - A next-hop write counts for the packets whose action is given in its clock or later, at [`Pace::Seldom`] for those behind its clock.

use std::array;

use fpgaflow_abi::checksum::TTL_DELTA;
use fpgaflow_abi::entry::NEXT_HOP_BITS;
use fpgaflow_abi::fragment::ROW_BITS;
use fpgaflow_abi::key;
use fpgaflow_abi::next_hop::{DST_MAC, EGRESS, ENCAP, HOST_PORT, MTU, NEXT_HOP_ROW_BITS, SRC_MAC};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::ENTRY_REF_BITS;

use super::checksum::ChecksumUpdate;
use super::next_hops::{self, NextHops};
use super::{LATENCY, NEXT_HOP_READ};
use crate::fragment::Outcomes;
use crate::prelude::*;
use crate::prim::Pace;
use crate::records::{
    ADDRESS_BITS, DatagramRole, FlowAction, FrameInfo, LENGTH_BITS, PORT_BITS, Parsed, REASON_BITS, TableWrite, Verdict,
};
use crate::table::RingDelay;

const MAC_BITS: usize = SRC_MAC.width;
const ENCAP_BITS: usize = key::ENCAP.width;

const _: () = assert!(NEXT_HOP_READ == 0 && next_hops::LATENCY == 2 && LATENCY == 4, "stages in names below");
const _: () = assert!(EGRESS.width == PORT_BITS && MTU.width == LENGTH_BITS && ENCAP.width == ENCAP_BITS);

/// What every packet's verdict takes over.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Told {
    frame: FrameInfo,
    hit: Bit,
}

/// What a forwarded packet's verdict takes over from its action and headers, and `entry` that of a hit.
#[derive(Copy, Clone, Debug, Default, PartialEq, LogicStruct)]
struct Carried {
    ip_length: Bits<LENGTH_BITS>,
    entry: Bits<ENTRY_REF_BITS>,
    src: Bits<ADDRESS_BITS>,
    dst: Bits<ADDRESS_BITS>,
    sport: Bits<16>,
    dport: Bits<16>,
    ttl: Bits<8>,
    v6: Bit,
    udp: Bit,
    gre: Bit,
    fragment_header: Bit,
}

/// Next hops (`2^NW` of them), checks and checksums; `2^RB` datagrams whose fragments follow.
#[derive(LogicBlock)]
pub struct VerdictStage<const NW: usize, const RB: usize = ROW_BITS> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high; forgets packets on their way, leaves next hops alone.
    pub reset: Signal<In, Bit>,
    /// There is a packet in this clock.
    pub action_valid: Signal<In, Bit>,
    /// The flow table's answer.
    pub action: Signal<In, FlowAction>,
    /// The packet's headers.
    pub parsed: Signal<In, Parsed>,
    /// There is a table write in this clock.
    pub write_valid: Signal<In, Bit>,
    /// The write; ignored unless it is of a next hop.
    pub write: Signal<In, TableWrite>,
    /// There is a verdict in this clock.
    pub verdict_valid: Signal<Out, Bit>,
    /// The verdict.
    pub verdict: Signal<Out, Verdict>,
    /// Count a forwarded packet in this clock.
    pub count_valid: Signal<Out, Bit>,
    /// Its entry.
    pub count_entry: Signal<Out, Bits<ENTRY_REF_BITS>>,
    /// Bytes of its IP packet.
    pub count_bytes: Signal<Out, Bits<LENGTH_BITS>>,
    /// The next hop of this clock's verdict is bad.
    pub bad_next_hop_valid: Signal<Out, Bit>,
    /// Which one.
    pub bad_next_hop: Signal<Out, Bits<NEXT_HOP_BITS>>,

    parity: Constant<Bits<REASON_BITS>>,
    fragment: Constant<Bits<REASON_BITS>>,
    miss: Constant<Bits<REASON_BITS>>,
    no_next_hop: Constant<Bits<REASON_BITS>>,
    host_addressed: Constant<Bits<REASON_BITS>>,
    tcp_flags: Constant<Bits<REASON_BITS>>,
    ttl_spent: Constant<Bits<REASON_BITS>>,
    mtu_exceeded: Constant<Bits<REASON_BITS>>,
    host_port: Constant<Bits<PORT_BITS>>,
    one_hop: Constant<Bits<8>>,

    valid: [DFF<Bit>; LATENCY],
    // 0: what needs no next hop.
    reason_s0: Signal<Local, Bits<REASON_BITS>>,
    hit_s0: Signal<Local, Bit>,
    ttl_s0: Signal<Local, Bits<8>>,
    told_s0: Signal<Local, Told>,
    told_s4: Delay<Told, LATENCY>,
    told: Signal<Local, Told>,
    // A place for every packet, or one for all when the next comes behind the verdict.
    carried_s0: Signal<Local, Carried>,
    carried_s4: RingDelay<Carried, LATENCY>,
    carried: Signal<Local, Carried>,
    l3: ChecksumUpdate,
    l4: ChecksumUpdate,
    next_hops: NextHops<NW>,
    next_hop_s4: Delay<Bits<NEXT_HOP_BITS>, LATENCY>,
    role_s0: Signal<Local, DatagramRole>,
    role_s3: Delay<DatagramRole, 3>,
    role: Signal<Local, DatagramRole>,
    row_s3: Signal<Local, Bits<ROW_BITS>>,
    outcomes: Outcomes<RB>,
    refused_s3: Signal<Local, Bit>,
    refused_s4: DFF<Bit>,
    early: Signal<Local, Bits<REASON_BITS>>,
    early_s1: DFF<Bits<REASON_BITS>>,
    early_s2: DFF<Bits<REASON_BITS>>,
    early_s3: DFF<Bits<REASON_BITS>>,
    has_early_s2: DFF<Bit>,
    has_early_s3: DFF<Bit>,
    header: Signal<Local, Bits<REASON_BITS>>,
    header_s1: DFF<Bits<REASON_BITS>>,
    header_s2: DFF<Bits<REASON_BITS>>,
    header_s3: DFF<Bits<REASON_BITS>>,
    has_header_s2: DFF<Bit>,
    has_header_s3: DFF<Bit>,
    length_s1: DFF<Bits<LENGTH_BITS>>,
    length_s2: DFF<Bits<LENGTH_BITS>>,
    length_s3: DFF<Bits<LENGTH_BITS>>,
    // 2: what needs one.
    row_s2: Signal<Local, Bits<NEXT_HOP_ROW_BITS>>,
    mtu_s3: DFF<Bits<LENGTH_BITS>>,
    egress_s2: Signal<Local, Bits<PORT_BITS>>,
    usable_s3: DFF<Bit>,
    host_s3: DFF<Bit>,
    egress_s3: DFF<Bits<PORT_BITS>>,
    src_mac_s3: DFF<Bits<MAC_BITS>>,
    dst_mac_s3: DFF<Bits<MAC_BITS>>,
    encap_s3: DFF<Bits<ENCAP_BITS>>,
    // 3: the first that applies; parity and fragments come late and are put before the rest.
    too_long_s3: Signal<Local, Bit>,
    rest_s3: Signal<Local, Bits<REASON_BITS>>,
    has_rest_s3: Signal<Local, Bit>,
    bad_s3: Signal<Local, Bit>,
    forward_s3: Signal<Local, Bit>,
    reason_s3: Signal<Local, Bits<REASON_BITS>>,
    reason_s4: DFF<Bits<REASON_BITS>>,
    bad_next_hop_s4: DFF<Bit>,
    forward_s4: DFF<Bit>,
    egress_s4: DFF<Bits<PORT_BITS>>,
    src_mac_s4: DFF<Bits<MAC_BITS>>,
    dst_mac_s4: DFF<Bits<MAC_BITS>>,
    encap_s4: DFF<Bits<ENCAP_BITS>>,
}

impl<const NW: usize, const RB: usize> Default for VerdictStage<NW, RB> {
    fn default() -> Self {
        Self::new(Pace::EveryClock)
    }
}

impl<const NW: usize, const RB: usize> VerdictStage<NW, RB> {
    /// For packets of this pace.
    pub fn new(packets: Pace) -> Self {
        let code = |reason: Reason| Constant::new((reason as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            action_valid: Signal::default(),
            action: Signal::default(),
            parsed: Signal::default(),
            write_valid: Signal::default(),
            write: Signal::default(),
            verdict_valid: Signal::default(),
            verdict: Signal::default(),
            count_valid: Signal::default(),
            count_entry: Signal::default(),
            count_bytes: Signal::default(),
            bad_next_hop_valid: Signal::default(),
            bad_next_hop: Signal::default(),
            parity: code(Reason::Parity),
            fragment: code(Reason::Fragment),
            miss: code(Reason::Miss),
            no_next_hop: code(Reason::NoNextHop),
            host_addressed: code(Reason::HostAddressed),
            tcp_flags: code(Reason::TcpFlags),
            ttl_spent: code(Reason::Ttl),
            mtu_exceeded: code(Reason::Mtu),
            host_port: Constant::new(u64::from(HOST_PORT).into()),
            one_hop: Constant::new(1_u64.into()),
            valid: array::from_fn(|_| DFF::default()),
            reason_s0: Signal::default(),
            hit_s0: Signal::default(),
            ttl_s0: Signal::default(),
            told_s0: Signal::default(),
            told_s4: Delay::default(),
            told: Signal::default(),
            carried_s0: Signal::default(),
            carried_s4: RingDelay::new(packets),
            carried: Signal::default(),
            l3: ChecksumUpdate::new(TTL_DELTA),
            l4: ChecksumUpdate::new(0),
            next_hops: NextHops::new(packets),
            next_hop_s4: Delay::default(),
            role_s0: Signal::default(),
            role_s3: Delay::default(),
            role: Signal::default(),
            row_s3: Signal::default(),
            outcomes: Outcomes::default(),
            refused_s3: Signal::default(),
            refused_s4: DFF::default(),
            early: Signal::default(),
            early_s1: DFF::default(),
            early_s2: DFF::default(),
            early_s3: DFF::default(),
            has_early_s2: DFF::default(),
            has_early_s3: DFF::default(),
            header: Signal::default(),
            header_s1: DFF::default(),
            header_s2: DFF::default(),
            header_s3: DFF::default(),
            has_header_s2: DFF::default(),
            has_header_s3: DFF::default(),
            length_s1: DFF::default(),
            length_s2: DFF::default(),
            length_s3: DFF::default(),
            row_s2: Signal::default(),
            mtu_s3: DFF::default(),
            egress_s2: Signal::default(),
            usable_s3: DFF::default(),
            host_s3: DFF::default(),
            too_long_s3: Signal::default(),
            egress_s3: DFF::default(),
            src_mac_s3: DFF::default(),
            dst_mac_s3: DFF::default(),
            encap_s3: DFF::default(),
            rest_s3: Signal::default(),
            has_rest_s3: Signal::default(),
            bad_s3: Signal::default(),
            forward_s3: Signal::default(),
            reason_s3: Signal::default(),
            reason_s4: DFF::default(),
            bad_next_hop_s4: DFF::default(),
            forward_s4: DFF::default(),
            egress_s4: DFF::default(),
            src_mac_s4: DFF::default(),
            dst_mac_s4: DFF::default(),
            encap_s4: DFF::default(),
        }
    }
}

impl<const NW: usize, const RB: usize> Logic for VerdictStage<NW, RB> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, early_s1, early_s2, early_s3, has_early_s2, has_early_s3, header_s1, header_s2, header_s3);
        dff_setup!(self, clock, has_header_s2, has_header_s3);
        dff_setup!(
            self,
            clock,
            length_s1,
            length_s2,
            usable_s3,
            host_s3,
            mtu_s3,
            length_s3,
            reason_s4,
            bad_next_hop_s4,
            forward_s4,
            refused_s4
        );
        dff_setup!(self, clock, egress_s3, src_mac_s3, dst_mac_s3, encap_s3, egress_s4, src_mac_s4, dst_mac_s4, encap_s4);
        clock!(self, clock, told_s4, carried_s4, l3, l4, next_hops, next_hop_s4, role_s3, outcomes);
        for i in 0..LATENCY {
            self.valid[i].clock.next = self.clock.val();
        }
        self.valid[0].d.next = self.action_valid.val();
        for i in 1..LATENCY {
            self.valid[i].d.next = self.valid[i - 1].q.val();
        }

        // 0: start the checksums and the next hop's read; everything that needs neither.
        self.l3.checksum.next = self.parsed.val().l3_checksum;
        self.l3.delta.next = self.action.val().l3_delta;
        self.l3.udp.next = false;
        self.l4.checksum.next = self.parsed.val().l4_checksum;
        self.l4.delta.next = self.action.val().l4_delta;
        self.l4.udp.next = self.parsed.val().udp;
        self.next_hops.read.next = self.action_valid.val();
        self.next_hops.index.next = self.action.val().next_hop;
        self.next_hop_s4.din.next = self.action.val().next_hop;
        self.next_hops.write_valid.next = self.write_valid.val();
        self.next_hops.write.next = self.write.val();

        self.reason_s0.next = self.parsed.val().reason;
        self.hit_s0.next = self.action.val().hit & !self.reason_s0.val().any();
        self.ttl_s0.next = self.parsed.val().ttl;
        self.told_s0.next.frame = self.parsed.val().frame;
        self.told_s0.next.hit = self.hit_s0.val();
        self.told_s4.din.next = self.told_s0.val();
        self.carried_s0.next.ip_length = self.parsed.val().ip_length;
        self.carried_s0.next.entry = self.action.val().entry;
        self.carried_s0.next.src = self.action.val().src;
        self.carried_s0.next.dst = self.action.val().dst;
        self.carried_s0.next.sport = self.action.val().sport;
        self.carried_s0.next.dport = self.action.val().dport;
        self.carried_s0.next.ttl = self.ttl_s0.val() - self.one_hop.val();
        self.carried_s0.next.v6 = self.parsed.val().v6;
        self.carried_s0.next.udp = self.parsed.val().udp;
        self.carried_s0.next.gre = self.parsed.val().gre;
        self.carried_s0.next.fragment_header = self.parsed.val().fragment_header;
        // What the parser has refused carries nothing, and may come at any pace.
        self.carried_s4.din_valid.next = self.action_valid.val() & !self.reason_s0.val().any();
        self.carried_s4.din.next = self.carried_s0.val();

        self.role_s0.next = self.action.val().role;
        self.role_s3.din.next = self.role_s0.val();
        if !self.action_valid.val() | self.reason_s0.val().any() {
            self.role_s3.din.next.opens = false;
            self.role_s3.din.next.follows = false;
            self.role_s3.din.next.lost = false;
        }

        self.early.next = self.reason_s0.val();
        if !self.reason_s0.val().any() & !self.action.val().hit {
            self.early.next = self.miss.val();
            if self.action.val().parity {
                self.early.next = self.parity.val();
            }
        }
        self.header.next = 0.into();
        if self.parsed.val().tcp_control {
            self.header.next = self.tcp_flags.val();
        } else if self.ttl_s0.val() <= self.one_hop.val() {
            self.header.next = self.ttl_spent.val();
        }
        self.early_s1.d.next = self.early.val();
        self.header_s1.d.next = self.header.val();
        self.length_s1.d.next = self.parsed.val().ip_length;

        // 1
        self.early_s2.d.next = self.early_s1.q.val();
        self.has_early_s2.d.next = self.early_s1.q.val().any();
        self.header_s2.d.next = self.header_s1.q.val();
        self.has_header_s2.d.next = self.header_s1.q.val().any();
        self.length_s2.d.next = self.length_s1.q.val();

        // 2: the next hop's row is there.
        self.row_s2.next = self.next_hops.row.val();
        for at in MTU.lsb..(MTU.lsb + 1) {
            self.mtu_s3.d.next = self.row_s2.val().get_bits::<LENGTH_BITS>(at);
        }
        for at in EGRESS.lsb..(EGRESS.lsb + 1) {
            self.egress_s2.next = self.row_s2.val().get_bits::<PORT_BITS>(at);
        }
        if self.valid[1].q.val() {
            for at in SRC_MAC.lsb..(SRC_MAC.lsb + 1) {
                self.src_mac_s3.d.next = self.row_s2.val().get_bits::<MAC_BITS>(at);
            }
            for at in DST_MAC.lsb..(DST_MAC.lsb + 1) {
                self.dst_mac_s3.d.next = self.row_s2.val().get_bits::<MAC_BITS>(at);
            }
            for at in ENCAP.lsb..(ENCAP.lsb + 1) {
                self.encap_s3.d.next = self.row_s2.val().get_bits::<ENCAP_BITS>(at);
            }
        }
        self.egress_s3.d.next = self.egress_s2.val();
        self.usable_s3.d.next = self.next_hops.usable.val();
        self.host_s3.d.next = self.egress_s2.val() == self.host_port.val();
        self.length_s3.d.next = self.length_s2.q.val();
        self.early_s3.d.next = self.early_s2.q.val();
        self.has_early_s3.d.next = self.has_early_s2.q.val();
        self.header_s3.d.next = self.header_s2.q.val();
        self.has_header_s3.d.next = self.has_header_s2.q.val();

        // 3: the first reason that applies.
        self.role.next = self.role_s3.dout.val();
        self.row_s3.next = self.role.val().row;
        self.outcomes.row.next = self.row_s3.val().get_bits::<RB>(0);
        self.refused_s3.next = self.role.val().lost | (self.role.val().follows & !self.outcomes.allowed.val());
        self.refused_s4.d.next = self.refused_s3.val();
        self.too_long_s3.next = self.length_s3.q.val() > self.mtu_s3.q.val();
        if self.has_early_s3.q.val() {
            self.rest_s3.next = self.early_s3.q.val();
        } else if !self.usable_s3.q.val() {
            self.rest_s3.next = self.no_next_hop.val();
        } else if self.host_s3.q.val() {
            self.rest_s3.next = self.host_addressed.val();
        } else if self.has_header_s3.q.val() {
            self.rest_s3.next = self.header_s3.q.val();
        } else if self.too_long_s3.val() {
            self.rest_s3.next = self.mtu_exceeded.val();
        } else {
            self.rest_s3.next = 0.into();
        }
        self.has_rest_s3.next = (self.has_early_s3.q.val() | !self.usable_s3.q.val())
            | (self.host_s3.q.val() | self.has_header_s3.q.val())
            | self.too_long_s3.val();
        self.bad_s3.next = self.next_hops.bad.val() & !self.has_early_s3.q.val();
        if self.refused_s3.val() {
            self.reason_s3.next = self.fragment.val();
        } else if self.bad_s3.val() {
            self.reason_s3.next = self.parity.val();
        } else {
            self.reason_s3.next = self.rest_s3.val();
        }
        self.forward_s3.next = !self.refused_s3.val() & !self.bad_s3.val() & !self.has_rest_s3.val();
        self.reason_s4.d.next = self.reason_s3.val();
        self.outcomes.decided.next = self.role.val().opens;
        self.outcomes.forwarded.next = self.forward_s3.val();
        for before_last in LATENCY..(LATENCY + 1) {
            self.forward_s4.d.next = self.valid[before_last - 2].q.val() & self.forward_s3.val();
            self.bad_next_hop_s4.d.next = self.valid[before_last - 2].q.val() & self.bad_s3.val();
        }
        self.egress_s4.d.next = self.egress_s3.q.val();
        if self.valid[2].q.val() {
            self.src_mac_s4.d.next = self.src_mac_s3.q.val();
            self.dst_mac_s4.d.next = self.dst_mac_s3.q.val();
            self.encap_s4.d.next = self.encap_s3.q.val();
        }

        // 4
        for last in LATENCY..(LATENCY + 1) {
            self.verdict_valid.next = self.valid[last - 1].q.val();
        }
        self.carried.next = self.carried_s4.dout.val();
        self.told.next = self.told_s4.dout.val();
        self.verdict.next.reason = self.reason_s4.q.val();
        self.verdict.next.frame = self.told.val().frame;
        self.verdict.next.egress = self.egress_s4.q.val();
        self.verdict.next.ip_length = self.carried.val().ip_length;
        self.verdict.next.hit = self.told.val().hit & !self.refused_s4.q.val();
        self.verdict.next.entry = self.carried.val().entry;
        self.verdict.next.src_mac = self.src_mac_s4.q.val();
        self.verdict.next.dst_mac = self.dst_mac_s4.q.val();
        self.verdict.next.encap = self.encap_s4.q.val();
        self.verdict.next.src = self.carried.val().src;
        self.verdict.next.dst = self.carried.val().dst;
        self.verdict.next.sport = self.carried.val().sport;
        self.verdict.next.dport = self.carried.val().dport;
        self.verdict.next.ttl = self.carried.val().ttl;
        self.verdict.next.l3_checksum = self.l3.updated.val();
        self.verdict.next.l4_checksum = self.l4.updated.val();
        self.verdict.next.v6 = self.carried.val().v6;
        self.verdict.next.udp = self.carried.val().udp;
        self.verdict.next.gre = self.carried.val().gre;
        self.verdict.next.fragment_header = self.carried.val().fragment_header;
        self.bad_next_hop_valid.next = self.bad_next_hop_s4.q.val();
        self.bad_next_hop.next = self.next_hop_s4.dout.val();
        self.count_valid.next = self.forward_s4.q.val();
        self.count_entry.next = self.carried.val().entry;
        self.count_bytes.next = self.carried.val().ip_length;

        if self.reset.val() {
            for i in 0..LATENCY {
                self.valid[i].d.next = false;
            }
            self.forward_s4.d.next = false;
            self.bad_next_hop_s4.d.next = false;
        }
    }
}
