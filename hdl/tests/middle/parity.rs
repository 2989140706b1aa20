//! Bad rows: never a wrong answer, a good slot beside them still hits, and each is named.

use fpgaflow_abi::entry::{ENTRY_BITS_V4, ENTRY_BITS_V6};
use fpgaflow_abi::key::{Encap, Family, FlowKey};
use fpgaflow_abi::next_hop::{NEXT_HOP_ROW_BITS, NextHop};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::slot::{BANKS, EntryRef, Slot, SlotPlace, WAYS};
use fpgaflow_hdl::prim::PARITY_BITS;
use fpgaflow_hdl::table::LATENCY;
use fpgaflow_hdl::verdict::{self, VerdictStage};
use fpgaflow_hdl_guard::{Model, model, rng};

use crate::flow_table::{FAMILIES, Rig, SLOT, flow, host};
use crate::host::Spot;
use crate::records::{self, Answer, Headers, Outcome, entry_write, next_hop_write, random_key, slot_write};

/// What a lookup came to.
#[derive(Debug, PartialEq)]
struct Found {
    answer: Answer,
    /// `SlotPlace::index` of the bad slot that was told of.
    slot: Option<u32>,
    /// The answer's entry was told to be bad.
    entry: bool,
}

fn look_up(rig: &mut Rig, key: &FlowKey) -> Found {
    let [slot_valid, slot, entry_valid] = ["bad_slot_valid", "bad_slot", "bad_entry_valid"].map(|name| rig.model.port(name));
    let mut bad = None;
    for clock in 0..LATENCY {
        assert_eq!(rig.clock((clock == 0).then_some(key), None), None);
        if rig.model.get(slot_valid) == 1 {
            assert_eq!(bad.replace(rig.model.get(slot) as u32), None, "told of once");
        }
    }
    let entry = rig.model.get(entry_valid) == 1;
    let answer = rig.clock(None, None).expect("an answer is due");
    assert_eq!(rig.model.get(entry_valid), 0, "told of in one clock");
    Found { answer, slot: bad, entry }
}

fn slot_path(place: SlotPlace) -> String {
    format!("slots.slots_{}.rows.memory.mem", usize::from(place.bank) * WAYS + usize::from(place.way))
}

fn flip(model: &mut Model, path: &str, row: u32, bit: u32) {
    let memory = model.find_memory(path).expect("the block has the memory");
    model.flip_memory_bit(memory, row, bit);
}

#[test]
fn a_bad_slot_is_as_if_it_were_not_there_and_a_good_one_beside_it_hits() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for at in FAMILIES.map(|family| EntryRef::of(family, 7)) {
        let (mut flow, entry) = flow(&mut rng, &mut host, at);
        rig.write(entry_write(at, &entry));
        let places = host.places(flow.hash);
        for (which, place) in places.iter().enumerate() {
            flow.spot = Spot::Slot(*place);
            rig.write(flow.put());
            let hit = Answer::of(at, &entry);
            assert_eq!(look_up(&mut rig, &flow.key), Found { answer: hit, slot: None, entry: false });
            for bit in 0..SLOT as u32 {
                flip(&mut rig.model, &slot_path(*place), place.bucket, bit);
                let found = look_up(&mut rig, &flow.key);
                assert!(!found.answer.hit && found.answer.parity, "bit {bit}: {found:?}");
                assert_eq!((found.slot, found.entry), (Some(place.index()), false));
                flip(&mut rig.model, &slot_path(*place), place.bucket, bit);

                let other = places[(which + 1 + bit as usize % (BANKS * WAYS - 1)) % places.len()];
                flip(&mut rig.model, &slot_path(other), other.bucket, bit);
                let answer = Answer { parity: true, ..hit };
                assert_eq!(look_up(&mut rig, &flow.key), Found { answer, slot: Some(other.index()), entry: false });
                let stranger = random_key(&mut rng, at.family());
                let found = look_up(&mut rig, &stranger);
                assert!(!found.answer.hit && (found.answer.parity == found.slot.is_some()), "{found:?}");
                flip(&mut rig.model, &slot_path(other), other.bucket, bit);
            }
            assert_eq!(look_up(&mut rig, &flow.key), Found { answer: hit, slot: None, entry: false });
            rig.write(flow.clear());
        }
        host.remove(0);
    }
}

/// A slot whose flip makes its tag that of the key, and names another entry: picked with the good one, it would name a third.
#[test]
fn a_flip_that_makes_a_tag_match_does_not_disturb_the_good_slot() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    let at = EntryRef::of(Family::V4, 1);
    let (mut flow, entry) = flow(&mut rng, &mut host, at);
    rig.write(entry_write(at, &entry));
    let places = host.places(flow.hash);
    flow.spot = Spot::Slot(places[0]);
    rig.write(flow.put());
    for place in &places[1..] {
        for bit in 0..16 {
            let other = Slot::new().with_tag(flow.hash.tag() ^ 1 << bit).with_entry(EntryRef::of(Family::V4, 2)).with_valid(true);
            rig.write(slot_write(place.index(), other));
            flip(&mut rig.model, &slot_path(*place), place.bucket, bit);
            let found = look_up(&mut rig, &flow.key);
            assert_eq!(found.answer, Answer { parity: true, ..Answer::of(at, &entry) });
            assert_eq!(found.slot, Some(place.index()));
        }
        rig.write(slot_write(place.index(), Slot::new()));
    }
}

#[test]
fn a_bad_entry_is_no_hit_whichever_bit_it_is() {
    let mut rng = rng();
    let mut host = host(&mut rng);
    let mut rig = Rig::new(&host);
    for (at, path, bits) in [
        (EntryRef::of(Family::V4, 44), "entries_v4.rows.rows.memory.mem", ENTRY_BITS_V4),
        (EntryRef::of(Family::V6, 44), "entries_v6.rows.rows.memory.mem", ENTRY_BITS_V6),
    ] {
        let (flow, entry) = flow(&mut rng, &mut host, at);
        rig.write(entry_write(at, &entry));
        rig.write(flow.put());
        for bit in 0..(bits + PARITY_BITS) as u32 {
            flip(&mut rig.model, path, at.index(), bit);
            let found = look_up(&mut rig, &flow.key);
            assert!(!found.answer.hit && found.answer.parity, "bit {bit}: {found:?}");
            assert_eq!((found.slot, found.entry, found.answer.entry), (None, true, at));
            flip(&mut rig.model, path, at.index(), bit);
        }
        let answer = Answer::of(at, &entry);
        assert_eq!(look_up(&mut rig, &flow.key), Found { answer, slot: None, entry: false });
        rig.write(flow.clear());
        host.remove(0);
    }
}

#[test]
fn a_bad_next_hop_is_punted_and_named_whichever_bit_it_is() {
    const NW: usize = 4;
    let mut m = model("verdict_stage", VerdictStage::<NW>::default());
    let port = |name| m.port(name);
    let [action_valid, action, parsed, write_valid, write] =
        ["action_valid", "action", "parsed", "write_valid", "write"].map(port);
    let [verdict, count_valid, bad_valid, bad] = ["verdict", "count_valid", "bad_next_hop_valid", "bad_next_hop"].map(port);
    let hop = NextHop { egress: 1, mtu: 1500, src_mac: [2; 6], dst_mac: [4; 6], encap: Encap::NONE, valid: true };
    m.set(write_valid, 1);
    m.set_words(write, &next_hop_write(9, &hop).0);
    m.tick();
    m.set(write_valid, 0);
    let headers = Headers { ttl: 64, ip_length: 100, ..Headers::default() };
    m.set_words(parsed, &headers.to_words().0);
    let pass = |m: &mut Model, next_hop, hit| {
        m.set_words(action, &Answer { hit, next_hop, ..Answer::default() }.to_words().0);
        m.set(action_valid, 1);
        m.tick();
        m.set(action_valid, 0);
        for _ in 1..verdict::LATENCY {
            assert_eq!(m.get(bad_valid), 0);
            m.tick();
        }
        let reason = Outcome::from_words(&records::get(m, verdict)).reason;
        assert_eq!(m.get(count_valid) == 1, reason == Reason::Forwarded as u8);
        (reason, (m.get(bad_valid) == 1).then(|| m.get(bad)))
    };
    for bit in 0..(NEXT_HOP_ROW_BITS + PARITY_BITS) as u32 {
        flip(&mut m, "next_hops.rows.rows.memory.mem", 9, bit);
        assert_eq!(pass(&mut m, 9, true), (Reason::Parity as u8, Some(9)), "bit {bit}");
        assert_eq!(pass(&mut m, 9, false), (Reason::Miss as u8, None), "a miss needs no next hop");
        assert_eq!(pass(&mut m, 9 + (1 << NW), true), (Reason::NoNextHop as u8, None), "another one, beyond the table");
        flip(&mut m, "next_hops.rows.rows.memory.mem", 9, bit);
    }
    assert_eq!(pass(&mut m, 9, true), (Reason::Forwarded as u8, None));
}
