//! Why a file is refused: one line that names file and field.

use fpgaflow_abi::entry::NEXT_HOP_BITS;

use crate::mac::MacError;

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum FlowsError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// Its name.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is not JSON, or not of this shape.
    #[error("{file}: {field}: {source}")]
    Shape {
        /// Its name.
        file: String,
        /// Where in it, `.` for the file itself.
        field: String,
        /// What serde says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A field's value cannot be used.
    #[error("{file}: {field}: {problem}")]
    Field {
        /// The file's name.
        file: String,
        /// The field, such as `flows[3].action.next_hop`.
        field: String,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No next hop has the id that a flow names.
    #[error("no next hop has id {0}")]
    NoNextHop(u32),
    /// Two next hops have one id.
    #[error("id {id} is already that of next_hops[{first}]")]
    DuplicateNextHop {
        /// The id.
        id: u32,
        /// Index of the first.
        first: usize,
    },
    /// Two flows match the same packets.
    #[error("matches the same packets as flows[{0}]")]
    DuplicateFlow(usize),
    /// One port is configured twice.
    #[error("port {port} is already configured by ports[{first}]")]
    DuplicatePort {
        /// The port.
        port: u8,
        /// Index of the first.
        first: usize,
    },
    /// An address is not of the family of the flow's source address.
    #[error("{address} is not an IPv{version} address as match.src is")]
    Family {
        /// The address.
        address: std::net::IpAddr,
        /// 4 or 6.
        version: u8,
    },
    /// Not an Ethernet address.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// A station's address has the group bit.
    #[error("\"{0}\" is a group address")]
    GroupMac(String),
    /// A next hop by a port needs Ethernet addresses.
    #[error("is missing; only a next hop to the host needs none")]
    NoMac,
    /// A VLAN id is out of range (IEEE 802.1Q 9.6).
    #[error("{0} is not a VLAN id, which is at most 4094")]
    VlanId(u16),
    /// A PPPoE session is out of range (RFC 2516 4).
    #[error("{0} is not a PPPoE session, which is from 1 to 65534")]
    Session(u16),
    /// A flow of TCP or UDP without one of its ports.
    #[error("is missing; only gre has no ports")]
    NoPort,
    /// A port of a GRE flow.
    #[error("gre has no ports")]
    GrePort,
    /// A GRE flow with another address in its action: as in the kernel's flowtable, GRE is forwarded without NAT.
    #[error("gre is not translated")]
    GreTranslated,
    /// Frames that would leave by a next hop can be longer than the engine's longest.
    #[error(
        "packets of up to {mtu} bytes leave as frames of up to {frame} in this encapsulation, the {engine} engine's are at most {most}"
    )]
    LongFrame {
        /// The MTU.
        mtu: u16,
        /// Bytes of the longest frame.
        frame: usize,
        /// The engine's name.
        engine: &'static str,
        /// Bytes of the engine's longest frame.
        most: usize,
    },
    /// A third tag, or anything inside PPPoE.
    #[error("is too deep; there can be two VLAN tags, then PPPoE")]
    EncapDepth,
    /// A port that no card, or not this one, has.
    #[error("there is no port {port}; the ports are 0 to {last}")]
    Port {
        /// The port.
        port: u8,
        /// The last there is.
        last: u8,
    },
    /// More next hops than the card, or any card, has.
    #[error("there are {found}, the engine has room for {most}")]
    TooManyNextHops {
        /// How many there are.
        found: usize,
        /// How many there can be: no card has more than 2 to the power of [`NEXT_HOP_BITS`].
        most: u32,
    },
    /// More flows than the card has entries.
    #[error("{found} of them are IPv{version}, the engine has entries for {most}")]
    TooManyFlows {
        /// How many there are.
        found: usize,
        /// 4 or 6.
        version: u8,
        /// How many there can be.
        most: u32,
    },
}

/// Most next hops of any card.
pub(crate) const MOST_NEXT_HOPS: u32 = 1 << NEXT_HOP_BITS;
