//! Numbers of the wire that hardware, driver and golden model name alike. Sources: IEEE 802.3, IEEE 802.1Q, IANA.

/// Bytes of an untagged Ethernet header.
pub const ETH_HEADER_BYTES: usize = 14;
/// Shortest frame a port sends, without FCS; shorter ones are padded with zeros.
pub const MIN_FRAME_BYTES: usize = 60;
/// Bytes of layer 3 and 4 headers that the engine looks at: IPv6 and TCP up to its checksum are 58.
pub const HEADER_WINDOW_BYTES: usize = 64;
/// Longest layer 2 header: Ethernet, two tags, PPPoE with its protocol.
pub const MAX_L2_BYTES: usize = 30;

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
/// TPID of an 802.1Q tag.
pub const TPID_DOT1Q: u16 = 0x8100;
/// TPID of an 802.1ad service tag.
pub const TPID_DOT1AD: u16 = 0x88a8;
/// EtherType of a PPPoE session.
pub const ETHERTYPE_PPPOE: u16 = 0x8864;

/// Bytes of one VLAN tag.
pub const TAG_BYTES: usize = 4;
/// Bytes of a PPPoE session header and the PPP protocol behind it (RFC 2516 4, RFC 1661 2).
pub const PPPOE_BYTES: usize = 8;
/// Version 1, type 1, code 0: a PPPoE header that carries session data (RFC 2516 4).
pub const PPPOE_SESSION_DATA: u16 = 0x1100;
/// PPP protocol of IPv4 (RFC 1332).
pub const PPP_IPV4: u16 = 0x0021;
/// PPP protocol of IPv6 (RFC 5072).
pub const PPP_IPV6: u16 = 0x0057;
/// What a PPPoE length counts besides the packet: the PPP protocol.
pub const PPP_PROTOCOL_BYTES: usize = 2;

const _: () = assert!(ETH_HEADER_BYTES + 2 * TAG_BYTES + PPPOE_BYTES == MAX_L2_BYTES);

/// Bytes of an IPv4 header without options (RFC 791 3.1).
pub const IPV4_HEADER_BYTES: usize = 20;
/// Bytes of an IPv6 header (RFC 8200 3).
pub const IPV6_HEADER_BYTES: usize = 40;
/// Bytes of a TCP header without options (RFC 9293 3.1).
pub const TCP_HEADER_BYTES: usize = 20;
/// Bytes of a UDP header (RFC 768).
pub const UDP_HEADER_BYTES: usize = 8;
/// Bytes of a GRE header without options (RFC 2784 2).
pub const GRE_HEADER_BYTES: usize = 4;

/// IP protocol number of ICMP.
pub const PROTO_ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const PROTO_TCP: u8 = 6;
/// IP protocol number of UDP.
pub const PROTO_UDP: u8 = 17;
/// IP protocol number of GRE.
pub const PROTO_GRE: u8 = 47;
/// Next header of ICMPv6.
pub const PROTO_ICMPV6: u8 = 58;
/// Next header of an IPv6 fragment header.
pub const NEXT_HEADER_FRAGMENT: u8 = 44;
/// Bytes of an IPv6 fragment header (RFC 8200 4.5).
pub const FRAGMENT_HEADER_BYTES: usize = 8;
/// Next headers of the other IPv6 extension headers that end in a layer 4 header (RFC 7045 4): hop-by-hop options, routing, authentication,
/// destination options, mobility, HIP, shim6.
pub const NEXT_HEADER_EXTENSIONS: [u8; 7] = [0, 43, 51, 60, 135, 139, 140];

/// Version bits of a GRE header's first 16 bits; only version 0 is forwarded (RFC 2784).
pub const GRE_VERSION: u16 = 7;

/// TCP flags that are the classic path's business: FIN, SYN, RST.
pub const TCP_CONTROL_FLAGS: u8 = 0b111;
