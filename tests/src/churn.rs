//! Changes a rig's tables at random while traffic flows.

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::next_hop::{HOST_PORT, NextHop};
use fpgaflow_abi::wire::PROTO_GRE;
use fpgaflow_traffic::{Scenario, largest_mtu};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::Rig;

/// Commands under way above which nothing new is begun.
const MOST_UNDER_WAY: usize = 64;

/// How often each change was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChurnCounts {
    /// Flows installed, each direction of a pair counted.
    pub installed: u64,
    /// Flows that found no place.
    pub refused: u64,
    /// Flows removed.
    pub removed: u64,
    /// Actions changed.
    pub updated: u64,
    /// Next hops changed.
    pub next_hops: u64,
    /// Times that lookup or a port was turned off and on.
    pub switches: u64,
}

/// Changes the tables of a rig whose flows are those of a scenario, or were.
#[derive(Debug)]
pub struct Churn<'a> {
    rng: ChaCha8Rng,
    scenario: &'a Scenario,
    /// Flows that should be installed, of 100.
    fill_percent: u32,
    /// Written as source port by every action that is new, each its own: so a frame shows which of two actions it met.
    next_sport: u16,
    /// What was done.
    pub counts: ChurnCounts,
}

impl<'a> Churn<'a> {
    /// Keeps about `fill_percent` of the scenario's flows installed.
    pub fn new(rng: ChaCha8Rng, scenario: &'a Scenario, fill_percent: u32) -> Self {
        Self { rng, scenario, fill_percent, next_sport: 0, counts: ChurnCounts::default() }
    }

    /// Installs the scenario's next hops and its first flows.
    pub fn fill(&mut self, rig: &mut Rig) {
        rig.add_next_hops(self.scenario);
        let flows = self.scenario.flows.len() * self.fill_percent as usize / 100;
        for flow in &self.scenario.flows[..flows] {
            self.count_install(rig.install([*flow]).is_ok(), 1);
        }
        rig.await_commands();
    }

    /// Begins one change, unless many are under way.
    pub fn step(&mut self, rig: &mut Rig) {
        if rig.commands_under_way() > MOST_UNDER_WAY {
            return;
        }
        match self.rng.random_range(0..1000) {
            0 => self.switch_lookup(rig),
            1 => self.switch_port(rig),
            2..200 => self.change_next_hop(rig),
            200..450 => self.change_action(rig),
            450..500 => self.install_pair(rig),
            _ => self.install_or_remove(rig),
        }
    }

    fn install_or_remove(&mut self, rig: &mut Rig) {
        let wanted = self.scenario.flows.len() * self.fill_percent as usize / 100;
        let grow = rig.table.len() < wanted || self.rng.random_bool(0.2);
        let Some(flow) = self.any_flow(|flow| rig.table.find(&flow.key).is_none() == grow) else { return };
        if grow {
            let flow = Entry { action: self.new_action(&flow), ..flow };
            self.count_install(rig.install([flow]).is_ok(), 1);
        } else {
            self.counts.removed += u64::from(rig.remove(&flow.key));
        }
    }

    fn install_pair(&mut self, rig: &mut Rig) {
        let absent = |flow: &Entry| rig.table.find(&flow.key).is_none();
        let (Some(a), Some(b)) = (self.any_flow(absent), self.any_flow(absent)) else { return };
        if a.key != b.key {
            let flows = [a, b].map(|flow| Entry { action: self.new_action(&flow), ..flow });
            self.count_install(rig.install(flows).is_ok(), 2);
        }
    }

    fn change_action(&mut self, rig: &mut Rig) {
        if let Some(flow) = self.any_flow(|flow| rig.table.find(&flow.key).is_some()) {
            let action = self.new_action(&flow);
            rig.set_action(&flow.key, action);
            self.counts.updated += 1;
        }
    }

    fn change_next_hop(&mut self, rig: &mut Rig) {
        let hops = &self.scenario.next_hops;
        let index = self.rng.random_range(0..hops.len());
        let ports = self.scenario.geometry.ports;
        let mut hop = NextHop { src_mac: self.mac(), dst_mac: self.mac(), ..hops[index] };
        // Where it leads changes seldom, for frames that miss their port say little.
        match self.rng.random_range(0..20) {
            0 => hop.egress = self.rng.random_range(0..ports),
            1 => hop.egress = HOST_PORT,
            2 => hop.valid = !hop.valid,
            3 => hop.mtu = self.rng.random_range(40..=largest_mtu(&self.scenario.geometry, &hop.encap)),
            4 => hop.encap = self.scenario.variety.egress(&mut self.rng),
            _ => {}
        }
        hop.mtu = hop.mtu.min(largest_mtu(&self.scenario.geometry, &hop.encap));
        rig.set_next_hop(index as u16, hop);
        self.counts.next_hops += 1;
    }

    fn switch_lookup(&mut self, rig: &mut Rig) {
        rig.set_lookup(false);
        rig.run(self.rng.random_range(0..500));
        rig.set_lookup(true);
        self.counts.switches += 1;
    }

    fn switch_port(&mut self, rig: &mut Rig) {
        let port = self.rng.random_range(0..self.scenario.geometry.ports);
        rig.set_port(port, false);
        rig.run(self.rng.random_range(0..500));
        rig.set_port(port, true);
        self.counts.switches += 1;
    }

    /// A flow of the scenario that `fits`.
    fn any_flow(&mut self, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let flows = &self.scenario.flows;
        let from = self.rng.random_range(0..flows.len().max(1));
        flows.iter().cycle().skip(from).take(flows.len()).find(|flow| fits(flow)).copied()
    }

    /// An action for `flow` that no flow of this run had; one of GRE, which is not translated, shows by its next hop's addresses.
    fn new_action(&mut self, flow: &Entry) -> Action {
        self.next_sport = self.next_sport.wrapping_add(1);
        let next_hop = self.rng.random_range(0..self.scenario.next_hops.len()) as u16;
        let sport = if flow.key.protocol == PROTO_GRE { 0 } else { self.next_sport };
        Action { sport, next_hop, ..flow.action }
    }

    fn mac(&mut self) -> [u8; 6] {
        let [a, b, c, d] = self.rng.random();
        [2, 3, a, b, c, d]
    }

    fn count_install(&mut self, installed: bool, flows: u64) {
        *(if installed { &mut self.counts.installed } else { &mut self.counts.refused }) += flows;
    }
}
