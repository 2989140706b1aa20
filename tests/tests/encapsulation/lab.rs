//! A card with a few flows, given one frame at a time.

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::key::{Encap, Family, Tag, TagKind};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_tests::{PortSetup, Rig, Setup, Width, datagram_flow_of, hop, secret};
use fpgaflow_traffic::{rng, seed};

/// Port that frames come in by.
pub const INGRESS: u8 = 0;
/// Port that flows leave by.
pub const EGRESS: u8 = 1;

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It left by [`EGRESS`] so.
    Left(Vec<u8>),
    /// It came to the host as it was, for this reason.
    Punted(Reason),
}

/// A card with a few flows.
pub struct Lab {
    rig: Rig,
}

impl Lab {
    /// A card whose ports are promiscuous or not.
    pub fn new(width: Width, promiscuous: bool) -> Self {
        let seed = seed();
        let port = PortSetup { promiscuous, tail_drop: false };
        let mut rig = Rig::new(Setup { width, port, ..Setup::new(seed) }, secret(&mut rng(seed)));
        rig.keep();
        Self { rig }
    }

    /// Installs datagram flow `number` of `family`, which comes in `comes_in` and leaves in `leaves_in` as packets of at most `mtu` bytes.
    pub fn flow(&mut self, family: Family, number: u8, comes_in: Encap, leaves_in: Encap, mtu: u16) -> (Entry, NextHop) {
        let next_hop = NextHop { encap: leaves_in, mtu, ..hop(EGRESS) };
        let index = self.rig.add_next_hop(next_hop);
        let mut flow = datagram_flow_of(family, INGRESS, number, index);
        flow.key.encap = comes_in;
        flow.action = Action { next_hop: index, ..flow.action };
        self.rig.install([flow]).expect("an almost empty table takes a flow");
        self.rig.await_commands();
        (flow, next_hop)
    }

    /// Gives the card a frame and says what became of it.
    pub fn send(&mut self, frame: &[u8]) -> Outcome {
        self.rig.inject(INGRESS, frame.to_vec(), false);
        self.rig.run(1_000 + 2 * frame.len() as u64);
        let kept = self.rig.kept.as_mut().expect("it was asked for");
        let sent: Vec<_> = kept.sent.iter_mut().map(std::mem::take).collect();
        match (&sent[..], &std::mem::take(&mut kept.punts)[..]) {
            ([none, left], []) if none.is_empty() && left.len() == 1 => Outcome::Left(left[0].clone()),
            ([a, b], [(info, punt)]) if a.is_empty() && b.is_empty() => {
                assert_eq!((info.port, &punt[..]), (INGRESS, frame), "it came to the host as it was");
                Outcome::Punted(info.reason)
            }
            other => panic!("of one frame came {other:?}"),
        }
    }

    /// Compares every counter of the card with the model's.
    pub fn finish(self) {
        self.rig.finish();
    }
}

/// Tags from the outside in, and a PPPoE session.
pub fn encap(tags: [Option<(TagKind, u16)>; 2], pppoe: Option<u16>) -> Encap {
    Encap { tags: tags.map(|tag| tag.map(|(kind, vid)| Tag { kind, vid })), pppoe }
}
