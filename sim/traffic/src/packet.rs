//! One well-formed packet, before anything is done to it.

use etherparse::{IpDscp, IpEcn, IpNumber, Ipv4Header, Ipv6Header, TcpHeader, UdpHeader};
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey, TagKind};
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::wire::{
    ETH_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_PPPOE, GRE_HEADER_BYTES, PPP_IPV4, PPP_IPV6, PPP_PROTOCOL_BYTES,
    PPPOE_SESSION_DATA, PROTO_GRE, PROTO_TCP, PROTO_UDP, TPID_DOT1AD, TPID_DOT1Q,
};

/// A TCP, UDP, GRE or other packet of either family in an Ethernet frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Destination Ethernet address.
    pub dst_mac: MacAddr,
    /// Source Ethernet address.
    pub src_mac: MacAddr,
    /// Encapsulation, addresses, protocol and ports; the protocol may be any.
    pub key: FlowKey,
    /// Priority and DEI of every tag, four bits.
    pub priority: u8,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// IPv4 identification, or IPv6 flow label.
    pub identification: u16,
    /// TCP flags, FIN the lowest bit.
    pub tcp_flags: u8,
    /// Words of TCP options, at most 10.
    pub tcp_option_words: usize,
    /// What the layer 4 header carries.
    pub payload: Vec<u8>,
}

/// ACK, as all but the first segment of a connection have it.
pub(crate) const TCP_ACK: u8 = 0x10;
/// A GRE header without options whose payload are Ethernet frames (RFC 2784 2).
const GRE_HEADER: [u8; GRE_HEADER_BYTES] = [0x00, 0x00, 0x65, 0x58];

impl Packet {
    /// A packet of flow `key` with nothing special about it.
    pub fn new(key: FlowKey, payload: Vec<u8>) -> Self {
        Self {
            dst_mac: [2, 0, 0, 0, 0, key.ingress],
            src_mac: [2, 0xaa, 0, 0, 0, 0],
            key,
            priority: 0,
            traffic_class: 0,
            ttl: 64,
            identification: 0,
            tcp_flags: TCP_ACK,
            tcp_option_words: 0,
            payload,
        }
    }

    /// Bytes of the headers in front of the payload, layer 2 not among them.
    pub fn header_bytes(&self) -> usize {
        l3_header_bytes(self.key.family()) + self.l4_header_bytes()
    }

    fn l4_header_bytes(&self) -> usize {
        match self.key.protocol {
            PROTO_TCP => TcpHeader::MIN_LEN + 4 * self.tcp_option_words,
            PROTO_UDP => UdpHeader::LEN,
            PROTO_GRE => GRE_HEADER_BYTES,
            _ => 0,
        }
    }

    /// The frame with right lengths and checksums, not padded.
    ///
    /// # Panics
    /// When the packet is longer than its headers can say.
    pub fn to_frame(&self) -> Vec<u8> {
        let l4_len = u16::try_from(self.l4_header_bytes() + self.payload.len()).expect("a packet fits its length field");
        let (ip, l4) = match self.key.addresses {
            Addresses::V4 { src, dst } => {
                let mut ip = Ipv4Header::new(l4_len, self.ttl, IpNumber(self.key.protocol), src.octets(), dst.octets())
                    .expect("a packet fits its length field");
                ip.identification = self.identification;
                ip.dscp = IpDscp::try_new(self.traffic_class >> 2).expect("six bits");
                ip.ecn = IpEcn::try_new(self.traffic_class & 3).expect("two bits");
                ip.header_checksum = ip.calc_header_checksum();
                let l4 = self.l4(
                    |tcp| tcp.calc_checksum_ipv4(&ip, &self.payload),
                    |sport, dport| UdpHeader::with_ipv4_checksum(sport, dport, &ip, &self.payload),
                );
                (ip.to_bytes().to_vec(), l4)
            }
            Addresses::V6 { src, dst } => {
                let ip = Ipv6Header {
                    traffic_class: self.traffic_class,
                    flow_label: u32::from(self.identification).try_into().expect("16 of 20 bits"),
                    payload_length: l4_len,
                    next_header: IpNumber(self.key.protocol),
                    hop_limit: self.ttl,
                    source: src.octets(),
                    destination: dst.octets(),
                };
                let l4 = self.l4(
                    |tcp| tcp.calc_checksum_ipv6(&ip, &self.payload),
                    |sport, dport| UdpHeader::with_ipv6_checksum(sport, dport, &ip, &self.payload),
                );
                (ip.to_bytes().to_vec(), l4)
            }
        };
        let mut frame = [self.dst_mac, self.src_mac].concat();
        self.encapsulate(&mut frame, ip.len() + usize::from(l4_len));
        frame.extend_from_slice(&ip);
        frame.extend_from_slice(&l4);
        frame.extend_from_slice(&self.payload);
        frame
    }

    /// Everything between the addresses and an IP packet of `ip_bytes`.
    fn encapsulate(&self, frame: &mut Vec<u8>, ip_bytes: usize) {
        let Encap { tags, pppoe } = self.key.encap;
        for tag in tags.iter().flatten() {
            let tpid = match tag.kind {
                TagKind::Dot1Q => TPID_DOT1Q,
                TagKind::Dot1ad => TPID_DOT1AD,
            };
            frame.extend_from_slice(&tpid.to_be_bytes());
            frame.extend_from_slice(&(u16::from(self.priority) << 12 | tag.vid).to_be_bytes());
        }
        let (ethertype, ppp) = match self.key.family() {
            Family::V4 => (ETHERTYPE_IPV4, PPP_IPV4),
            Family::V6 => (ETHERTYPE_IPV6, PPP_IPV6),
        };
        match pppoe {
            None => frame.extend_from_slice(&ethertype.to_be_bytes()),
            Some(session) => {
                let length = u16::try_from(ip_bytes + PPP_PROTOCOL_BYTES).expect("a packet fits its length field");
                let words = [ETHERTYPE_PPPOE, PPPOE_SESSION_DATA, session, length, ppp];
                words.iter().for_each(|word| frame.extend_from_slice(&word.to_be_bytes()));
            }
        }
    }

    /// The layer 4 header, its checksum as the functions make it for an IP header.
    fn l4<E: std::fmt::Debug>(
        &self,
        tcp_checksum: impl Fn(&TcpHeader) -> Result<u16, E>,
        udp: impl Fn(u16, u16) -> Result<UdpHeader, E>,
    ) -> Vec<u8> {
        match self.key.protocol {
            PROTO_TCP => {
                let mut tcp = self.tcp();
                tcp.checksum = tcp_checksum(&tcp).expect("a segment fits its length field");
                tcp.to_bytes().to_vec()
            }
            PROTO_UDP => udp(self.key.sport, self.key.dport).expect("a datagram fits its length field").to_bytes().to_vec(),
            PROTO_GRE => GRE_HEADER.to_vec(),
            _ => Vec::new(),
        }
    }

    fn tcp(&self) -> TcpHeader {
        let flag = |bit: u8| self.tcp_flags >> bit & 1 == 1;
        let mut tcp = TcpHeader::new(self.key.sport, self.key.dport, u32::from(self.identification) * 1460, 502);
        (tcp.fin, tcp.syn, tcp.rst, tcp.psh) = (flag(0), flag(1), flag(2), flag(3));
        (tcp.ack, tcp.urg, tcp.ece, tcp.cwr) = (flag(4), flag(5), flag(6), flag(7));
        // No-operations, RFC 9293 3.2.
        tcp.set_options_raw(&[1; 40][..4 * self.tcp_option_words]).expect("at most ten words of options");
        tcp
    }
}

/// Bytes of the Ethernet header and `encap`.
pub(crate) fn l2_bytes(encap: &Encap) -> usize {
    ETH_HEADER_BYTES + encap.bytes()
}

/// Bytes of an IP header without options.
pub(crate) fn l3_header_bytes(family: Family) -> usize {
    match family {
        Family::V4 => Ipv4Header::MIN_LEN,
        Family::V6 => Ipv6Header::LEN,
    }
}
