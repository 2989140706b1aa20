//! Why a frame was not forwarded by the card. Every reason has a counter; nothing is punted or dropped without one.
//!
//! # Layer 2
//! Up to two tags (802.1Q or 802.1ad, in any order), then a PPPoE session header with code 0 whose PPP protocol is IPv4 or IPv6, are part
//! of layer 2. The EtherType that [`Reason::Arp`] and [`Reason::NotIp`] look at is the one behind all tags; a PPPoE header of another kind
//! is none, so its EtherType stays. A frame that ends inside its tags or PPPoE header is taken as one without any: its EtherType is its first TPID.
//!
//! # Order
//! A frame has exactly one verdict: the first reason that applies, in the order of [`Reason::ALL`] except that
//! [`Reason::Malformed`] is found in two places (layer 3 before [`Reason::IpOptions`], layer 4 before
//! [`Reason::LookupDisabled`]). A GRE header's version is looked at where there is one; a packet too short for it is malformed.
//! [`Reason::HostFull`] and [`Reason::TxFull`] come after a verdict and are counted besides it.

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Left by a port, rewritten.
    Forward,
    /// Goes to the host, unchanged.
    Punt,
    /// Ends here.
    Drop,
}

/// Reasons in the card's numbering; also the index of the reason's counter.
pub const REASONS: usize = 32;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal, $disposition:ident;)+) => {
        /// Why a frame was not forwarded, or that it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant = $code,)+
        }

        impl Reason {
            /// Every reason, in the order in which they are looked for.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The reason with `code`; `None` for a code that the ABI does not have.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name used in `punts.jsonl`, `stats.json` and every listing.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What becomes of the frame.
            pub const fn disposition(self) -> Disposition {
                match self {
                    $(Self::$variant => Disposition::$disposition,)+
                }
            }
        }
    };
}

reasons! {
    /// Frame came by a port whose receive side is off.
    PortDisabled = 1, "port_disabled", Drop;
    /// The MAC marked the frame bad.
    RxError = 2, "rx_error", Drop;
    /// Longer than the engine's longest frame.
    Oversize = 3, "oversize", Drop;
    /// Shorter than an Ethernet header.
    Runt = 4, "runt", Drop;
    /// EtherType ARP.
    Arp = 5, "arp", Punt;
    /// Destination is the broadcast address.
    Broadcast = 6, "broadcast", Punt;
    /// Destination has the group bit.
    Multicast = 7, "multicast", Punt;
    /// Destination is not the port's address and the port is not promiscuous.
    WrongMac = 8, "wrong_mac", Punt;
    /// Neither IPv4 nor IPv6 behind at most two tags and a PPPoE session header.
    NotIp = 9, "not_ip", Punt;
    /// A header that contradicts itself or the length that frame and PPPoE header leave it: version, IHL, total or payload length, TCP data
    /// offset, UDP length, no room for a layer 4 header.
    Malformed = 10, "malformed", Punt;
    /// IPv4 with options.
    IpOptions = 11, "ip_options", Punt;
    /// IPv6 with an extension header other than a fragment header before layer 4.
    IpExtension = 25, "ip_extension", Punt;
    /// IPv4 header checksum is wrong (RFC 1812 5.2.2).
    IpChecksum = 12, "ip_checksum", Punt;
    /// More fragments or a fragment offset; in IPv6 a fragment header. With `FLOW_CTRL.FRAGMENTS` on only what [`crate::fragment`] does not
    /// forward.
    Fragment = 13, "fragment", Punt;
    /// ICMP or ICMPv6.
    Icmp = 14, "icmp", Punt;
    /// Another layer 4 protocol than TCP, UDP and GRE version 0.
    OtherProtocol = 15, "other_protocol", Punt;
    /// `FLOW_CTRL.LOOKUP` is off.
    LookupDisabled = 16, "lookup_disabled", Punt;
    /// The lookup met a row whose parity is wrong and found nothing without it: a slot of the key's eight beside which no other hit, the
    /// entry, or the next hop. The row is in register `PARITY`.
    Parity = 26, "parity", Punt;
    /// No entry has the key.
    Miss = 17, "miss", Punt;
    /// The entry's next hop is not valid.
    NoNextHop = 18, "no_next_hop", Punt;
    /// The entry's next hop is the host.
    HostAddressed = 19, "host_addressed", Punt;
    /// FIN, SYN or RST on a known flow.
    TcpFlags = 20, "tcp_flags", Punt;
    /// TTL or hop limit is 0 or 1.
    Ttl = 21, "ttl", Punt;
    /// IP packet larger than the next hop's MTU.
    Mtu = 22, "mtu", Punt;
    /// A punted frame found no room towards the host.
    HostFull = 23, "host_full", Drop;
    /// A frame found no room at an egress port that drops instead of waiting.
    TxFull = 24, "tx_full", Drop;
    /// Forwarded: the counter of this pseudo reason counts frames sent by the flow table.
    Forwarded = 0, "forwarded", Forward;
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_fit_the_counters() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(*reason as u8), Some(*reason));
            assert!((*reason as usize) < REASONS);
        }
        assert_eq!(Reason::from_code(31), None);
    }
}
