//! What kinds of frames there are, and how often each is drawn.

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand_chacha::ChaCha8Rng;

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
    /// A hit with TTL 0, 1 or 2.
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
    /// A wrong IPv4 header checksum.
    WrongIpChecksum,
    /// A header that contradicts itself or the frame's length.
    Malformed,
    /// ICMP or another protocol than TCP and UDP.
    OtherProtocol,
    /// ARP, IPv6, VLAN or an EtherType that nobody has.
    OtherEtherType,
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
    pub const ALL: [Self; 22] = [
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
        Self::WrongIpChecksum,
        Self::Malformed,
        Self::OtherProtocol,
        Self::OtherEtherType,
        Self::Group,
        Self::Stranger,
        Self::Runt,
        Self::Giant,
        Self::Noise,
    ];
}

/// How often each kind is drawn.
#[derive(Debug, Clone)]
pub struct Mix {
    kinds: Vec<Kind>,
    weights: WeightedIndex<u32>,
}

impl Mix {
    /// Draws each of `kinds` in proportion to its weight.
    ///
    /// # Panics
    /// When no weight is above zero.
    pub fn new(kinds: &[(Kind, u32)]) -> Self {
        let weights = WeightedIndex::new(kinds.iter().map(|(_, weight)| *weight)).expect("a mix has a weight above zero");
        Self { kinds: kinds.iter().map(|(kind, _)| *kind).collect(), weights }
    }

    /// Everything: half of it plain hits, giants seldom, for they are long.
    pub fn everything() -> Self {
        let weight = |kind| match kind {
            Kind::Hit => 400,
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

    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Kind {
        self.kinds[self.weights.sample(rng)]
    }
}
