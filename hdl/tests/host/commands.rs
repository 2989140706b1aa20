//! Commands through the whole host side: memory to tables and back.

use std::collections::VecDeque;

use fpgaflow_abi::counters::{CounterRecord, RECORD_BYTES};
use fpgaflow_abi::descriptor::{Command, Completion, CompletionKind, Opcode, PAYLOAD_WORDS, Ring, Status, entry_parts};
use fpgaflow_abi::entry::{ENTRY_WORDS, EntryBits};
use fpgaflow_abi::hash::KeyHash;
use fpgaflow_abi::key::Family;
use fpgaflow_abi::next_hop::{NEXT_HOP_WORDS, NextHopBits};
use fpgaflow_abi::regs::{self, ring};
use fpgaflow_abi::slot::{EntryRef, SLOT_BITS, STASH_BITS, Slot, SlotPlace, StashSlot};
use fpgaflow_hdl::records::WriteTarget;
use fpgaflow_hdl_guard::rng;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::memory::Pace;
use crate::support::{BARRIER_CLOCKS, GEOMETRY, Host};
use crate::world::{World, Write};

/// A table write as it should arrive: target, index, row.
type Expected = (u64, u64, [u64; ENTRY_WORDS]);

fn entry(index: u32) -> EntryRef {
    EntryRef::of(Family::V4, index)
}

fn entry_v6(index: u32) -> EntryRef {
    EntryRef::of(Family::V6, index)
}

/// A row that begins with `words`.
fn row<const N: usize>(words: [u64; N]) -> [u64; ENTRY_WORDS] {
    std::array::from_fn(|i| words.get(i).copied().unwrap_or(0))
}

/// The writes that arrived, of each what its table has: above that a row holds what other commands left.
fn arrived(world: &World) -> Vec<Expected> {
    let table_bits = |target: u64, index: u64| match target {
        target if target == WriteTarget::Slot as u64 => SLOT_BITS,
        target if target == WriteTarget::Stash as u64 => STASH_BITS,
        target if target == WriteTarget::NextHop as u64 => 64 * NEXT_HOP_WORDS,
        _ if EntryRef::from_bits(index as u32).family() == Family::V4 => 64 * PAYLOAD_WORDS,
        _ => 64 * ENTRY_WORDS,
    };
    let own = |write: &Write| {
        let bits = table_bits(write.target, write.index);
        std::array::from_fn(|i| match bits.saturating_sub(64 * i) {
            0 => 0,
            below @ 1..64 => write.row[i] & ((1 << below) - 1),
            _ => write.row[i],
        })
    };
    world.writes.iter().map(|write| (write.target, write.index, own(write))).collect()
}

fn random_bits(rng: &mut ChaCha8Rng, words: usize) -> EntryBits {
    let mut bits = EntryBits::default();
    rng.fill(&mut bits.0[..words]);
    bits
}

/// All parts of an IPv6 entry.
fn parts_v6(index: u32, bits: &EntryBits) -> Vec<Command> {
    (0..entry_parts(Family::V6)).map(|part| Command::write_entry(entry_v6(index), bits, part)).collect()
}

/// The commands of a write and what they should do.
fn random_write(rng: &mut ChaCha8Rng) -> (Vec<Command>, Expected) {
    if rng.random_bool(0.2) {
        let (index, bits) = (rng.random_range(0..GEOMETRY.entries_v6), random_bits(rng, ENTRY_WORDS));
        return (parts_v6(index, &bits), (WriteTarget::Entry as u64, entry_v6(index).into_bits().into(), bits.0));
    }
    let (command, expected) = random_single_write(rng);
    (vec![command], expected)
}

/// A write that is one command.
fn random_single_write(rng: &mut ChaCha8Rng) -> (Command, Expected) {
    let slot = Slot::from_bits(rng.random::<u64>() & ((1 << 41) - 1));
    match rng.random_range(0..4) {
        0 => {
            let place = SlotPlace::from_index(rng.random_range(0..GEOMETRY.slots()));
            let row = row([slot.into_bits()]);
            (Command::write_slot(place, slot), (WriteTarget::Slot as u64, place.index().into(), row))
        }
        1 => {
            let index = rng.random_range(0..u32::from(GEOMETRY.stash));
            let hash = rng.random::<u64>() >> 16;
            let row = row([slot.into_bits() | hash << 41, hash >> 23]);
            let stash = StashSlot { slot, hash: KeyHash(hash).0 };
            (Command::write_stash(index, stash), (WriteTarget::Stash as u64, index.into(), row))
        }
        2 => {
            let bits = random_bits(rng, PAYLOAD_WORDS);
            let index = rng.random_range(0..GEOMETRY.entries_v4);
            (Command::write_entry(entry(index), &bits, 0), (WriteTarget::Entry as u64, index.into(), bits.0))
        }
        _ => {
            let mut bits = NextHopBits::default();
            rng.fill(&mut bits.0[..]);
            let index = rng.random_range(0..GEOMETRY.next_hops);
            (Command::write_next_hop(index, &bits), (WriteTarget::NextHop as u64, index.into(), row(bits.0)))
        }
    }
}

fn writes_arrive_in_order(pace: Pace) {
    let mut world = World::new(rng(), pace);
    let mut host = Host::start(&mut world, 4);
    let mut expected = Vec::new();
    let mut cookies = VecDeque::new();
    let mut pushed = 0;
    for batch in 0..80_u32 {
        // No more commands than the ring has places.
        let mut commands = vec![];
        for _ in 0..world.rng.random_range(1..=16) {
            let (write, effect) = random_write(&mut world.rng);
            if commands.len() + write.len() <= 16 {
                commands.extend(write);
                expected.push(effect);
            }
        }
        for (i, mut command) in (0..).zip(commands) {
            if world.rng.random_bool(0.3) {
                command = command.completing(batch << 8 | i);
                cookies.push_back(batch << 8 | i);
            }
            pushed += 1;
            host.push(&mut world, Ring::Command, command.to_words());
        }
        host.ring(&mut world, Ring::Command);
        let want = expected.len();
        world.until("all writes of a batch", |world| world.writes.len() == want);
        while let Some(cookie) = cookies.pop_front() {
            let completion = host.expect(&mut world, Status::Ok, cookie);
            assert_eq!(CompletionKind::from_code(completion.head.kind()), Some(CompletionKind::Command));
            assert!(completion.consumer <= pushed && completion.clock <= world.model.clocks());
        }
        let consumed = ring(regs::RING_CONSUMER, Ring::Command);
        world.until("the ring to be consumed", |world| world.read(consumed) == pushed);
    }
    let writes = arrived(&world);
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
    let mut v6_part_3 = Command::write_entry(entry_v6(0), &bits, 0);
    v6_part_3.head.set_part(3);
    let beyond_v6 = entry_v6(GEOMETRY.entries_v6);
    // Nor is there anything behind the bits of a reference.
    let mut huge = Command::write_entry(entry(0), &bits, 0);
    huge.index = 1 << 24;
    let mut many = Command::read_counters(entry(0), 0, 1);
    many.payload[1] = 1 << 32 | 1;
    let cases = [
        (unknown, Status::BadOpcode),
        (unknown_high, Status::BadOpcode),
        (Command::write_entry(entry(0), &bits, 1), Status::BadOpcode),
        (v6_part_3, Status::BadOpcode),
        (Command::write_entry(entry_v6(0), &bits, 1), Status::BadOpcode),
        (Command::write_entry(entry_v6(0), &bits, 2), Status::BadOpcode),
        (Command::write_entry(beyond_v6, &bits, 0), Status::BadIndex),
        (huge, Status::BadIndex),
        (Command::clear_counters(beyond_v6), Status::BadIndex),
        (Command::read_counters(beyond_v6, 0x1000, 1), Status::BadIndex),
        (Command::read_counters(entry_v6(1), 0x1000, GEOMETRY.entries_v6), Status::BadIndex),
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

/// Pushes commands that all complete; gives what they completed with.
fn statuses(world: &mut World, host: &mut Host, commands: impl IntoIterator<Item = Command>) -> Vec<Status> {
    let mut count = 0;
    for command in commands {
        host.push(world, Ring::Command, command.completing(count).to_words());
        count += 1;
    }
    host.ring(world, Ring::Command);
    let status = |completion: Completion| Status::from_code(completion.head.status()).expect("a status of the ABI");
    (0..count).map(|_| status(host.next(world))).collect()
}

#[test]
fn parts_of_an_ipv6_entry_out_of_order_are_refused_and_write_nothing() {
    use Status::{BadCrc, BadIndex, BadOpcode, Ok};
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let bits = random_bits(&mut world.rng, ENTRY_WORDS);
    let part = |index, part| Command::write_entry(entry_v6(index), &bits, part);
    let slot = Command::write_slot(SlotPlace::from_index(3), Slot::new());
    let beyond = part(GEOMETRY.entries_v6, 0);
    let cases: [(&[Command], &[Status]); 13] = [
        (&[part(5, 2)], &[BadOpcode]),
        (&[part(5, 0), part(5, 2), part(5, 2)], &[Ok, BadOpcode, BadOpcode]),
        (&[part(5, 0), part(5, 2), part(5, 1), part(5, 2)], &[Ok, BadOpcode, BadOpcode, BadOpcode]),
        (&[part(5, 0), part(5, 1), part(5, 1), part(5, 2)], &[Ok, Ok, BadOpcode, BadOpcode]),
        // Another entry's, of another index or of the same one in the other family.
        (&[part(5, 0), part(6, 1), part(5, 1), part(5, 2)], &[Ok, BadOpcode, BadOpcode, BadOpcode]),
        (&[part(5, 0), part(5, 1), part(6, 2)], &[Ok, Ok, BadOpcode]),
        (&[part(5, 0), Command::write_entry(entry(5), &bits, 1), part(5, 1)], &[Ok, BadOpcode, BadOpcode]),
        // Part 0 begins anew, of another entry too.
        (&[part(5, 0), part(6, 0), part(5, 1)], &[Ok, Ok, BadOpcode]),
        (&[part(5, 0), part(5, 1), part(5, 0), part(5, 2)], &[Ok, Ok, Ok, BadOpcode]),
        // Another command between, good or bad.
        (&[part(5, 0), Command::nop(), part(5, 1)], &[Ok, Ok, BadOpcode]),
        (&[part(5, 0), part(5, 1), Command::barrier(), part(5, 2)], &[Ok, Ok, Ok, BadOpcode]),
        (&[part(5, 0), part(5, 1), beyond, part(5, 2)], &[Ok, Ok, BadIndex, BadOpcode]),
        // What is refused does not keep a bad entry's next part alive.
        (&[beyond, part(GEOMETRY.entries_v6, 1)], &[BadIndex, BadOpcode]),
    ];
    for (i, (commands, expected)) in cases.into_iter().enumerate() {
        assert_eq!(statuses(&mut world, &mut host, commands.iter().copied()), expected, "case {i}");
        assert_eq!(world.writes, [], "case {i}");
    }

    // A descriptor that arrived damaged.
    assert_eq!(statuses(&mut world, &mut host, [part(5, 0), part(5, 1)]), [Ok, Ok]);
    host.push_raw(&mut world, Ring::Command, &Command::nop().to_words());
    host.ring(&mut world, Ring::Command);
    assert_eq!(Status::from_code(host.next(&mut world).head.status()), Some(BadCrc));
    assert_eq!(statuses(&mut world, &mut host, [part(5, 2)]), [BadOpcode]);
    assert_eq!(world.writes, []);

    // A write between is carried out, and the whole entry behind it too.
    assert_eq!(statuses(&mut world, &mut host, [part(5, 0), slot, part(5, 1)]), [Ok, Ok, BadOpcode]);
    assert_eq!(statuses(&mut world, &mut host, parts_v6(7, &bits)), [Ok, Ok, Ok]);
    let writes = arrived(&world);
    let entry = (WriteTarget::Entry as u64, entry_v6(7).into_bits().into(), bits.0);
    assert_eq!(writes, [(WriteTarget::Slot as u64, 3, row([])), entry]);
}

#[test]
fn parts_gathered_before_the_ring_was_switched_off_are_forgotten() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start(&mut world, 4);
    let bits = random_bits(&mut world.rng, ENTRY_WORDS);
    let [first, second, last] = parts_v6(9, &bits).try_into().expect("three parts");
    assert_eq!(statuses(&mut world, &mut host, [first, second]), [Status::Ok; 2]);
    for which in Ring::ALL {
        world.write(ring(regs::RING_CTRL, which), 0);
        world.until("a ring to be off", |world| world.read(ring(regs::RING_CTRL, which)) & 0b11 == 0);
    }
    let mut host = Host::start(&mut world, 4);
    assert_eq!(statuses(&mut world, &mut host, [last]), [Status::BadOpcode]);
    assert_eq!(world.writes, []);
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
    for entry in (0..GEOMETRY.entries_v4).map(entry).chain((0..GEOMETRY.entries_v6).map(entry_v6)) {
        let record = CounterRecord { packets: world.rng.random(), bytes: world.rng.random(), last_seen: world.rng.random() };
        world.counters.insert(entry.into_bits(), record);
    }
    // Aligned and not, across bursts and pages, one and all, of both families.
    for (first, count, address) in [
        (entry(0), 1, 0x5000_0000),
        (entry(7), 5, 0x5000_1ff8),
        (entry(0), 256, 0x5_0000_0000),
        (entry(3), 200, 0x5000_0f08),
        (entry(255), 1, 0x5000_0068),
        (entry_v6(0), 64, 0x5000_0000),
        (entry_v6(63), 1, 0x5000_2ff8),
    ] {
        let around = 64;
        let length = count as usize * RECORD_BYTES;
        world.memory.write(address - around, &vec![0xee; length + 2 * around as usize]);
        let command = Command::read_counters(first, address, count).completing(first.into_bits());
        host.push(&mut world, Ring::Command, command.to_words());
        host.ring(&mut world, Ring::Command);
        let completion = host.expect(&mut world, Status::Ok, first.into_bits());
        assert_eq!(completion.length, count);
        for i in 0..count {
            let at = address + u64::from(i) * RECORD_BYTES as u64;
            let words = std::array::from_fn(|word| world.memory.word(at + 8 * word as u64));
            assert_eq!(CounterRecord::from_words(words), world.counters[&(first.into_bits() + i)]);
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
