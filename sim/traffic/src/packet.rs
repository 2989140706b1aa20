//! One well-formed packet, before anything is done to it.

use etherparse::{IpNumber, Ipv4Header, TcpHeader, UdpHeader};
use fpgaflow_abi::key::{Addresses, FlowKey};
use fpgaflow_abi::next_hop::MacAddr;
use fpgaflow_abi::wire::{ETHERTYPE_IPV4, PROTO_TCP, PROTO_UDP};

/// A TCP, UDP or other IPv4 packet in an Ethernet frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Destination Ethernet address.
    pub dst_mac: MacAddr,
    /// Source Ethernet address.
    pub src_mac: MacAddr,
    /// Addresses, protocol and ports; the protocol may be any.
    pub key: FlowKey,
    /// Time to live.
    pub ttl: u8,
    /// IPv4 identification.
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

impl Packet {
    /// A packet of flow `key` with nothing special about it.
    pub fn new(key: FlowKey, payload: Vec<u8>) -> Self {
        Self {
            dst_mac: [2, 0, 0, 0, 0, key.ingress],
            src_mac: [2, 0xaa, 0, 0, 0, 0],
            key,
            ttl: 64,
            identification: 0,
            tcp_flags: TCP_ACK,
            tcp_option_words: 0,
            payload,
        }
    }

    /// Bytes of the headers in front of the payload, the Ethernet header not among them.
    pub fn header_bytes(&self) -> usize {
        Ipv4Header::MIN_LEN
            + match self.key.protocol {
                PROTO_TCP => TcpHeader::MIN_LEN + 4 * self.tcp_option_words,
                PROTO_UDP => UdpHeader::LEN,
                _ => 0,
            }
    }

    /// The frame with right lengths and checksums, not padded.
    ///
    /// # Panics
    /// When the packet is longer than IPv4 can say, or the key is not of IPv4.
    pub fn to_frame(&self) -> Vec<u8> {
        let Addresses::V4 { src, dst } = self.key.addresses else { panic!("{:?} is not of IPv4", self.key) };
        let l4_len = self.header_bytes() - Ipv4Header::MIN_LEN + self.payload.len();
        let l4_len = u16::try_from(l4_len).expect("a packet fits its length field");
        let mut ip = Ipv4Header::new(l4_len, self.ttl, IpNumber(self.key.protocol), src.octets(), dst.octets())
            .expect("a packet fits its length field");
        ip.identification = self.identification;
        ip.header_checksum = ip.calc_header_checksum();

        let mut frame = [&self.dst_mac[..], &self.src_mac, &ETHERTYPE_IPV4.to_be_bytes(), &ip.to_bytes()].concat();
        match self.key.protocol {
            PROTO_TCP => frame.extend_from_slice(&self.tcp(&ip)),
            PROTO_UDP => {
                let udp = UdpHeader::with_ipv4_checksum(self.key.sport, self.key.dport, &ip, &self.payload);
                frame.extend_from_slice(&udp.expect("a datagram fits its length field").to_bytes());
            }
            _ => {}
        }
        frame.extend_from_slice(&self.payload);
        frame
    }

    fn tcp(&self, ip: &Ipv4Header) -> Vec<u8> {
        let flag = |bit: u8| self.tcp_flags >> bit & 1 == 1;
        let mut tcp = TcpHeader::new(self.key.sport, self.key.dport, u32::from(self.identification) * 1460, 502);
        (tcp.fin, tcp.syn, tcp.rst, tcp.psh) = (flag(0), flag(1), flag(2), flag(3));
        (tcp.ack, tcp.urg, tcp.ece, tcp.cwr) = (flag(4), flag(5), flag(6), flag(7));
        // No-operations, RFC 9293 3.2.
        tcp.set_options_raw(&[1; 40][..4 * self.tcp_option_words]).expect("at most ten words of options");
        tcp.checksum = tcp.calc_checksum_ipv4(ip, &self.payload).expect("a segment fits its length field");
        tcp.to_bytes().to_vec()
    }
}
