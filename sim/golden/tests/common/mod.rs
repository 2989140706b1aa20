//! What the model's tests share: a small card, flows for it, and the seed.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::net::Ipv4Addr;

use fpgaflow_abi::entry::{Action, Entry};
use fpgaflow_abi::geometry::Geometry;
use fpgaflow_abi::key::{Addresses, Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::slot::EntryRef;
use fpgaflow_golden::{Card, PortConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A small card of two ports.
pub const GEOMETRY: Geometry = Geometry {
    width_bits: 64,
    ports: 2,
    bucket_bits: 4,
    stash: 4,
    entries_v4: 64,
    entries_v6: 0,
    next_hops: 8,
    max_frame_bytes: 1600,
    clock_hz: 0,
    build_id: 0,
};

/// Ingress of every flow.
pub const PORT: u8 = 0;
/// Index of [`HOP`].
pub const HOP_INDEX: u16 = 3;
/// The next hop of every flow.
pub const HOP: NextHop =
    NextHop { egress: 1, mtu: 1500, src_mac: [2, 0, 0, 0, 1, 1], dst_mac: [2, 0, 0, 0, 1, 2], encap: Encap::NONE, valid: true };

pub fn entry_ref(index: u32) -> EntryRef {
    EntryRef::of(Family::V4, index)
}

/// A flow that is not translated.
pub fn flow(src: Ipv4Addr, sport: u16, dst: Ipv4Addr, dport: u16, protocol: u8) -> Entry {
    let addresses = Addresses::V4 { src, dst };
    Entry {
        key: FlowKey { ingress: PORT, encap: Encap::NONE, protocol, addresses, sport, dport },
        action: Action { addresses, sport, dport, next_hop: HOP_INDEX },
        valid: true,
    }
}

/// A running card with promiscuous ports that holds `entries` from entry 0 on.
pub fn card_with(entries: &[Entry]) -> Card {
    let mut card = Card::new(GEOMETRY);
    for port in 0..GEOMETRY.ports {
        card.set_port(port, PortConfig { rx_enable: true, promiscuous: true, mac: [2, 0, 0, 0, 0, port] }).unwrap();
    }
    card.set_lookup(true);
    card.set_next_hop(HOP_INDEX, HOP).unwrap();
    for (index, entry) in entries.iter().enumerate() {
        card.install(entry_ref(index as u32), *entry).unwrap();
    }
    card
}

/// The run's generator; its seed is printed and taken from `FPGAFLOW_SEED`.
pub fn seeded() -> ChaCha8Rng {
    let seed = std::env::var("FPGAFLOW_SEED").ok().map_or(0x60_1d_e4, |seed| seed.parse().expect("FPGAFLOW_SEED is a number"));
    println!("FPGAFLOW_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}
