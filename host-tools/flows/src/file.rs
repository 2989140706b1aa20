//! The text of FLOWS.json, field by field. Unknown fields are refused.

use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowsFile {
    /// Where frames go.
    pub next_hops: Vec<NextHopFields>,
    /// What is done to which.
    pub flows: Vec<FlowFields>,
    /// Ports that take only frames to their own address; the others are promiscuous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortFields>,
}

/// A next hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextHopFields {
    /// Name that flows refer to.
    pub id: u32,
    /// Way out.
    pub port: Egress,
    /// Source Ethernet address; only the host needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_mac: Option<String>,
    /// Destination Ethernet address; only the host needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_mac: Option<String>,
    /// Tags from the outside in: at most two, then at most one PPPoE session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encap: Vec<EncapTag>,
    /// Largest IP packet in bytes.
    #[serde(default = "default_mtu")]
    pub mtu: u16,
}

/// The MTU of a next hop that states none: Ethernet's (RFC 894).
fn default_mtu() -> u16 {
    1500
}

/// Where a next hop's frames leave: a port's number, or `"host"` for flows that are handed to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Egress {
    /// An Ethernet port.
    Port(u8),
    /// The host.
    Host,
}

const HOST: &str = "host";

impl Serialize for Egress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Port(port) => serializer.serialize_u8(*port),
            Self::Host => serializer.serialize_str(HOST),
        }
    }
}

impl<'de> Deserialize<'de> for Egress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortOrHost;

        impl Visitor<'_> for PortOrHost {
            type Value = Egress;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a port number or \"{HOST}\"")
            }

            fn visit_u64<E: Error>(self, port: u64) -> Result<Egress, E> {
                u8::try_from(port).map(Egress::Port).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(port), &self))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Egress, E> {
                if word == HOST { Ok(Egress::Host) } else { Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)) }
            }
        }

        deserializer.deserialize_any(PortOrHost)
    }
}

/// One layer of encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncapTag {
    /// 802.1Q tag with this VLAN id.
    Vlan(u16),
    /// 802.1ad service tag with this VLAN id.
    Qinq(u16),
    /// PPPoE session.
    Pppoe(u16),
}

/// A flow in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowFields {
    /// Which packets.
    #[serde(rename = "match")]
    pub matches: MatchFields,
    /// What is done to them.
    pub action: ActionFields,
}

/// Which packets are a flow's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchFields {
    /// Port they come in by.
    pub port: u8,
    /// Tags they come in with, from the outside in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encap: Vec<EncapTag>,
    /// Layer 4 protocol.
    pub proto: Protocol,
    /// Source address.
    pub src: IpAddr,
    /// Source port; only GRE has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// Destination address.
    pub dst: IpAddr,
    /// Destination port; only GRE has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
}

/// Layer 4 protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// GRE of version 0, which has no ports and is not translated.
    Gre,
}

/// What is done to a flow's packets. What is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionFields {
    /// Source address to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<IpAddr>,
    /// Source port to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// Destination address to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<IpAddr>,
    /// Destination port to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
    /// The `id` of the next hop to leave by.
    pub next_hop: u32,
}

/// A port that takes only frames to its own address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortFields {
    /// Its number.
    pub port: u8,
    /// Its address.
    pub mac: String,
}
