//! One frame between its injection and its exit, and all that may become of it.

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::EntryRef;

use crate::card::Card;
use crate::decide::{Found, decide, examine, reject};
use crate::outcome::Outcome;
use crate::parse::Packet;

use super::Losses;
use super::changes::Changes;

/// A place where frames leave: an Ethernet port by its number, or the host by [`HOST_EXIT`].
pub(super) type Exit = u8;
/// The host.
pub(super) const HOST_EXIT: Exit = fpgaflow_abi::next_hop::HOST_PORT;

/// One way to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// By a port, as `frame`; `entry` is `None` for a frame that the host sends.
    Port { port: u8, frame: Vec<u8>, entry: Option<EntryRef> },
    /// To the host, unchanged.
    Host { reason: Reason, entry: Option<EntryRef> },
    /// Not at all.
    Nowhere { reason: Reason },
    /// It was on its way out, and its exit was `full`: counted as both. `entry` is that of a frame forwarded.
    Lost { reason: Reason, entry: Option<EntryRef>, full: Reason },
}

impl Way {
    pub(super) fn exit(&self) -> Option<Exit> {
        match self {
            Self::Port { port, .. } => Some(*port),
            Self::Host { .. } => Some(HOST_EXIT),
            Self::Nowhere { .. } | Self::Lost { .. } => None,
        }
    }

    /// Whether `other` looks the same from outside, but for the entry that counts it: of a flow that was removed and put back into another entry.
    pub(super) fn is_twin_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port { port, frame, entry }, Self::Port { port: other_port, frame: other_frame, entry: other_entry }) => {
                port == other_port && frame == other_frame && entry != other_entry
            }
            _ => false,
        }
    }

    /// What this way becomes when its exit is full; `None` where nothing may be lost. Frames of the host wait.
    pub(super) fn lost(&self, losses: Losses) -> Option<Self> {
        match *self {
            Self::Host { reason, .. } if losses.host_full => Some(Self::Lost { reason, entry: None, full: Reason::HostFull }),
            Self::Port { entry: Some(entry), .. } if losses.tx_full => {
                Some(Self::Lost { reason: Reason::Forwarded, entry: Some(entry), full: Reason::TxFull })
            }
            _ => None,
        }
    }
}

impl From<Outcome> for Way {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Forwarded { port, frame, entry } => Self::Port { port, frame, entry: Some(entry) },
            Outcome::Punted { reason, entry } => Self::Host { reason, entry },
            Outcome::Dropped { reason } => Self::Nowhere { reason },
        }
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port { port, frame, entry: Some(entry) } => {
                write!(f, "{} bytes forwarded by port {port}, entry {}", frame.len(), entry.index())
            }
            Self::Port { port, frame, entry: None } => write!(f, "{} bytes of the host sent by port {port}", frame.len()),
            Self::Host { reason, entry: Some(entry) } => write!(f, "punted as {reason}, entry {}", entry.index()),
            Self::Host { reason, entry: None } => write!(f, "punted as {reason}"),
            Self::Nowhere { reason } => write!(f, "dropped as {reason}"),
            Self::Lost { reason, full, .. } => write!(f, "{reason}, then dropped as {full}"),
        }
    }
}

/// A frame that has not left yet.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When it was injected.
    pub clock: u64,
    /// Where it came in: a port, or [`HOST_EXIT`].
    pub from: u8,
    /// As it was injected.
    pub frame: Vec<u8>,
    /// What the MAC said of it.
    pub damaged: bool,
    /// Its packet, once some port configuration lets it through to the lookup.
    pub packet: Option<Packet>,
    /// All that its lookup may have found.
    pub found: Vec<Found>,
    /// All that may become of it.
    pub ways: Vec<Way>,
    /// Exits, one bit each, that a later frame of the same ingress has taken: it can no longer leave there.
    pub barred: u16,
}

impl Waiting {
    /// Adds what the states that are possible now make possible for this frame. An entry that was found earlier can meet a next
    /// hop of now, for the card reads it later; the reverse cannot be.
    pub(super) fn widen(&mut self, card: &Card, changes: &Changes) {
        let max_frame_bytes = card.geometry().max_frame_bytes as usize;
        let mut rejected = Vec::new();
        for config in changes.port_configs(card, self.from) {
            match examine(self.from, config, card.fragments(), max_frame_bytes, &self.frame, self.damaged) {
                Err(reason) => rejected.push(reason),
                Ok(packet) => self.packet = Some(packet),
            }
        }
        if let Some(packet) = self.packet {
            let lookups = changes.lookups(card);
            if lookups.contains(&false) {
                rejected.push(Reason::LookupDisabled);
            }
            for found in changes.found(card, &packet.key) {
                if !self.found.contains(&found) {
                    self.found.push(found);
                }
            }
            if lookups.contains(&true) {
                for found in self.found.clone() {
                    if changes.damaged {
                        // A bad slot or entry is no hit, behind a hit the next hop may be bad.
                        self.add(reject(Reason::Parity));
                        if let Some((at, _)) = found {
                            self.add(Outcome::Punted { reason: Reason::Parity, entry: Some(at) });
                        }
                    }
                    match found {
                        None => self.add(decide(&self.frame, &packet, None, None)),
                        Some((_, entry)) => {
                            for hop in changes.next_hops(card, entry.action.next_hop) {
                                self.add(decide(&self.frame, &packet, found, hop));
                            }
                        }
                    }
                }
            }
        }
        for reason in rejected {
            self.add(reject(reason));
        }
    }

    fn add(&mut self, outcome: Outcome) {
        let way = Way::from(outcome);
        let barred = way.exit().is_some_and(|exit| self.barred >> exit & 1 == 1);
        if !barred && !self.ways.contains(&way) {
            self.ways.push(way);
        }
    }

    /// Rules an exit out: if the frame was on its way there, it was lost.
    pub(super) fn bar(&mut self, exit: Exit, losses: Losses) {
        self.barred |= 1 << exit;
        for way in std::mem::take(&mut self.ways) {
            let way = if way.exit() == Some(exit) { way.lost(losses) } else { Some(way) };
            self.ways.extend(way.filter(|way| !self.ways.contains(way)));
        }
    }

    /// Whether a later frame cannot leave by `exit` before this one.
    pub(super) fn blocks(&self, exit: Exit, losses: Losses) -> bool {
        self.must_leave_by(exit) && !self.ways.iter().any(|way| way.lost(losses).is_some())
    }

    /// Whether every way leads to `exit`.
    pub(super) fn must_leave_by(&self, exit: Exit) -> bool {
        self.ways.iter().all(|way| way.exit() == Some(exit))
    }

    /// The ways in words.
    pub(super) fn describe(&self) -> String {
        let ways: Vec<_> = self.ways.iter().map(Way::to_string).collect();
        ways.join("; or ")
    }
}
