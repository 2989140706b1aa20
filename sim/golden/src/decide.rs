//! From a packet and what its lookup found to its outcome. Knows no table, so that the scoreboard can ask for any state of it.

use fpgaflow_abi::entry::Entry;
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::reason::{Disposition, Reason};
use fpgaflow_abi::slot::EntryRef;

use crate::card::PortConfig;
use crate::outcome::Outcome;
use crate::parse::{Packet, parse};
use crate::rewrite::rewrite;

/// An entry and where it is.
pub(crate) type Found = Option<(EntryRef, Entry)>;

/// Everything before the lookup. `damaged` is what the MAC says of the frame.
pub(crate) fn examine(
    port: u8,
    config: &PortConfig,
    fragments: bool,
    max_frame_bytes: usize,
    frame: &[u8],
    damaged: bool,
) -> Result<Packet, Reason> {
    if !config.rx_enable {
        return Err(Reason::PortDisabled);
    }
    if damaged {
        return Err(Reason::RxError);
    }
    parse(port, config, fragments, max_frame_bytes, frame)
}

/// Everything behind the lookup: `found` holds the packet's key, `hop` is the next hop that its action names.
pub(crate) fn decide(frame: &[u8], packet: &Packet, found: Found, hop: Option<&NextHop>) -> Outcome {
    let Some((at, entry)) = found.filter(|(_, entry)| entry.valid) else {
        return reject(Reason::Miss);
    };
    let punt = |reason| Outcome::Punted { reason, entry: Some(at) };
    let Some(hop) = hop.filter(|hop| hop.valid) else {
        return punt(Reason::NoNextHop);
    };
    if hop.egress == HOST_PORT {
        punt(Reason::HostAddressed)
    } else if packet.tcp_control {
        punt(Reason::TcpFlags)
    } else if packet.ttl <= 1 {
        punt(Reason::Ttl)
    } else if packet.total_len > usize::from(hop.mtu) {
        punt(Reason::Mtu)
    } else {
        Outcome::Forwarded { port: hop.egress, frame: rewrite(frame, packet, &entry.action, hop), entry: at }
    }
}

/// The outcome of a frame that hit no entry.
pub(crate) fn reject(reason: Reason) -> Outcome {
    match reason.disposition() {
        Disposition::Drop => Outcome::Dropped { reason },
        Disposition::Punt | Disposition::Forward => Outcome::Punted { reason, entry: None },
    }
}
