//! Commands through the whole host side: memory to tables and back.

use std::collections::VecDeque;

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::{Command, CompletionKind, Opcode, Ring, Status};
use fpgaflow_abi::entry::EntryBits;
use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::next_hop::NextHopBits;
use fpgaflow_abi::regs::{self, ring};
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace, StashSlot};
use fpgaflow_hdl::records::WriteTarget;
use fpgaflow_hdl_guard::rng;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::memory::Pace;
use crate::support::{BARRIER_CLOCKS, GEOMETRY, Host};
use crate::world::World;

/// A table write as it should arrive: target, index, row.
type Expected = (u64, u64, [u64; 5]);

fn entry(index: u32) -> EntryRef {
    EntryRef::new().with_index(index)
}

/// A write command and what it should do.
fn random_write(rng: &mut ChaCha8Rng) -> (Command, Expected) {
    let slot = Slot::from_bits(rng.random::<u64>() & ((1 << 41) - 1));
    match rng.random_range(0..4) {
        0 => {
            let place = SlotPlace::from_index(rng.random_range(0..GEOMETRY.slots()));
            let row = [slot.into_bits(), 0, 0, 0, 0];
            (Command::write_slot(place, slot), (WriteTarget::Slot as u64, place.index().into(), row))
        }
        1 => {
            let index = rng.random_range(0..u32::from(GEOMETRY.stash));
            let hash = rng.random::<u64>() >> 16;
            let row = [slot.into_bits() | hash << 41, hash >> 23, 0, 0, 0];
            let stash = StashSlot { slot, hash: KeyHash(hash).0 };
            (Command::write_stash(index, stash), (WriteTarget::Stash as u64, index.into(), row))
        }
        2 => {
            let mut bits = EntryBits::default();
            rng.fill(&mut bits.0[..5]);
            let index = rng.random_range(0..GEOMETRY.entries_v4);
            let row = bits.0[..5].try_into().expect("five words");
            (Command::write_entry(entry(index), &bits, 0), (WriteTarget::Entry as u64, index.into(), row))
        }
        _ => {
            let mut bits = NextHopBits::default();
            rng.fill(&mut bits.0[..]);
            let index = rng.random_range(0..GEOMETRY.next_hops);
            let row = [bits.0[0], bits.0[1], bits.0[2], 0, 0];
            (Command::write_next_hop(index, &bits), (WriteTarget::NextHop as u64, index.into(), row))
        }
    }
}

fn writes_arrive_in_order(pace: Pace) {
    let mut world = World::new(rng(), pace);
    let mut host = Host::start(&mut world, 4);
    let mut expected = Vec::new();
    let mut cookies = VecDeque::new();
    for batch in 0..60_u32 {
        for i in 0..world.rng.random_range(1..=16) {
            let (mut command, write) = random_write(&mut world.rng);
            if world.rng.random_bool(0.3) {
                command = command.completing(batch << 8 | i);
                cookies.push_back(batch << 8 | i);
            }
            expected.push(write);
            host.push(&mut world, Ring::Command, command.to_words());
        }
        host.ring(&mut world, Ring::Command);
        let want = expected.len();
        world.until("all writes of a batch", |world| world.writes.len() == want);
        while let Some(cookie) = cookies.pop_front() {
            let completion = host.expect(&mut world, Status::Ok, cookie);
            assert_eq!(CompletionKind::from_code(completion.head.kind()), Some(CompletionKind::Command));
            assert!(completion.consumer <= want as u32 && completion.clock <= world.model.clocks());
        }
        let consumed = ring(regs::RING_CONSUMER, Ring::Command);
        world.until("the ring to be consumed", |world| world.read(consumed) == want as u32);
    }
    let writes: Vec<Expected> = world.writes.iter().map(|write| (write.target, write.index, write.row)).collect();
    assert_eq!(writes, expected);
}

#[test]
fn writes_arrive_in_order_and_whole_on_a_fast_bus() {
    writes_arrive_in_order(Pace::FAST);
}

#[test]
fn writes_arrive_in_order_and_whole_on_a_rough_bus() {
    writes_arrive_in_order(Pace::ROUGH);
}

#[test]
fn a_slot_write_takes_16_clocks_at_most_even_when_the_bus_is_slow() {
    let mut world = World::new(rng(), Pace { stall: 0.0, latency: 120 });
    let mut host = Host::start(&mut world, 8);
    for i in 0..200 {
        let command = Command::write_slot(SlotPlace::from_index(i), Slot::new());
        host.push(&mut world, Ring::Command, command.to_words());
    }
    host.ring(&mut world, Ring::Command);
    world.until("all writes", |world| world.writes.len() == 200);
    let (first, last) = (world.writes[20].clock, world.writes[199].clock);
    let clocks = (last - first) as f64 / 179.0;
    println!("{clocks:.1} clocks a write");
    assert!(clocks <= 16.0, "{clocks} clocks a write");
}

#[test]
fn a_command_that_is_wrong_is_answered_and_does_nothing() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let bits = EntryBits::default();
    let mut unknown = Command::nop();
    unknown.head.set_opcode(8);
    let mut unknown_high = Command::nop();
    unknown_high.head.set_opcode(0xff);
    let v6 = EntryRef::new().with_v6(true);
    let mut v6_part_3 = Command::write_entry(v6, &bits, 0);
    v6_part_3.head.set_part(3);
    let mut many = Command::read_counters(entry(0), 0, 1);
    many.payload[1] = 1 << 32 | 1;
    let cases = [
        (unknown, Status::BadOpcode),
        (unknown_high, Status::BadOpcode),
        (Command::write_entry(entry(0), &bits, 1), Status::BadOpcode),
        (v6_part_3, Status::BadOpcode),
        (Command::write_entry(v6, &bits, 2), Status::BadIndex),
        (Command::write_slot(SlotPlace::from_index(GEOMETRY.slots()), Slot::new()), Status::BadIndex),
        (Command::write_slot(SlotPlace::from_index(u32::MAX), Slot::new()), Status::BadIndex),
        (Command::write_stash(GEOMETRY.stash.into(), StashSlot::default()), Status::BadIndex),
        (Command::write_entry(entry(GEOMETRY.entries_v4), &bits, 0), Status::BadIndex),
        (Command::write_next_hop(GEOMETRY.next_hops, &NextHopBits::default()), Status::BadIndex),
        (Command::clear_counters(entry(GEOMETRY.entries_v4)), Status::BadIndex),
        (Command::read_counters(entry(GEOMETRY.entries_v4), 0x1000, 1), Status::BadIndex),
        (Command::read_counters(entry(1), 0x1000, GEOMETRY.entries_v4), Status::BadIndex),
        (Command::read_counters(entry(0), 0x1000, u32::MAX), Status::BadIndex),
        (many, Status::BadIndex),
        (Command::read_counters(entry(3), 0x1000, 0), Status::BadLength),
    ];
    for (i, (mut command, status)) in cases.into_iter().enumerate() {
        // Failures complete without being asked to.
        command.head.set_cookie(0xc0_0000 + i as u32);
        host.push(&mut world, Ring::Command, command.to_words());
        host.ring(&mut world, Ring::Command);
        let completion = host.expect(&mut world, status, 0xc0_0000 + i as u32);
        assert_eq!(completion.consumer, i as u32 + 1);
    }
    // Neither is one whose CRC is wrong in any word.
    for bit in [0, 63, 64, 200, 447, 448, 479] {
        let mut words = Command::write_slot(SlotPlace::from_index(1), Slot::new()).completing(7).to_words();
        words[7] = crate::support::crc32(&words[..7]).into();
        words[bit / 64] ^= 1 << (bit % 64);
        host.push_raw(&mut world, Ring::Command, &words);
        host.ring(&mut world, Ring::Command);
        let completion = host.next(&mut world);
        assert_eq!(Status::from_code(completion.head.status()), Some(Status::BadCrc), "bit {bit}");
    }
    world.run(100);
    assert_eq!(world.writes, [], "nothing was written");
    host.push(&mut world, Ring::Command, Command::nop().completing(1).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 1);
}

#[test]
fn a_barrier_waits_its_clocks_behind_the_write_before_it() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start(&mut world, 4);
    for i in 0..4 {
        host.push(&mut world, Ring::Command, Command::write_slot(SlotPlace::from_index(i), Slot::new()).to_words());
        host.push(&mut world, Ring::Command, Command::barrier().completing(i).to_words());
    }
    host.ring(&mut world, Ring::Command);
    for i in 0..4 {
        let completion = host.expect(&mut world, Status::Ok, i);
        let write = &world.writes[i as usize];
        // The clock counter starts behind reset, before which the model has run five clocks.
        let waited = completion.clock + 5 - write.clock;
        assert!((BARRIER_CLOCKS..BARRIER_CLOCKS + 20).contains(&waited), "{waited} clocks");
    }
}

#[test]
fn counters_are_read_wherever_the_host_wants_them() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    for index in 0..GEOMETRY.entries_v4 {
        let record = CounterRecord { packets: world.rng.random(), bytes: world.rng.random(), last_seen: world.rng.random() };
        world.counters.insert(index, record);
    }
    // Aligned and not, across bursts and pages, one and all.
    for (first, count, address) in
        [(0, 1, 0x5000_0000), (7, 5, 0x5000_1ff8), (0, 256, 0x5_0000_0000), (3, 200, 0x5000_0f08), (255, 1, 0x5000_0068)]
    {
        let around = 64;
        let length = count as usize * RECORD_BYTES;
        world.memory.write(address - around, &vec![0xee; length + 2 * around as usize]);
        let command = Command::read_counters(entry(first), address, count).completing(first);
        host.push(&mut world, Ring::Command, command.to_words());
        host.ring(&mut world, Ring::Command);
        let completion = host.expect(&mut world, Status::Ok, first);
        assert_eq!(completion.length, count);
        for i in 0..count {
            let at = address + u64::from(i) * RECORD_BYTES as u64;
            let words = std::array::from_fn(|word| world.memory.word(at + 8 * word as u64));
            assert_eq!(CounterRecord::from_words(words), world.counters[&(first + i)]);
            assert_eq!(words[3], 0);
        }
        assert_eq!(world.memory.read(address - around, around as usize), vec![0xee; around as usize]);
        assert_eq!(world.memory.read(address + length as u64, around as usize), vec![0xee; around as usize]);
    }
}

#[test]
fn counters_are_cleared_one_entry_at_a_time() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    for index in [4, 5, 6] {
        world.counters.insert(index, CounterRecord { packets: 1, bytes: 2, last_seen: 3 });
    }
    host.push(&mut world, Ring::Command, Command::clear_counters(entry(5)).completing(9).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 9);
    let mut left: Vec<u32> = world.counters.keys().copied().collect();
    left.sort_unstable();
    assert_eq!(left, [4, 6]);
}

#[test]
fn every_opcode_is_carried_out_in_turn() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 3);
    let opcodes = [
        Command::nop(),
        Command::write_slot(SlotPlace::from_index(0), Slot::new()),
        Command::write_stash(0, StashSlot::default()),
        Command::write_entry(entry(0), &EntryBits::default(), 0),
        Command::write_next_hop(0, &NextHopBits::default()),
        Command::barrier(),
        Command::read_counters(entry(0), 0x9000, 3),
        Command::clear_counters(entry(0)),
    ];
    for (i, command) in opcodes.into_iter().enumerate() {
        assert_eq!(Opcode::from_code(i as u8).map(|opcode| opcode as u8), Some(command.head.opcode()));
        host.push(&mut world, Ring::Command, command.completing(i as u32).to_words());
    }
    host.ring(&mut world, Ring::Command);
    for i in 0..8 {
        let completion = host.expect(&mut world, Status::Ok, i);
        assert_eq!(completion.consumer, i + 1);
    }
    assert_eq!(world.writes.iter().map(|write| write.target).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
