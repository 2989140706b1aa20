//! ctnetlink messages to [`ConnEvent`]s.

use std::net::IpAddr;

use fpgaflow_abi::key::Addresses;
use netlink_packet_core::{NLA_TYPE_MASK, Nla};
use netlink_packet_netfilter::conntrack::{ConntrackAttribute, ConntrackMessage, IPTuple, ProtoInfo, ProtoInfoTCP, ProtoTuple};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner};

use super::{CTA_HELP, CTA_ID, CTA_TUPLE_ZONE, CTA_ZONE};
use crate::flow::{Conn, ConnEvent, ConnName, Status, Tuple};

/// Decodes one message; `None` when it is not about a connection or lacks a tuple. A protocol without ports has ports 0: such
/// connections are known, never offloaded.
pub fn decode(message: &NetfilterMessage) -> Option<ConnEvent> {
    let NetfilterMessageInner::Conntrack(message) = &message.inner else { return None };
    match message {
        ConntrackMessage::New(attributes) => Some(ConnEvent::Update(conn(attributes)?)),
        ConntrackMessage::Delete(attributes) => {
            let Conn { name, id, .. } = conn(attributes)?;
            Some(ConnEvent::Destroy { name, id })
        }
        _ => None,
    }
}

fn conn(attributes: &[ConntrackAttribute]) -> Option<Conn> {
    let (mut original, mut reply, mut zone, mut id) = (None, None, 0, 0);
    let (mut status, mut mark, mut timeout_s, mut tcp_state) = (0, 0, None, None);
    let (mut helper, mut directional_zone) = (false, false);
    for attribute in attributes {
        match attribute {
            ConntrackAttribute::CtaTupleOrig(parts) => original = tuple(parts, &mut directional_zone),
            ConntrackAttribute::CtaTupleReply(parts) => reply = tuple(parts, &mut directional_zone),
            ConntrackAttribute::CtaStatus(bits) => status = bits.bits(),
            ConntrackAttribute::CtaMark(value) => mark = *value,
            ConntrackAttribute::CtaTimeout(seconds) => timeout_s = Some(*seconds),
            ConntrackAttribute::CtaProtoInfo(info) => tcp_state = state(info).or(tcp_state),
            ConntrackAttribute::Other(other) => {
                let mut value = [0; 4];
                let width = other.value_len();
                match (other.kind() & NLA_TYPE_MASK, width) {
                    (CTA_ID, 4) => {
                        other.emit_value(&mut value);
                        id = u32::from_be_bytes(value);
                    }
                    (CTA_ZONE, 2) => {
                        other.emit_value(&mut value[..2]);
                        zone = u16::from_be_bytes([value[0], value[1]]);
                    }
                    (CTA_HELP, _) => helper = true,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Some(Conn {
        name: ConnName { original: original?, zone },
        reply: reply?,
        id,
        status: Status(status),
        mark,
        timeout_s,
        tcp_state,
        helper,
        directional_zone,
    })
}

fn tuple(parts: &[netlink_packet_netfilter::conntrack::Tuple], directional_zone: &mut bool) -> Option<Tuple> {
    use netlink_packet_netfilter::conntrack::Tuple as Part;
    let (mut src, mut dst): (Option<IpAddr>, Option<IpAddr>) = (None, None);
    let (mut protocol, mut sport, mut dport) = (None, 0, 0);
    for part in parts {
        match part {
            Part::Ip(addresses) => {
                for address in addresses {
                    match address {
                        IPTuple::SourceAddress(address) => src = Some(*address),
                        IPTuple::DestinationAddress(address) => dst = Some(*address),
                        _ => {}
                    }
                }
            }
            Part::Proto(selectors) => {
                for selector in selectors {
                    match selector {
                        ProtoTuple::Protocol(number) => protocol = Some(u8::from(*number)),
                        ProtoTuple::SourcePort(port) => sport = *port,
                        ProtoTuple::DestinationPort(port) => dport = *port,
                        _ => {}
                    }
                }
            }
            Part::Other(other) => *directional_zone |= other.kind() & NLA_TYPE_MASK == CTA_TUPLE_ZONE,
            _ => {}
        }
    }
    Some(Tuple { addresses: Addresses::new(src?, dst?)?, sport, dport, protocol: protocol? })
}

fn state(info: &[ProtoInfo]) -> Option<u8> {
    info.iter().find_map(|info| match info {
        ProtoInfo::TCP(parts) => parts.iter().find_map(|part| match part {
            ProtoInfoTCP::State(state) => Some(*state),
            _ => None,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
