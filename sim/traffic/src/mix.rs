//! What kinds of frames there are, and how often each is drawn.

use fpgaflow_abi::key::{Encap, Family, FlowKey};
use fpgaflow_abi::wire::{PROTO_GRE, PROTO_TCP, PROTO_UDP};
use rand_chacha::ChaCha8Rng;

use crate::variety::Variety;
use crate::weighted::Weighted;

/// What a frame is meant to be. The card may still find an earlier reason, a hit may for instance be larger than its MTU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A packet of an installed flow.
    Hit,
    /// A hit with something behind its IP packet.
    HitWithTrailer,
    /// A hit with a wrong layer 4 checksum.
    HitWithWrongChecksum,
    /// A datagram without a checksum.
    UdpWithoutChecksum,
    /// A datagram whose checksum becomes 0 by its translation.
    UdpBecomingZero,
    /// A datagram shorter than its IP packet.
    ShortDatagram,
    /// A hit as large as its MTU, or one byte off.
    MtuBorder,
    /// A hit with TTL or hop limit 0, 1 or 2.
    TtlBorder,
    /// A hit with FIN, SYN or RST among its flags.
    TcpFlags,
    /// One bit of the key is not an installed flow's.
    NearMiss,
    /// Another key altogether.
    Miss,
    /// A fragment of an installed flow.
    Fragment,
    /// An installed flow's packet with IPv4 options.
    Options,
    /// An IPv6 packet with an extension header before layer 4.
    Extension,
    /// A wrong IPv4 header checksum.
    WrongIpChecksum,
    /// A header that contradicts itself or the frame's length.
    Malformed,
    /// ICMP, ICMPv6 or another protocol than TCP, UDP and GRE.
    OtherProtocol,
    /// GRE of another version than 0.
    GreVersion,
    /// ARP, the other family's, a tag's or an EtherType that nobody has.
    OtherEtherType,
    /// The frame ends inside its tags or PPPoE header.
    CutEncap,
    /// More than two tags.
    ThirdTag,
    /// PPPoE that is no session data of IP: another version, type, code or PPP protocol.
    OtherPppoe,
    /// A PPPoE length that is the packet's, more, or less.
    PppoeLength,
    /// To the broadcast or a group address.
    Group,
    /// To somebody else's address.
    Stranger,
    /// Shorter than an Ethernet header, or nothing at all.
    Runt,
    /// As long as the card takes, or longer.
    Giant,
    /// An Ethernet header and random bytes.
    Noise,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 28] = [
        Self::Hit,
        Self::HitWithTrailer,
        Self::HitWithWrongChecksum,
        Self::UdpWithoutChecksum,
        Self::UdpBecomingZero,
        Self::ShortDatagram,
        Self::MtuBorder,
        Self::TtlBorder,
        Self::TcpFlags,
        Self::NearMiss,
        Self::Miss,
        Self::Fragment,
        Self::Options,
        Self::Extension,
        Self::WrongIpChecksum,
        Self::Malformed,
        Self::OtherProtocol,
        Self::GreVersion,
        Self::OtherEtherType,
        Self::CutEncap,
        Self::ThirdTag,
        Self::OtherPppoe,
        Self::PppoeLength,
        Self::Group,
        Self::Stranger,
        Self::Runt,
        Self::Giant,
        Self::Noise,
    ];
}

impl Kind {
    /// Whether a packet with `key` can be made into this.
    pub(crate) fn suits(self, key: &FlowKey) -> bool {
        match self {
            Self::UdpWithoutChecksum | Self::UdpBecomingZero | Self::ShortDatagram => key.protocol == PROTO_UDP,
            Self::TcpFlags => key.protocol == PROTO_TCP,
            Self::GreVersion => key.protocol == PROTO_GRE,
            Self::Options | Self::WrongIpChecksum => key.family() == Family::V4,
            Self::Extension => key.family() == Family::V6,
            Self::CutEncap => key.encap != Encap::NONE,
            Self::OtherPppoe | Self::PppoeLength => key.encap.pppoe.is_some(),
            _ => true,
        }
    }
}

/// How often each kind is drawn.
#[derive(Debug, Clone)]
pub struct Mix {
    kinds: Weighted<Kind>,
}

impl Mix {
    /// Draws each of `kinds` in proportion to its weight.
    ///
    /// # Panics
    /// When no weight is above zero.
    pub fn new(kinds: &[(Kind, u32)]) -> Self {
        Self { kinds: Weighted::new(WHAT, kinds.iter().copied()) }
    }

    /// Everything: close to half of it plain hits, giants seldom, for they are long.
    pub fn everything() -> Self {
        let weight = |kind| match kind {
            Kind::Hit => 500,
            Kind::HitWithTrailer | Kind::Malformed => 60,
            Kind::Giant => 1,
            _ => 20,
        };
        Self::new(&Kind::ALL.map(|kind| (kind, weight(kind))))
    }

    /// Nothing but hits.
    pub fn hits() -> Self {
        Self::new(&[(Kind::Hit, 1)])
    }

    /// Without `kind`.
    ///
    /// # Panics
    /// When nothing else is in the mix.
    pub fn without(&self, kind: Kind) -> Self {
        Self { kinds: self.kinds.only(WHAT, |other| other != kind) }
    }

    /// Without the kinds that no packet of `variety` can be made into.
    ///
    /// # Panics
    /// When none is left.
    pub(crate) fn within(&self, variety: &Variety) -> Self {
        let keys = variety.samples();
        Self { kinds: self.kinds.only(WHAT, |kind| keys.iter().any(|key| kind.suits(key))) }
    }

    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Kind {
        self.kinds.draw(rng)
    }
}

/// What a mix is of, for its panic.
const WHAT: &str = "a kind of frame";
