//! Bad frames amid good traffic at the verilated card: each is punted as it came or dropped, is counted once under the reason that this
//! file states, and harms no frame beside it.
//!
//! What is expected here comes from the ABI's words for each reason and from the RFCs; the rig's golden model watches besides.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::reason::{Disposition, REASONS, Reason};
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_ARP, ETHERTYPE_IPV6, PROTO_GRE, PROTO_ICMP, PROTO_TCP, TPID_DOT1AD, TPID_DOT1Q,
};
use fpgaflow_card::Timing;
use fpgaflow_golden::Losses;
use fpgaflow_tests::{Rig, Setup, Width, at_both_widths, datagram_flow, forwarded, hop, secret};
use fpgaflow_traffic::{L3, L4, Packet, fix_ip_checksum, rng, seed, set16};
use rand::{Rng, RngExt};

/// The port that bad frames come by; the good ones of its flows leave by the other.
const PORT: u8 = 0;
/// Bad frames of each case and setting: every variant of a case comes up.
const ROUNDS: usize = 24;
/// Payload of a packet before it is spoilt.
const PAYLOAD_BYTES: usize = 50;
/// Longest IP packet of the good flows' next hops.
const MTU: usize = 1500;
/// Where the EtherType is.
const ETHERTYPE_AT: usize = 12;
/// Where IPv4 has its total length, fragment field, TTL, protocol and checksum.
const TOTAL_LENGTH: usize = L3 + 2;
const FRAGMENT: usize = L3 + 6;
const TTL: usize = L3 + 8;
const PROTOCOL: usize = L3 + 9;
const IP_CHECKSUM: usize = L3 + 10;
/// Where TCP has its data offset and flags, UDP its length.
const DATA_OFFSET: usize = L4 + 12;
const TCP_FLAGS: usize = L4 + 13;
const UDP_LENGTH: usize = L4 + 4;

/// A frame to be spoilt: a right one of an installed flow.
struct Bad {
    bytes: Vec<u8>,
    /// To be marked bad by the MAC.
    damaged: bool,
    /// Counts up from 0 with every frame of a case.
    round: usize,
    /// The longest frame that the card takes.
    longest: usize,
}

impl Bad {
    fn pick<T: Copy>(&self, variants: &[T]) -> T {
        variants[self.round % variants.len()]
    }

    /// Writes a field of the IPv4 header, whose checksum stays right.
    fn ip16(&mut self, at: usize, value: u16) {
        set16(&mut self.bytes, at, value);
        fix_ip_checksum(&mut self.bytes);
    }

    /// As [`Bad::ip16`], one byte.
    fn ip8(&mut self, at: usize, value: u8) {
        self.bytes[at] = value;
        fix_ip_checksum(&mut self.bytes);
    }

    fn ip_bytes(&self) -> u16 {
        (self.bytes.len() - L3) as u16
    }
}

/// Which flow's packet is spoilt.
#[derive(Clone, Copy)]
enum Base {
    Udp,
    Tcp,
}
use Base::{Tcp, Udp};

/// The installed flows: of [`PORT`] one of UDP and one of TCP, and one of UDP in the other direction.
fn flows() -> [Entry; 3] {
    let udp = datagram_flow(PORT, 1, 1);
    let mut tcp = datagram_flow(PORT, 2, 1);
    tcp.key.protocol = PROTO_TCP;
    [udp, tcp, datagram_flow(1 - PORT, 3, 0)]
}

/// Sends good frames, and returns what must come of them by the port that they leave by.
fn send_good(rig: &mut Rig, flow: &Entry, identification: &mut u16, count: usize) -> Vec<Vec<u8>> {
    let send_one = |_| {
        *identification += 1;
        let payload = vec![0x33; usize::from(*identification) * 7 % 200];
        let packet = Packet { identification: *identification, ..Packet::new(flow.key, payload) };
        rig.inject(flow.key.ingress, packet.to_frame(), false);
        forwarded(&packet, &flow.action, &hop(1 - flow.key.ingress))
    };
    (0..count).map(send_one).collect()
}

/// Sends [`ROUNDS`] frames spoilt by `spoil` amid good ones, to a card in surroundings that behave as `timing`.
fn send_amid_good_traffic(width: Width, base: Base, spoil: fn(&mut Bad), reason: Reason, timing: Timing) {
    let seed = seed();
    let mut rng = rng(seed);
    let losses = Losses::default();
    let mut rig = Rig::new(Setup { width, timing, losses, ..Setup::new(seed) }, secret(&mut rng));
    rig.keep();
    for egress in 0..2 {
        rig.add_next_hop(hop(egress));
    }
    let flows = flows();
    let entries = rig.install(flows).expect("an empty table takes three flows");
    rig.await_commands();

    let (mut identification, mut good, mut bad) = (0, [Vec::new(), Vec::new()], Vec::new());
    for round in 0..ROUNDS {
        for flow in &flows {
            let left = send_good(&mut rig, flow, &mut identification, rng.random_range(0..4));
            good[usize::from(1 - flow.key.ingress)].extend(left);
        }
        let mut payload = vec![0; PAYLOAD_BYTES];
        rng.fill_bytes(&mut payload);
        let packet = Packet { identification: 0xbad0 + round as u16, ..Packet::new(flows[base as usize].key, payload) };
        let mut spoilt =
            Bad { bytes: packet.to_frame(), damaged: false, round, longest: rig.geometry().max_frame_bytes as usize };
        spoil(&mut spoilt);
        rig.inject(PORT, spoilt.bytes.clone(), spoilt.damaged);
        rig.run(match reason.disposition() {
            // The store towards the host takes few long frames at a time, and a bus that pauses empties it slowly.
            Disposition::Punt => 200 + spoilt.bytes.len() as u64 / 2,
            _ => rng.random_range(0..200),
        });
        bad.push(spoilt.bytes);
    }
    for flow in &flows {
        good[usize::from(1 - flow.key.ingress)].extend(send_good(&mut rig, flow, &mut identification, 3));
    }
    rig.rest();

    let kept = rig.kept.take().expect("it was kept");
    assert!(kept.sent == good, "the good frames left, and nothing else did");
    if reason.disposition() == Disposition::Punt {
        // What fails only after the lookup says so with the entry that it hit.
        let entry = matches!(reason, Reason::TcpFlags | Reason::Ttl | Reason::Mtu).then_some(entries[base as usize]);
        let punts: Vec<_> = kept.punts.iter().map(|(info, bytes)| (info.port, info.reason, info.entry, bytes.clone())).collect();
        let expected: Vec<_> = bad.into_iter().map(|bytes| (PORT, reason, entry, bytes)).collect();
        assert_eq!(punts, expected);
    } else {
        assert_eq!(kept.punts, [], "what is dropped reaches nobody");
    }
    let mut counters = [0; REASONS];
    counters[reason as usize] = ROUNDS as u64;
    counters[Reason::Forwarded as usize] = good.iter().map(|frames| frames.len() as u64).sum();
    assert_eq!(rig.finish().reasons, counters);
}

/// One case at one width, in surroundings that never pause and in ones that do.
fn check(width: Width, base: Base, spoil: fn(&mut Bad), reason: Reason) {
    for stall in [0, 40] {
        let timing =
            Timing { bus_latency: u64::from(stall), bus_stall_percent: stall, rx_stall_percent: stall, tx_stall_percent: stall };
        send_amid_good_traffic(width, base, spoil, reason, timing);
    }
}

/// The table: a test for every case, what it is spoilt from, how, and the reason that must come of it.
macro_rules! cases {
    ($($name:ident: $base:expr, $spoil:expr => $reason:ident;)+) => {
        at_both_widths! {
            $(fn $name(width) {
                check(width, $base, $spoil, Reason::$reason);
            })+
        }
    };
}

cases! {
    // What the MAC says, and lengths (IEEE 802.3).
    a_frame_marked_bad_is_dropped: Udp, |bad| bad.damaged = true => RxError;
    a_runt_marked_bad_is_an_rx_error: Udp, |bad| {
        bad.bytes.truncate(bad.round % ETH_HEADER_BYTES);
        bad.damaged = true;
    } => RxError;
    a_giant_marked_bad_is_an_rx_error: Udp, |bad| {
        bad.bytes.resize(bad.longest + 1 + bad.round, 0);
        bad.damaged = true;
    } => RxError;
    a_frame_of_nothing_is_a_runt: Udp, |bad| bad.bytes.clear() => Runt;
    a_frame_shorter_than_its_header_is_a_runt: Udp, |bad| bad.bytes.truncate(1 + bad.round % (ETH_HEADER_BYTES - 1)) => Runt;
    a_frame_one_byte_too_long_is_oversize: Udp, |bad| bad.bytes.resize(bad.longest + 1, 0) => Oversize;
    a_frame_a_few_bytes_too_long_is_oversize: Udp, |bad| bad.bytes.resize(bad.longest + 1 + bad.round, 0) => Oversize;
    a_giant_of_many_times_the_longest_is_oversize: Udp, |bad| {
        let times = bad.pick(&[2, 3, 7, 16]);
        bad.bytes.resize(bad.longest * times + bad.round, 0xee);
    } => Oversize;

    // Layer 2.
    an_unknown_ethertype_is_not_ip: Udp, |bad| {
        let ethertype = bad.pick(&[0x0000, 0x05dc, 0x0600, 0x0801, 0x0805, 0x0807, 0x8847, 0x8864, 0x88cc, 0x9100, 0xffff]);
        set16(&mut bad.bytes, ETHERTYPE_AT, ethertype);
    } => NotIp;
    ipv4_that_says_it_is_ipv6_is_malformed: Udp, |bad| set16(&mut bad.bytes, ETHERTYPE_AT, ETHERTYPE_IPV6) => Malformed;
    a_tag_before_nothing_that_is_known_is_not_ip: Udp, |bad| {
        // The packet's total length is where the EtherType would be.
        let ethertype = bad.pick(&[TPID_DOT1Q, TPID_DOT1AD]);
        set16(&mut bad.bytes, ETHERTYPE_AT, ethertype);
    } => NotIp;
    an_unknown_ethertype_without_a_payload_is_not_ip: Udp, |bad| {
        set16(&mut bad.bytes, ETHERTYPE_AT, 0x88b5);
        bad.bytes.truncate(ETH_HEADER_BYTES);
    } => NotIp;
    arp_is_punted_whatever_it_holds: Udp, |bad| {
        set16(&mut bad.bytes, ETHERTYPE_AT, ETHERTYPE_ARP);
        bad.bytes.truncate(ETH_HEADER_BYTES + bad.round);
    } => Arp;
    a_flow_s_packet_to_everybody_is_broadcast: Udp, |bad| bad.bytes[..6].fill(0xff) => Broadcast;
    a_flow_s_packet_to_a_group_is_multicast: Udp, |bad| bad.bytes[0] |= 1 => Multicast;
    a_flow_s_packet_to_somebody_else_is_wrong_mac: Udp, |bad| bad.bytes[5 - bad.round % 5] ^= 0x40 => WrongMac;

    // The IPv4 header (RFC 791 3.1).
    an_ip_header_cut_short_is_malformed: Udp, |bad| bad.bytes.truncate(L3 + bad.round % 20) => Malformed;
    another_ip_version_is_malformed: Udp, |bad| {
        let version = bad.pick(&[0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        bad.ip8(L3, version << 4 | 5);
    } => Malformed;
    an_ihl_below_five_is_malformed: Udp, |bad| {
        let ihl = bad.pick(&[0, 1, 2, 3, 4]);
        bad.ip8(L3, 0x40 | ihl);
    } => Malformed;
    an_ihl_beyond_the_packet_is_malformed: Udp, |bad| {
        // The frame goes on; it is the packet that ends.
        let ihl = bad.pick(&[6, 7, 10, 15]);
        bad.bytes[L3] = 0x40 | ihl;
        bad.ip16(TOTAL_LENGTH, u16::from(ihl) * 4 - 1);
    } => Malformed;
    an_ihl_beyond_the_frame_is_malformed: Udp, |bad| {
        let ihl = bad.pick(&[6, 7, 10, 15]);
        bad.bytes.truncate(L3 + usize::from(ihl) * 4 - 1);
        bad.bytes[L3] = 0x40 | ihl;
        bad.ip16(TOTAL_LENGTH, u16::from(ihl) * 4);
    } => Malformed;
    options_are_punted: Udp, |bad| {
        let ihl = bad.pick(&[6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        bad.ip8(L3, 0x40 | ihl);
    } => IpOptions;
    a_total_length_beyond_the_frame_is_malformed: Udp, |bad| {
        let beyond = bad.pick(&[1, 2, 7, 8, 64, 1000]);
        bad.ip16(TOTAL_LENGTH, bad.ip_bytes() + beyond);
    } => Malformed;
    the_largest_total_length_is_malformed: Tcp, |bad| bad.ip16(TOTAL_LENGTH, u16::MAX) => Malformed;
    a_total_length_below_the_header_is_malformed: Udp, |bad| bad.ip16(TOTAL_LENGTH, (bad.round % 20) as u16) => Malformed;
    a_frame_cut_behind_its_ip_header_is_malformed: Udp, |bad| {
        // Everything that was promised but the last `cut` bytes.
        let cut = 1 + bad.round % (PAYLOAD_BYTES + 7);
        bad.bytes.truncate(bad.bytes.len() - cut);
    } => Malformed;
    a_wrong_ip_checksum_is_punted: Udp, |bad| {
        let wrong = u16::from_be_bytes([bad.bytes[IP_CHECKSUM], bad.bytes[IP_CHECKSUM + 1]]) ^ 1 << (bad.round % 16);
        set16(&mut bad.bytes, IP_CHECKSUM, wrong);
    } => IpChecksum;
    an_ip_checksum_of_zero_is_wrong: Udp, |bad| {
        // The right one is never zero for a header that is not: RFC 1071.
        set16(&mut bad.bytes, IP_CHECKSUM, 0);
    } => IpChecksum;
    fragments_are_punted: Udp, |bad| {
        // More fragments, offsets, both; the reserved bit and "don't fragment" beside them.
        let field = bad.pick(&[0x2000, 0x0001, 0x1fff, 0x3fff, 0x6000, 0x8001, 0xffff, 0x0100]);
        bad.ip16(FRAGMENT, field);
    } => Fragment;
    a_ttl_that_ends_here_is_punted: Udp, |bad| bad.ip8(TTL, (bad.round % 2) as u8) => Ttl;
    a_tcp_ttl_that_ends_here_is_punted: Tcp, |bad| bad.ip8(TTL, (bad.round % 2) as u8) => Ttl;
    icmp_is_punted: Udp, |bad| bad.ip8(PROTOCOL, PROTO_ICMP) => Icmp;
    other_protocols_are_punted: Udp, |bad| {
        let protocol = bad.pick(&[0, 2, 4, 5, 7, 16, 18, 41, 50, 51, 132, 136, 255]);
        bad.ip8(PROTOCOL, protocol);
    } => OtherProtocol;
    gre_of_another_version_is_another_protocol: Udp, |bad| {
        let word = bad.pick(&[1, 2, 3, 4, 5, 6, 7, 0xffff]);
        set16(&mut bad.bytes, L4, word);
        bad.ip8(PROTOCOL, PROTO_GRE);
    } => OtherProtocol;
    gre_of_version_0_without_a_flow_is_a_miss: Udp, |bad| {
        let word = bad.pick(&[0, 0x2000, 0xfff8]);
        set16(&mut bad.bytes, L4, word);
        bad.ip8(PROTOCOL, PROTO_GRE);
    } => Miss;
    a_packet_without_room_for_gre_is_malformed: Udp, |bad| {
        bad.ip16(TOTAL_LENGTH, 20 + (bad.round % 4) as u16);
        bad.ip8(PROTOCOL, PROTO_GRE);
    } => Malformed;

    // UDP (RFC 768) and TCP (RFC 9293 3.1).
    a_packet_without_room_for_udp_is_malformed: Udp, |bad| bad.ip16(TOTAL_LENGTH, 20 + (bad.round % 8) as u16) => Malformed;
    a_packet_without_room_for_tcp_is_malformed: Tcp, |bad| bad.ip16(TOTAL_LENGTH, 20 + (bad.round % 20) as u16) => Malformed;
    a_frame_that_ends_in_its_udp_header_is_malformed: Udp, |bad| {
        let l4_bytes = bad.round % 8;
        bad.bytes.truncate(L4 + l4_bytes);
        bad.ip16(TOTAL_LENGTH, 20 + l4_bytes as u16);
    } => Malformed;
    a_frame_that_ends_in_its_tcp_header_is_malformed: Tcp, |bad| {
        let l4_bytes = bad.round % 20;
        bad.bytes.truncate(L4 + l4_bytes);
        bad.ip16(TOTAL_LENGTH, 20 + l4_bytes as u16);
    } => Malformed;
    a_udp_length_below_its_header_is_malformed: Udp, |bad| set16(&mut bad.bytes, UDP_LENGTH, (bad.round % 8) as u16) => Malformed;
    a_udp_length_beyond_the_packet_is_malformed: Udp, |bad| {
        let length = bad.pick(&[PAYLOAD_BYTES as u16 + 9, PAYLOAD_BYTES as u16 + 10, 1500, 0x8000, u16::MAX]);
        set16(&mut bad.bytes, UDP_LENGTH, length);
    } => Malformed;
    a_udp_length_into_the_trailer_is_malformed: Udp, |bad| {
        // The frame has the bytes, the packet does not.
        bad.bytes.extend([0; 30]);
        set16(&mut bad.bytes, UDP_LENGTH, PAYLOAD_BYTES as u16 + 8 + 30);
    } => Malformed;
    a_tcp_header_shorter_than_a_tcp_header_is_malformed: Tcp, |bad| {
        let words = bad.pick(&[0, 1, 2, 3, 4]);
        bad.bytes[DATA_OFFSET] = words << 4;
    } => Malformed;
    a_tcp_header_beyond_its_packet_is_malformed: Tcp, |bad| {
        let words = bad.pick(&[6, 7, 10, 15]);
        bad.bytes[DATA_OFFSET] = words << 4;
        // The frame goes on behind the packet.
        bad.ip16(TOTAL_LENGTH, 20 + u16::from(words) * 4 - 1);
    } => Malformed;
    tcp_that_opens_or_closes_is_punted: Tcp, |bad| {
        let flags = bad.pick(&[0x01, 0x02, 0x04, 0x12, 0x11, 0x14, 0x07, 0xff, 0x03]);
        bad.bytes[TCP_FLAGS] = flags;
    } => TcpFlags;
    a_packet_over_the_next_hops_mtu_is_punted: Udp, |bad| {
        let bytes = bad.pick(&[MTU + 1, MTU + 2, MTU + 18]).min(bad.longest - L3);
        bad.bytes.resize(L3 + bytes, 0x77);
        set16(&mut bad.bytes, UDP_LENGTH, bytes as u16 - 20);
        bad.ip16(TOTAL_LENGTH, bytes as u16);
    } => Mtu;
    a_packet_that_fills_the_longest_frame_is_over_the_mtu: Udp, |bad| {
        bad.bytes.resize(bad.longest, 0x77);
        let bytes = bad.ip_bytes();
        set16(&mut bad.bytes, UDP_LENGTH, bytes - 20);
        bad.ip16(TOTAL_LENGTH, bytes);
    } => Mtu;
    a_packet_of_a_flow_that_is_not_there_is_a_miss: Udp, |bad| {
        // One bit of either address, of either port.
        let at = bad.pick(&[L3 + 12, L3 + 15, L3 + 16, L3 + 19, L4, L4 + 1, L4 + 2, L4 + 3]);
        bad.bytes[at] ^= 0x10;
        fix_ip_checksum(&mut bad.bytes);
    } => Miss;
}

mod noise {
    use super::*;

    at_both_widths! {
        fn noise_is_counted_once_each_and_never_forwarded(width) {
            const FRAMES: u64 = 20_000;
            let seed = seed();
            let mut rng = rng(seed);
            let mut rig = Rig::new(Setup { width, ..Setup::new(seed) }, secret(&mut rng));
            rig.keep();
            rig.add_next_hop(hop(0));
            rig.add_next_hop(hop(1));
            rig.install(flows()).expect("an empty table takes three flows");
            rig.await_commands();
            let mut punted = Vec::new();
            for _ in 0..FRAMES {
                let mut frame = vec![0; rng.random_range(0..120)];
                rng.fill_bytes(&mut frame);
                if rng.random() && frame.len() >= ETH_HEADER_BYTES {
                    // As far as a layer 2 header can make it look good.
                    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, PORT]);
                    set16(&mut frame, ETHERTYPE_AT, fpgaflow_abi::wire::ETHERTYPE_IPV4);
                }
                rig.inject(PORT, frame.clone(), false);
                if frame.len() >= ETH_HEADER_BYTES {
                    punted.push(frame);
                }
                rig.run(rng.random_range(0..64));
            }
            rig.rest();
            let kept = rig.kept.take().expect("it was kept");
            assert!(kept.sent.iter().all(Vec::is_empty), "noise was forwarded");
            let came: Vec<_> = kept.punts.into_iter().map(|(_, bytes)| bytes).collect();
            assert!(came == punted, "all but runts comes to the host, in order and unchanged");
            let report = rig.finish();
            assert_eq!(report.count(Reason::Runt), FRAMES - came.len() as u64);
            assert_eq!(report.reasons.iter().sum::<u64>(), FRAMES);
        }
    }
}
