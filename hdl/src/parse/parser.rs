//! What a packet is, before any lookup.
//!
//! ```text
//!                          +--------+
//!  header_valid, header -->|        |--> key_valid, key, mark  at once
//!  promiscuous, port_mac ->| Parser |--> parsed_valid, parsed  behind it
//!  lookup_enable, fragments|        |--> fragment              beside it
//!                          +--------+
//! ```
//! Latency [`LATENCY`] clocks, a header a clock, no stall; the key comes with its header, a choice between the places of two families behind
//! the header's flip-flops. So the lookup and the checks go side by side, and only a verdict waits for both. `parsed` comes from
//! flip-flops.
//!
//! # Contract
//! - `parsed.reason` is the first reason that applies, in this order (`abi::reason`): `arp`, `broadcast`, `multicast`,
//!   `wrong_mac`, `not_ip`, `malformed` (layer 3), `ip_options`, `ip_extension`, `ip_checksum`, `fragment`, `icmp`, `other_protocol`,
//!   `malformed` (layer 4), `other_protocol` (a GRE version), `lookup_disabled`; 0 for a packet to look up.
//! - With a reason nothing but `reason` and `frame` means anything, nor does what the lookup of its key finds.
//! - While `fragments` is on, fragments that [`Layer3Check`](super::Layer3Check) takes have no reason `fragment`; `fragment` says which they are, and
//!   is zero in every clock without one to look up. The ports in a later fragment's key mean nothing.
//! - `mark` is what the key has in place of the identification of the packet's datagram: the exclusive or of the two.
//! - `parsed.l3_checksum` means nothing in IPv6, `parsed.l4_checksum` nothing in GRE, whose ports in the key are 0, and
//!   later fragments, which are `gre`.
//! - Bytes of the window that the frame does not have never decide anything: whatever they say, `malformed` comes first.
//! - Configuration is looked at as a header passes; a change concerns the headers around it one way or the other.

use std::array;

use fpgaflow_abi::fragment::OFFSET_BITS;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::{key, wire};

use super::{
    ADDRESSES_BITS, HeaderChecksum, IP_LENGTH_BITS, IPV4_ROWS, IPV6_ROWS, KeyRow, Layer2Check, Layer3Check, Layer4Check, Placed,
    TCP_ROWS,
};
use crate::prelude::*;
use crate::records::{
    Fragment, FrameInfo, HeaderRecord, L2_BITS, L2Record, LENGTH_BITS, MARK_BITS, PORT_BITS, Parsed, REASON_BITS, WINDOW_BITS,
};

/// Clocks from a header to what it is.
pub const LATENCY: usize = super::CHECK_LATENCY + 1;
/// Rows of a window.
const ROWS: usize = WINDOW_BITS / 32;
/// Bits of both addresses of IPv4.
const ADDRESSES_V4_BITS: usize = key::SRC_V4.width + key::DST_V4.width;

/// Rows of an IPv6 fragment header, and of what may follow it in a window: UDP.
const FRAGMENT_ROWS: usize = wire::FRAGMENT_HEADER_BYTES / 4;
const FRAGMENT_L4_ROWS: usize = ROWS - IPV6_ROWS - FRAGMENT_ROWS;

const _: () = assert!(IPV6_ROWS + TCP_ROWS <= ROWS && IPV4_ROWS == 5 && IPV6_ROWS == 10 && FRAGMENT_ROWS == 2);
const _: () = assert!(4 * FRAGMENT_L4_ROWS >= wire::UDP_HEADER_BYTES && FRAGMENT_L4_ROWS == 4);

/// Parses the headers of `PORTS` ports.
#[derive(LogicBlock)]
pub struct Parser<const PORTS: usize> {
    /// The block's clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous, active high.
    pub reset: Signal<In, Bit>,
    /// A header comes.
    pub header_valid: Signal<In, Bit>,
    /// The header.
    pub header: Signal<In, HeaderRecord>,
    /// Ports that take frames for any destination.
    pub promiscuous: [Signal<In, Bit>; PORTS],
    /// Address of each port.
    pub port_mac: [Signal<In, Bits<48>>; PORTS],
    /// Packets are to be looked up.
    pub lookup_enable: Signal<In, Bit>,
    /// Fragments are to be looked up.
    pub fragments: Signal<In, Bit>,
    /// There is a key.
    pub key_valid: Signal<Out, Bit>,
    /// What to look the header up by, a row of `abi::key`.
    pub key: Signal<Out, Bits<{ key::KEY_BITS_V6 }>>,
    /// Ports in the key, exclusive or identification.
    pub mark: Signal<Out, Bits<MARK_BITS>>,
    /// A header has passed.
    pub parsed_valid: Signal<Out, Bit>,
    /// What it is.
    pub parsed: Signal<Out, Parsed>,
    /// What fragment it is.
    pub fragment: Signal<Out, Fragment>,

    // The header taken apart: a slice of a slice is not Verilog.
    window: Signal<Local, Bits<WINDOW_BITS>>,
    row: [Signal<Local, Bits<32>>; ROWS],
    l2: Signal<Local, L2Record>,
    l2_bytes: Signal<Local, Bits<L2_BITS>>,
    l2_length: Signal<Local, Bits<5>>,
    frame: Signal<Local, FrameInfo>,
    length: Signal<Local, Bits<LENGTH_BITS>>,
    port: Signal<Local, Bits<PORT_BITS>>,
    encap: Signal<Local, Bits<{ key::ENCAP.width }>>,
    v6: Signal<Local, Bit>,
    gre: Signal<Local, Bit>,
    fragment_header: Signal<Local, Bit>,
    // What lies in other places in the other family.
    protocol: Signal<Local, Bits<8>>,
    hops: Signal<Local, Bits<8>>,
    field: Signal<Local, Bits<LENGTH_BITS>>,
    more: Signal<Local, Bits<LENGTH_BITS>>,
    more_ppp: Signal<Local, Bits<LENGTH_BITS>>,
    less: Signal<Local, Bits<LENGTH_BITS>>,
    ip_length: Signal<Local, Bits<IP_LENGTH_BITS>>,
    id: Signal<Local, Bits<MARK_BITS>>,
    more_fragments: Signal<Local, Bit>,
    offset: Signal<Local, Bits<OFFSET_BITS>>,
    whole_header: Signal<Local, Bit>,
    payload: Signal<Local, Bits<LENGTH_BITS>>,
    ports: Signal<Local, Bits<MARK_BITS>>,
    flags: Signal<Local, Bits<8>>,
    addresses_v4: Signal<Local, Bits<ADDRESSES_V4_BITS>>,
    row_key: Signal<Local, KeyRow>,
    v6_s2: Signal<Local, Bit>,

    layer2: Layer2Check<PORTS>,
    layer3: Layer3Check,
    layer4: Layer4Check,
    checksum: HeaderChecksum,

    // What is known of layer 4 a clock later.
    protocol_s1: DFF<Bits<8>>,
    control_s1: DFF<Bits<8>>,
    gre_s1: DFF<Bit>,
    udp_checksum: Placed<16>,
    tcp_checksum: Placed<16>,
    udp: Signal<Local, Bit>,

    valid_s1: DFF<Bit>,
    valid_s2: DFF<Bit>,
    valid_s3: DFF<Bit>,
    parsed_s1: DFF<Parsed>,
    parsed_s2: DFF<Parsed>,
    parsed_s3: DFF<Parsed>,
    fragment_s2: Delay<Fragment, { super::CHECK_LATENCY }>,
    fragment_s3: DFF<Fragment>,
    reason: Signal<Local, Bits<REASON_BITS>>,

    proto_udp: Constant<Bits<8>>,
    control: Constant<Bits<8>>,
    ppp_bytes: Constant<Bits<LENGTH_BITS>>,
    ipv6_ppp_bytes: Constant<Bits<LENGTH_BITS>>,
    ipv4_bytes: Constant<Bits<LENGTH_BITS>>,
    ipv6_bytes: Constant<Bits<LENGTH_BITS>>,
    fragment_bytes: Constant<Bits<LENGTH_BITS>>,
    arp: Constant<Bits<REASON_BITS>>,
    broadcast: Constant<Bits<REASON_BITS>>,
    multicast: Constant<Bits<REASON_BITS>>,
    wrong_mac: Constant<Bits<REASON_BITS>>,
    not_ip: Constant<Bits<REASON_BITS>>,
    malformed: Constant<Bits<REASON_BITS>>,
    ip_options: Constant<Bits<REASON_BITS>>,
    ip_extension: Constant<Bits<REASON_BITS>>,
    ip_checksum: Constant<Bits<REASON_BITS>>,
    is_fragment: Constant<Bits<REASON_BITS>>,
    icmp: Constant<Bits<REASON_BITS>>,
    other_protocol: Constant<Bits<REASON_BITS>>,
    lookup_disabled: Constant<Bits<REASON_BITS>>,
}

impl<const PORTS: usize> Default for Parser<PORTS> {
    fn default() -> Self {
        let reason = |reason: Reason| Constant::new((reason as u64).into());
        Self {
            clock: Signal::default(),
            reset: Signal::default(),
            header_valid: Signal::default(),
            header: Signal::default(),
            promiscuous: array::from_fn(|_| Signal::default()),
            port_mac: array::from_fn(|_| Signal::default()),
            lookup_enable: Signal::default(),
            fragments: Signal::default(),
            key_valid: Signal::default(),
            key: Signal::default(),
            mark: Signal::default(),
            parsed_valid: Signal::default(),
            parsed: Signal::default(),
            fragment: Signal::default(),
            window: Signal::default(),
            row: array::from_fn(|_| Signal::default()),
            l2: Signal::default(),
            l2_bytes: Signal::default(),
            l2_length: Signal::default(),
            frame: Signal::default(),
            length: Signal::default(),
            port: Signal::default(),
            encap: Signal::default(),
            v6: Signal::default(),
            gre: Signal::default(),
            fragment_header: Signal::default(),
            protocol: Signal::default(),
            hops: Signal::default(),
            field: Signal::default(),
            more: Signal::default(),
            more_ppp: Signal::default(),
            less: Signal::default(),
            ip_length: Signal::default(),
            id: Signal::default(),
            more_fragments: Signal::default(),
            offset: Signal::default(),
            whole_header: Signal::default(),
            payload: Signal::default(),
            ports: Signal::default(),
            flags: Signal::default(),
            addresses_v4: Signal::default(),
            row_key: Signal::default(),
            v6_s2: Signal::default(),
            layer2: Layer2Check::default(),
            layer3: Layer3Check::default(),
            layer4: Layer4Check::default(),
            checksum: HeaderChecksum::default(),
            protocol_s1: DFF::default(),
            control_s1: DFF::default(),
            gre_s1: DFF::default(),
            udp_checksum: Placed::default(),
            tcp_checksum: Placed::default(),
            udp: Signal::default(),
            valid_s1: DFF::default(),
            valid_s2: DFF::default(),
            valid_s3: DFF::default(),
            parsed_s1: DFF::default(),
            parsed_s2: DFF::default(),
            parsed_s3: DFF::default(),
            fragment_s2: Delay::default(),
            fragment_s3: DFF::default(),
            reason: Signal::default(),
            proto_udp: Constant::new(u64::from(wire::PROTO_UDP).into()),
            control: Constant::new(u64::from(wire::TCP_CONTROL_FLAGS).into()),
            ppp_bytes: Constant::new((wire::PPP_PROTOCOL_BYTES as u64).into()),
            ipv6_ppp_bytes: Constant::new(((wire::PPP_PROTOCOL_BYTES + wire::IPV6_HEADER_BYTES) as u64).into()),
            ipv4_bytes: Constant::new((wire::IPV4_HEADER_BYTES as u64).into()),
            ipv6_bytes: Constant::new((wire::IPV6_HEADER_BYTES as u64).into()),
            fragment_bytes: Constant::new((wire::FRAGMENT_HEADER_BYTES as u64).into()),
            arp: reason(Reason::Arp),
            broadcast: reason(Reason::Broadcast),
            multicast: reason(Reason::Multicast),
            wrong_mac: reason(Reason::WrongMac),
            not_ip: reason(Reason::NotIp),
            malformed: reason(Reason::Malformed),
            ip_options: reason(Reason::IpOptions),
            ip_extension: reason(Reason::IpExtension),
            ip_checksum: reason(Reason::IpChecksum),
            is_fragment: reason(Reason::Fragment),
            icmp: reason(Reason::Icmp),
            other_protocol: reason(Reason::OtherProtocol),
            lookup_disabled: reason(Reason::LookupDisabled),
        }
    }
}

impl<const PORTS: usize> Logic for Parser<PORTS> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            valid_s1,
            valid_s2,
            valid_s3,
            protocol_s1,
            control_s1,
            gre_s1,
            parsed_s1,
            parsed_s2,
            parsed_s3,
            fragment_s3
        );
        clock!(self, clock, layer2, layer3, layer4, checksum, udp_checksum, tcp_checksum, fragment_s2);

        // Take the header apart.
        self.window.next = self.header.val().window;
        for i in 0..ROWS {
            for top in (WINDOW_BITS / 32 - 1)..(WINDOW_BITS / 32) {
                self.row[i].next = self.window.val().get_bits::<32>((top - i) * 32);
            }
        }
        self.l2.next = self.header.val().l2;
        self.l2_bytes.next = self.l2.val().bytes;
        self.l2_length.next = self.l2.val().length;
        self.frame.next = self.header.val().frame;
        self.length.next = self.frame.val().length;
        self.port.next = self.frame.val().port;
        self.encap.next = self.header.val().encap;
        self.v6.next = self.header.val().v6;
        self.gre.next = self.header.val().gre;
        self.fragment_header.next = self.header.val().fragment_header;

        // IPv4. Row 0: version, IHL, type of service, total length. Row 2: TTL, protocol, header checksum.
        // Row 1: identification, flags, fragment offset. IPv6. Row 1: payload length, next header, hop limit. Behind it the fragment header. Row 0:
        // next header, offset, flags; row 1: identification.
        if self.v6.val() {
            self.protocol.next = self.row[1].val().get_bits::<8>(8);
            self.hops.next = self.row[1].val().get_bits::<8>(0);
            self.field.next = self.row[1].val().get_bits::<LENGTH_BITS>(16);
            self.more.next = self.ipv6_bytes.val();
            self.more_ppp.next = self.ipv6_ppp_bytes.val();
            self.less.next = 0.into();
            self.offset.next = 0.into();
            self.more_fragments.next = false;
            self.id.next = 0.into();
            self.whole_header.next = true;
            if self.fragment_header.val() {
                self.protocol.next = self.row[10].val().get_bits::<8>(24);
                self.less.next = self.fragment_bytes.val();
                self.offset.next = self.row[10].val().get_bits::<OFFSET_BITS>(3);
                self.more_fragments.next = self.row[10].val().get_bit(0);
                self.id.next = self.row[11].val();
                self.whole_header.next = self.field.val() >= self.fragment_bytes.val();
            }
        } else {
            self.protocol.next = self.row[2].val().get_bits::<8>(16);
            self.hops.next = self.row[2].val().get_bits::<8>(24);
            self.field.next = self.row[0].val().get_bits::<LENGTH_BITS>(0);
            self.more.next = 0.into();
            self.more_ppp.next = self.ppp_bytes.val();
            self.less.next = self.ipv4_bytes.val();
            self.offset.next = self.row[1].val().get_bits::<OFFSET_BITS>(0);
            self.more_fragments.next = self.row[1].val().get_bit(13);
            self.id.next = bit_cast::<MARK_BITS, 16>(self.row[1].val().get_bits::<16>(16));
            self.whole_header.next = true;
        }
        self.ip_length.next =
            bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.field.val()) + bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.more.val());
        self.payload.next = self.field.val() - self.less.val();

        // Checks: all at once, told two clocks later.
        self.layer2.l2.next = self.l2_bytes.val();
        self.layer2.ethertype.next = self.header.val().ethertype;
        self.layer2.port.next = self.port.val();
        for i in 0..PORTS {
            self.layer2.promiscuous[i].next = self.promiscuous[i].val();
            self.layer2.port_mac[i].next = self.port_mac[i].val();
        }
        for i in 0..3 {
            self.layer3.rows[i].next = self.row[i].val();
        }
        self.layer3.v6.next = self.v6.val();
        self.layer3.fragment_header.next = self.fragment_header.val();
        self.layer3.fragments.next = self.fragments.val();
        self.layer3.more.next = self.more_fragments.val();
        self.layer3.offset.next = self.offset.val();
        self.layer3.whole_header.next = self.whole_header.val();
        self.layer3.protocol.next = self.protocol.val();
        self.layer3.length.next = self.ip_length.val();
        self.layer3.ppp_length.next = bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.field.val())
            + bit_cast::<IP_LENGTH_BITS, LENGTH_BITS>(self.more_ppp.val());
        self.layer3.behind.next = self.length.val() - bit_cast::<LENGTH_BITS, 5>(self.l2_length.val());
        for pppoe in (key::ENCAP_PPPOE.lsb)..(key::ENCAP_PPPOE.lsb + 1) {
            self.layer3.pppoe.next = self.encap.val().get_bit(pppoe);
        }
        self.layer3.pppoe_length.next = self.header.val().pppoe_length;
        for i in 0..IPV4_ROWS {
            self.checksum.rows[i].next = self.row[i].val();
        }
        self.layer4.payload.next = self.payload.val();
        self.layer4.part.next = self.more_fragments.val();
        self.layer4.protocol.next = self.protocol.val();
        self.layer4.gre.next = self.gre.val();
        self.layer4.v6.next = self.v6.val();
        self.layer4.fragment_header.next = self.fragment_header.val();
        for i in 0..4 {
            self.layer4.rows_v4[i].next = self.row[i + 5].val();
            self.layer4.rows_v6[i].next = self.row[i + 10].val();
        }
        self.layer4.row_fragment.next = self.row[13].val();

        // What the packet carries along. TCP row 3: data offset, flags, window; row 4: checksum. UDP row 1: length, checksum. TCP is not looked up
        // behind a fragment header.
        self.flags.next = self.row[8].val().get_bits::<8>(16);
        if self.v6.val() {
            self.flags.next = self.row[13].val().get_bits::<8>(16);
        }
        self.control_s1.d.next = self.flags.val() & self.control.val();
        self.protocol_s1.d.next = self.protocol.val();
        self.gre_s1.d.next = self.gre.val();
        self.udp_checksum.v6.next = self.v6.val();
        self.udp_checksum.fragment_header.next = self.fragment_header.val();
        self.udp_checksum.behind_v4.next = self.row[6].val().get_bits::<16>(0);
        self.udp_checksum.behind_v6.next = self.row[11].val().get_bits::<16>(0);
        self.udp_checksum.behind_fragment.next = self.row[13].val().get_bits::<16>(0);
        self.tcp_checksum.v6.next = self.v6.val();
        self.tcp_checksum.fragment_header.next = false;
        self.tcp_checksum.behind_v4.next = self.row[9].val().get_bits::<16>(16);
        self.tcp_checksum.behind_v6.next = self.row[14].val().get_bits::<16>(16);
        self.tcp_checksum.behind_fragment.next = 0.into();
        self.parsed_s1.d.next.reason = 0.into();
        self.parsed_s1.d.next.frame = self.frame.val();
        self.parsed_s1.d.next.ip_length = bit_cast::<LENGTH_BITS, IP_LENGTH_BITS>(self.ip_length.val());
        self.parsed_s1.d.next.ttl = self.hops.val();
        self.parsed_s1.d.next.l3_checksum = self.row[2].val().get_bits::<16>(0);
        self.parsed_s1.d.next.v6 = self.v6.val();
        self.parsed_s1.d.next.gre = self.gre.val();
        self.parsed_s1.d.next.fragment_header = self.fragment_header.val();
        self.udp.next = self.protocol_s1.q.val() == self.proto_udp.val();
        self.parsed_s2.d.next = self.parsed_s1.q.val();
        self.parsed_s2.d.next.udp = self.udp.val();
        self.parsed_s2.d.next.tcp_control = self.control_s1.q.val().any() & !self.udp.val() & !self.gre_s1.q.val();
        if self.udp.val() {
            self.parsed_s2.d.next.l4_checksum = self.udp_checksum.field.val();
        } else {
            self.parsed_s2.d.next.l4_checksum = self.tcp_checksum.field.val();
        }

        // The key. Source and destination are next to each other in both headers as in a key, and so are the ports.
        self.row_key.next.protocol = self.protocol.val();
        self.row_key.next.ingress = self.port.val();
        self.row_key.next.v6 = self.v6.val();
        self.row_key.next.rest = 0.into();
        self.row_key.next.encap = self.encap.val();
        for at in (WINDOW_BITS - 8 * wire::IPV4_HEADER_BYTES)..(WINDOW_BITS - 8 * wire::IPV4_HEADER_BYTES + 1) {
            self.addresses_v4.next = self.window.val().get_bits::<ADDRESSES_V4_BITS>(at);
        }
        if self.v6.val() {
            for at in (WINDOW_BITS - 8 * wire::IPV6_HEADER_BYTES)..(WINDOW_BITS - 8 * wire::IPV6_HEADER_BYTES + 1) {
                self.row_key.next.addresses = self.window.val().get_bits::<ADDRESSES_BITS>(at);
            }
        } else {
            self.row_key.next.addresses = bit_cast::<ADDRESSES_BITS, ADDRESSES_V4_BITS>(self.addresses_v4.val());
        }
        self.ports.next = self.row[5].val();
        if self.v6.val() {
            self.ports.next = self.row[10].val();
        }
        if self.fragment_header.val() {
            self.ports.next = self.row[12].val();
        }
        if self.gre.val() {
            self.ports.next = 0.into();
        }
        self.row_key.next.ports = self.ports.val();
        self.mark.next = self.ports.val() ^ self.id.val();
        self.fragment_s2.din.next.first = false;
        self.fragment_s2.din.next.later = false;
        self.fragment_s2.din.next.more = self.more_fragments.val();
        self.fragment_s2.din.next.id = self.id.val();
        self.fragment_s2.din.next.offset = self.offset.val();
        self.fragment_s2.din.next.units = self.payload.val().get_bits::<OFFSET_BITS>(3);
        self.fragment_s2.din.next.ports = self.ports.val();
        self.key_valid.next = self.header_valid.val();
        self.key.next = self.row_key.val().into();
        self.valid_s1.d.next = self.header_valid.val();
        self.valid_s2.d.next = self.valid_s1.q.val();

        // The first reason.
        self.v6_s2.next = self.parsed_s2.q.val().v6;
        if self.layer2.arp.val() {
            self.reason.next = self.arp.val();
        } else if self.layer2.broadcast.val() {
            self.reason.next = self.broadcast.val();
        } else if self.layer2.multicast.val() {
            self.reason.next = self.multicast.val();
        } else if self.layer2.wrong_mac.val() {
            self.reason.next = self.wrong_mac.val();
        } else if self.layer2.not_ip.val() {
            self.reason.next = self.not_ip.val();
        } else if self.layer3.malformed.val() {
            self.reason.next = self.malformed.val();
        } else if self.layer3.options.val() {
            self.reason.next = self.ip_options.val();
        } else if self.layer3.extension.val() {
            self.reason.next = self.ip_extension.val();
        } else if !self.checksum.correct.val() & !self.v6_s2.val() {
            self.reason.next = self.ip_checksum.val();
        } else if self.layer3.fragment.val() {
            self.reason.next = self.is_fragment.val();
        } else if self.layer3.icmp.val() {
            self.reason.next = self.icmp.val();
        } else if self.layer3.other.val() {
            self.reason.next = self.other_protocol.val();
        } else if self.layer4.malformed.val() & !self.layer3.later.val() {
            self.reason.next = self.malformed.val();
        } else if self.layer4.versioned.val() {
            self.reason.next = self.other_protocol.val();
        } else if !self.lookup_enable.val() {
            self.reason.next = self.lookup_disabled.val();
        } else {
            self.reason.next = 0.into();
        }
        self.valid_s3.d.next = self.valid_s2.q.val();
        self.parsed_s3.d.next = self.parsed_s2.q.val();
        self.parsed_s3.d.next.reason = self.reason.val();
        if self.layer3.later.val() {
            self.parsed_s3.d.next.udp = false;
            self.parsed_s3.d.next.gre = true;
            self.parsed_s3.d.next.tcp_control = false;
        }
        self.fragment_s3.d.next = self.fragment_s2.dout.val();
        if self.valid_s2.q.val() & !self.reason.val().any() {
            self.fragment_s3.d.next.first = self.layer3.first.val();
            self.fragment_s3.d.next.later = self.layer3.later.val();
        }

        self.parsed_valid.next = self.valid_s3.q.val();
        self.parsed.next = self.parsed_s3.q.val();
        self.fragment.next = self.fragment_s3.q.val();

        if self.reset.val() {
            self.valid_s1.d.next = false;
            self.valid_s2.d.next = false;
            self.valid_s3.d.next = false;
            self.fragment_s3.d.next.first = false;
            self.fragment_s3.d.next.later = false;
        }
    }
}
