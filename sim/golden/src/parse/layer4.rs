//! TCP (RFC 9293 3.1), UDP (RFC 768) and GRE (RFC 2784 2) headers.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    GRE_HEADER_BYTES, GRE_VERSION, PROTO_GRE, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS, TCP_HEADER_BYTES, UDP_HEADER_BYTES,
};

use super::{Part, be16};

/// What is looked at of layer 4.
pub(super) struct Layer4 {
    /// Bytes of header and payload.
    pub len: usize,
    /// Source port, 0 where the protocol has none.
    pub sport: u16,
    /// Destination port, 0 where the protocol has none.
    pub dport: u16,
    /// TCP with FIN, SYN or RST.
    pub tcp_control: bool,
}

/// Layer 4 of a packet of `protocol`, `l4` being all that IP carries: all of it or `part`.
pub(super) fn of(protocol: u8, l4: &[u8], part: Option<Part>) -> Result<Layer4, Reason> {
    match protocol {
        _ if part.is_some_and(|part| !part.is_first()) => Ok(Layer4 { len: l4.len(), sport: 0, dport: 0, tcp_control: false }),
        PROTO_TCP => tcp(l4),
        PROTO_UDP => udp(l4, part.is_none()),
        PROTO_GRE => gre(l4),
        _ => Err(Reason::OtherProtocol),
    }
}

fn tcp(l4: &[u8]) -> Result<Layer4, Reason> {
    if l4.len() < TCP_HEADER_BYTES {
        return Err(Reason::Malformed);
    }
    let data_offset = usize::from(l4[12] >> 4) * 4;
    if data_offset < TCP_HEADER_BYTES || data_offset > l4.len() {
        return Err(Reason::Malformed);
    }
    Ok(Layer4 { len: l4.len(), sport: be16(l4, 0), dport: be16(l4, 2), tcp_control: l4[13] & TCP_CONTROL_FLAGS != 0 })
}

/// A datagram may be shorter than what IP carries, not longer if that is the `whole` of it.
fn udp(l4: &[u8], whole: bool) -> Result<Layer4, Reason> {
    if l4.len() < UDP_HEADER_BYTES {
        return Err(Reason::Malformed);
    }
    let len = usize::from(be16(l4, 4));
    if len < UDP_HEADER_BYTES || whole && len > l4.len() {
        return Err(Reason::Malformed);
    }
    Ok(Layer4 { len: len.min(l4.len()), sport: be16(l4, 0), dport: be16(l4, 2), tcp_control: false })
}

/// GRE of another version is a protocol of its own (RFC 2637 4.1).
fn gre(l4: &[u8]) -> Result<Layer4, Reason> {
    if l4.len() < GRE_HEADER_BYTES {
        return Err(Reason::Malformed);
    }
    if be16(l4, 0) & GRE_VERSION != 0 {
        return Err(Reason::OtherProtocol);
    }
    Ok(Layer4 { len: l4.len(), sport: 0, dport: 0, tcp_control: false })
}
