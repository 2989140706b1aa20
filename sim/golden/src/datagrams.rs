//! Datagrams whose fragments are on their way, by the rules of [`fpgaflow_abi::fragment`].

use std::collections::HashMap;

use fpgaflow_abi::fragment::{identity, row, row_bits};
use fpgaflow_abi::hash::HashSecret;
use fpgaflow_abi::key::FlowKey;
use fpgaflow_abi::slot::EntryRef;

use crate::parse::Part;

/// What the driver tells a card that forwards fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentConfig {
    /// The card's hash secret: two datagrams whose rows are the same cannot both be remembered.
    pub secret: HashSecret,
    /// Ticks that a datagram is remembered.
    pub lifetime: u16,
}

/// What is known of one datagram.
#[derive(Debug, Clone, Copy)]
struct Datagram {
    row: usize,
    /// The flow of its first fragment, and the entry that this found.
    flow: FlowKey,
    entry: Option<EntryRef>,
    /// Whether all that began it was forwarded.
    forwarded: bool,
    /// Where its next fragment starts, as long as all came in order.
    due: Option<u16>,
    since: u32,
}

/// What a fragment is to its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// It goes to the host.
    Refused,
    /// The first: to be treated as a whole packet, unless what came before went to the host.
    First { refused: bool },
    /// One behind it, of this flow.
    Later { flow: FlowKey },
}

/// The datagrams of a card, by their identities.
#[derive(Debug, Clone)]
pub(crate) struct Datagrams {
    known: HashMap<FlowKey, Datagram>,
    /// Whose each row is.
    owners: HashMap<usize, FlowKey>,
    /// Bits of a row's number.
    row_bits: usize,
}

impl Datagrams {
    /// Those of a card of `width_bits`: none.
    pub fn new(width_bits: u16) -> Self {
        Self { known: HashMap::new(), owners: HashMap::new(), row_bits: row_bits(width_bits) }
    }

    /// A fragment of a packet with `key` comes; `entry` is what a lookup of a first one found.
    pub fn meet(&mut self, config: &FragmentConfig, tick: u32, key: &FlowKey, part: &Part, entry: Option<EntryRef>) -> Meeting {
        let datagram = identity(key, part.identification);
        let row = row(config.secret.hash(&datagram.to_bits()), self.row_bits);
        let owner = self.owners.get(&row).copied();
        if let Some(owner) = owner
            && self.known.get(&owner).is_some_and(|known| tick.wrapping_sub(known.since) > config.lifetime.into())
        {
            self.forget(&owner);
        }
        let owner = self.owners.get(&row).copied();
        if owner.is_some_and(|owner| owner != datagram) {
            return Meeting::Refused;
        }
        let new = |due| Datagram { row, flow: *key, entry, forwarded: false, due, since: tick };
        match self.known.get_mut(&datagram) {
            Some(known) if part.is_first() => {
                let refused = !known.forwarded;
                *known = new(Some(part.units));
                Meeting::First { refused }
            }
            Some(known) => {
                let in_order = known.due == Some(part.offset);
                known.due = in_order.then(|| (part.offset + part.units) % (1 << fpgaflow_abi::fragment::OFFSET_BITS));
                let Datagram { flow, forwarded, .. } = *known;
                if in_order && !part.more {
                    self.forget(&datagram);
                }
                if forwarded { Meeting::Later { flow } } else { Meeting::Refused }
            }
            None => {
                self.owners.insert(row, datagram);
                self.known.insert(datagram, new(part.is_first().then_some(part.units)));
                if part.is_first() { Meeting::First { refused: false } } else { Meeting::Refused }
            }
        }
    }

    /// The verdict on the first fragment that was just met.
    pub fn decide(&mut self, key: &FlowKey, part: &Part, forwarded: bool) {
        if let Some(known) = self.known.get_mut(&identity(key, part.identification)) {
            known.forwarded = forwarded;
        }
    }

    /// An entry is written.
    pub fn entry_written(&mut self, at: EntryRef) {
        let of_it = |(datagram, known): (&FlowKey, &Datagram)| (known.entry == Some(at)).then_some(*datagram);
        let gone: Vec<_> = self.known.iter().filter_map(of_it).collect();
        for datagram in gone {
            self.forget(&datagram);
        }
    }

    /// All datagrams are forgotten.
    pub fn clear(&mut self) {
        self.known.clear();
        self.owners.clear();
    }

    fn forget(&mut self, datagram: &FlowKey) {
        if let Some(known) = self.known.remove(datagram) {
            self.owners.remove(&known.row);
        }
    }
}
