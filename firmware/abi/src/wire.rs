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

/// IP protocol number of ICMP.
pub const PROTO_ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const PROTO_TCP: u8 = 6;
/// IP protocol number of UDP.
pub const PROTO_UDP: u8 = 17;

/// TCP flags that are the classic path's business: FIN, SYN, RST.
pub const TCP_CONTROL_FLAGS: u8 = 0b111;
