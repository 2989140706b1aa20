//! `fpgaflow replay --fragments`: datagrams in fragments leave as the translated datagram would if it were cut likewise.

use fpgaflow_abi::fragment::{ROWS, row_bits};
use fpgaflow_abi::key::Family;
use fpgaflow_flows::{FlowSet, SetNextHop};
use fpgaflow_traffic::{Packet, datagram_flow_of, forwarded_fragments, fragments_of, hop};
use serde_json::Value;

use crate::common::replay;

/// Datagrams of each flow.
const DATAGRAMS: u32 = 3;

/// Two flows, and fragments of theirs as they come and as they must leave, those of the two by turns.
fn traffic() -> (FlowSet, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let flows = vec![datagram_flow_of(Family::V4, 0, 1, 0), datagram_flow_of(Family::V6, 0, 2, 0)];
    let set = FlowSet { next_hops: vec![SetNextHop { id: 7, hop: hop(1) }], flows, ports: Vec::new() };
    let (mut came, mut due) = (Vec::new(), Vec::new());
    for id in 0..DATAGRAMS {
        let parts = set.flows.iter().map(|flow| {
            let payload = (0..3_000).map(|byte| byte as u8).collect();
            let packet = Packet { identification: id as u16, ..Packet::new(flow.key, payload) };
            let ends = [1, 120, 185, 186 + id as usize];
            (fragments_of(&packet, id, &ends), forwarded_fragments(&packet, id, &ends, &flow.action, &hop(1)))
        });
        let parts: Vec<_> = parts.collect();
        for at in 0..parts[0].0.len() {
            for (packet, left) in &parts {
                came.push(packet[at].clone());
                due.push(left[at].clone());
            }
        }
    }
    (set, came, due)
}

/// What left by port 1, what the host got, and the statistics.
fn run(engine: &[&str], set: &FlowSet, came: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, Value) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("flows.json"), serde_json::to_string(&set.to_file()).unwrap()).unwrap();
    replay(engine, dir.path(), came)
}

fn fragments_are_translated(engine: &[&str]) {
    let (set, came, due) = traffic();
    let (left, punted, stats) = run(&[engine, &["--fragments"]].concat(), &set, &came);
    // The last parts are longer than an MTU allows.
    let too_long: Vec<_> = came.iter().filter(|frame| frame.len() > 1514).cloned().collect();
    assert_eq!(
        (punted, stats["reasons"]["mtu"].as_u64()),
        (too_long.clone(), Some(too_long.len() as u64)),
        "{}",
        stats["reasons"]
    );
    let due: Vec<_> = due.into_iter().filter(|frame| frame.len() <= 1514).collect();
    assert_eq!(left, due);
    let packets: u64 = stats["flows"].as_array().unwrap().iter().map(|flow| flow["packets"].as_u64().unwrap()).sum();
    assert_eq!(packets, due.len() as u64, "every fragment counts for its flow");
}

fn fragments_are_punted(engine: &[&str]) {
    let (set, came, _) = traffic();
    let (left, punted, stats) = run(engine, &set, &came);
    assert!(left.is_empty());
    assert_eq!((punted.len(), stats["reasons"]["fragment"].as_u64()), (came.len(), Some(came.len() as u64)));
}

/// First fragments alone, of more datagrams than there are rows: as many as get one leave, and no engine forwards another.
fn first_fragments_of_many(engine: &[&str], width: u16) -> Vec<Vec<u8>> {
    let (set, ..) = traffic();
    let rows = 1 << row_bits(width);
    let firsts = (0..2 * ROWS as u32).map(|id| {
        let packet = Packet::new(set.flows[0].key, vec![0; 100]);
        fragments_of(&packet, id, &[4]).swap_remove(0)
    });
    let (left, punted, _) = run(engine, &set, &firsts.collect::<Vec<_>>());
    assert_eq!(left.len() + punted.len(), 2 * ROWS);
    assert!((rows / 4..=rows).contains(&left.len()), "{} datagrams have a row", left.len());
    left
}

#[test]
fn the_model_translates_fragments_when_it_is_asked_to() {
    fragments_are_translated(&["golden"]);
    fragments_are_punted(&["golden"]);
    first_fragments_of_many(&["golden", "--fragments"], 64);
}

#[test]
fn the_software_flowtable_punts_fragments_and_says_so() {
    fragments_are_punted(&["software"]);
    fragments_are_punted(&["software", "--fragments"]);
}

#[cfg(feature = "sim")]
#[test]
fn the_verilated_card_translates_fragments_as_the_model_does() {
    for width in [64, 512] {
        let text = width.to_string();
        fragments_are_translated(&["rtl", "--width", &text]);
        fragments_are_punted(&["rtl", "--width", &text]);
        let of = |engine| first_fragments_of_many(&[engine, "--width", &text, "--fragments"], width);
        assert_eq!(of("rtl"), of("golden"), "the same rows");
    }
}
