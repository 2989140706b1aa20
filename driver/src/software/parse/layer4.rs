//! Layer 4 headers behind any IP header: TCP (RFC 9293 3.1), UDP (RFC 768), GRE version 0 (RFC 2784 2).

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{
    GRE_HEADER_BYTES, GRE_VERSION, PROTO_GRE, PROTO_TCP, PROTO_UDP, TCP_CONTROL_FLAGS, TCP_HEADER_BYTES, UDP_HEADER_BYTES,
};

/// What is looked at of layer 4.
pub(super) struct Layer4 {
    /// Source and destination port as on the wire; zeros where the protocol has none.
    pub ports: [u8; 4],
    pub tcp_control: bool,
}

/// Parses what IP carries: `bytes` bytes of it, of which `head` has as many as a TCP header or all.
pub(super) fn parse(protocol: u8, head: &[u8], bytes: usize) -> Result<Layer4, Reason> {
    match protocol {
        PROTO_TCP => {
            let head = head.first_chunk::<TCP_HEADER_BYTES>().ok_or(Reason::Malformed)?;
            let stated = usize::from(head[12] >> 4) * 4;
            let layer4 = Layer4 { ports: ports(head), tcp_control: head[13] & TCP_CONTROL_FLAGS != 0 };
            (TCP_HEADER_BYTES..=bytes).contains(&stated).then_some(layer4).ok_or(Reason::Malformed)
        }
        PROTO_UDP => {
            let head = head.first_chunk::<UDP_HEADER_BYTES>().ok_or(Reason::Malformed)?;
            let stated = usize::from(u16::from_be_bytes([head[4], head[5]]));
            let layer4 = Layer4 { ports: ports(head), tcp_control: false };
            (UDP_HEADER_BYTES..=bytes).contains(&stated).then_some(layer4).ok_or(Reason::Malformed)
        }
        PROTO_GRE => {
            let head = head.first_chunk::<GRE_HEADER_BYTES>().ok_or(Reason::Malformed)?;
            if u16::from_be_bytes([head[0], head[1]]) & GRE_VERSION != 0 {
                return Err(Reason::OtherProtocol);
            }
            Ok(Layer4 { ports: [0; 4], tcp_control: false })
        }
        _ => Err(Reason::OtherProtocol),
    }
}

fn ports<const N: usize>(head: &[u8; N]) -> [u8; 4] {
    std::array::from_fn(|i| head[i])
}
