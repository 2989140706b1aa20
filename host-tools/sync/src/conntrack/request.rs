//! The requests a daemon makes of conntrack: dump, look at one connection, make it liberal, extend its life.

use netlink_packet_core::{DefaultNla, NLM_F_ACK};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple, Protocol, Status as NetfilterStatus,
    Tuple as TuplePart,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::{CTA_ZONE, VERSION, decode};
use crate::flow::{Conn, ConnEvent, ConnName, Status, Tuple};
use crate::netlink::{DumpProgress, NetlinkError, Requests};
use fpgaflow_abi::key::Family;

/// `CTA_PROTOINFO_TCP_FLAGS_ORIGINAL`.
const CTA_PROTOINFO_TCP_FLAGS_ORIGINAL: u16 = 4;
/// `CTA_PROTOINFO_TCP_FLAGS_REPLY`.
const CTA_PROTOINFO_TCP_FLAGS_REPLY: u16 = 5;
/// `IP_CT_TCP_FLAG_BE_LIBERAL` of `nf_conntrack_tcp.h`: do not check windows.
const TCP_BE_LIBERAL: u8 = 0x08;

/// What became of a request to let a connection live longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extended {
    /// It has this many seconds left.
    To(u32),
    /// There is no such connection any more.
    Gone,
}

/// Requests to conntrack of one network namespace.
pub struct ConntrackRequests {
    requests: Requests,
}

impl ConntrackRequests {
    /// Opens a socket in the caller's network namespace.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { requests: Requests::open(NETLINK_NETFILTER)? })
    }

    /// Starts a dump of every connection; [`ConntrackRequests::dump_next`] reads it.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn dump_start(&mut self) -> Result<(), NetlinkError> {
        let message = message(NetfilterProtoFamily::Unspec, ConntrackMessage::Get(Vec::new()));
        self.requests.dump_start("list connections", message)
    }

    /// Reads the next few connections of the dump; true when there are more.
    ///
    /// # Errors
    /// As [`Requests::dump_next`].
    pub fn dump_next(&mut self, mut each: impl FnMut(Conn)) -> Result<bool, NetlinkError> {
        let progress = self.requests.dump_next::<NetfilterMessage>("list connections", |message| {
            if let Some(ConnEvent::Update(conn)) = decode(&message) {
                each(conn);
            }
        })?;
        Ok(progress == DumpProgress::More)
    }

    /// The connection `name` as it is now; `None` when it is gone or another one has its name.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`], [`NetlinkError::Decode`].
    pub fn get(&mut self, name: &ConnName, id: u32) -> Result<Option<Conn>, NetlinkError> {
        let get = message(family(name), ConntrackMessage::Get(naming(name)));
        match self.requests.query::<NetfilterMessage>("look at a connection", get, 0) {
            Ok(answer) => Ok(answer.as_ref().and_then(decode).and_then(|event| match event {
                ConnEvent::Update(conn) if conn.id == id => Some(conn),
                _ => None,
            })),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Switches window tracking off in both directions, so that packets which conntrack did not see do no harm. False when the
    /// connection is gone.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn make_tcp_liberal(&mut self, name: &ConnName) -> Result<bool, NetlinkError> {
        self.update("make a TCP connection liberal", name, liberal())
    }

    /// Gives the connection at least `seconds` to live from now; never shortens it.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn extend(&mut self, name: &ConnName, id: u32, seconds: u32) -> Result<Extended, NetlinkError> {
        let Some(conn) = self.get(name, id)? else { return Ok(Extended::Gone) };
        match conn.timeout_s {
            Some(left) if left >= seconds => Ok(Extended::To(left)),
            _ => Ok(match self.update("extend a connection", name, ConntrackAttribute::CtaTimeout(seconds))? {
                true => Extended::To(seconds),
                false => Extended::Gone,
            }),
        }
    }

    /// Marks the connection as assured, so that conntrack does not drop it early when it is full: the card sees its traffic where
    /// conntrack no longer does. `status` is what it has now; bits are only ever added. False when it is gone.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn make_assured(&mut self, name: &ConnName, status: Status) -> Result<bool, NetlinkError> {
        let status = NetfilterStatus::from_bits_retain(status.0 | Status::ASSURED);
        self.update("assure a connection", name, ConntrackAttribute::CtaStatus(status))
    }

    fn update(&mut self, operation: &'static str, name: &ConnName, change: ConntrackAttribute) -> Result<bool, NetlinkError> {
        // Without NLM_F_CREATE, NEW is an update.
        let mut attributes = naming(name);
        attributes.push(change);
        match self.requests.execute(operation, message(family(name), ConntrackMessage::New(attributes)), NLM_F_ACK) {
            Ok(()) => Ok(true),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn liberal() -> ConntrackAttribute {
    // Value, then mask. `TCPFlags` cannot be made outside its crate.
    let flags = |attribute| ProtoInfoTCP::Other(DefaultNla::new(attribute, vec![TCP_BE_LIBERAL; 2]));
    let parts = vec![flags(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL), flags(CTA_PROTOINFO_TCP_FLAGS_REPLY)];
    ConntrackAttribute::CtaProtoInfo(vec![ProtoInfo::TCP(parts)])
}

fn message(family: NetfilterProtoFamily, message: ConntrackMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(family, VERSION, 0), message)
}

fn family(name: &ConnName) -> NetfilterProtoFamily {
    match name.original.addresses.family() {
        Family::V4 => NetfilterProtoFamily::IPv4,
        Family::V6 => NetfilterProtoFamily::IPv6,
    }
}

/// The attributes that name a connection.
fn naming(name: &ConnName) -> Vec<ConntrackAttribute> {
    let mut attributes = vec![ConntrackAttribute::CtaTupleOrig(tuple(&name.original))];
    if name.zone != 0 {
        attributes.push(ConntrackAttribute::Other(DefaultNla::new(CTA_ZONE, name.zone.to_be_bytes().to_vec())));
    }
    attributes
}

fn tuple(tuple: &Tuple) -> Vec<TuplePart> {
    vec![
        TuplePart::Ip(vec![IPTuple::SourceAddress(tuple.addresses.src()), IPTuple::DestinationAddress(tuple.addresses.dst())]),
        TuplePart::Proto(vec![
            ProtoTuple::Protocol(Protocol::from(tuple.protocol)),
            ProtoTuple::SourcePort(tuple.sport),
            ProtoTuple::DestinationPort(tuple.dport),
        ]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};

    #[test]
    fn the_liberal_update_has_the_bytes_that_the_kernel_expects() {
        let name = ConnName {
            original: Tuple {
                addresses: fpgaflow_abi::key::Addresses::V4 { src: [192, 0, 2, 10].into(), dst: [198, 51, 100, 1].into() },
                sport: 40000,
                dport: 443,
                protocol: 6,
            },
            zone: 7,
        };
        let mut attributes = naming(&name);
        attributes.push(liberal());
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let body = message(family(&name), ConntrackMessage::New(attributes));
        let mut netlink = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(body));
        netlink.finalize();
        let mut bytes = vec![0; netlink.buffer_len()];
        netlink.serialize(&mut bytes);
        #[rustfmt::skip]
        let expected: &[u8] = &[
            // nlmsghdr: length, type NFNL_SUBSYS_CTNETLINK<<8 | IPCTNL_MSG_CT_NEW, REQUEST|ACK, sequence, port
            104, 0, 0, 0,  0x00, 0x01,  0x05, 0x00,  0, 0, 0, 0,  0, 0, 0, 0,
            // nfgenmsg: AF_INET, version, resource
            2, 0, 0, 0,
            // CTA_TUPLE_ORIG, nested: IP (source, destination), PROTO (number, ports)
            52, 0, 1, 0x80,
            20, 0, 1, 0x80,  8, 0, 1, 0, 192, 0, 2, 10,  8, 0, 2, 0, 198, 51, 100, 1,
            28, 0, 2, 0x80,  5, 0, 1, 0, 6, 0, 0, 0,  6, 0, 2, 0, 0x9c, 0x40, 0, 0,  6, 0, 3, 0, 0x01, 0xbb, 0, 0,
            // CTA_ZONE
            6, 0, 18, 0, 0, 7, 0, 0,
            // CTA_PROTOINFO, TCP, flags of original and reply direction: value 8, mask 8
            24, 0, 4, 0x80,  20, 0, 1, 0x80,  6, 0, 4, 0, 8, 8, 0, 0,  6, 0, 5, 0, 8, 8, 0, 0,
        ];
        assert_eq!(bytes, expected);
    }
}
