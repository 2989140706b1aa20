//! Rings on and off, full and empty; interrupts.

use fpgaflow_abi::descriptor::{Command, Ring, Status, Vector};
use fpgaflow_abi::regs::{self, ring};
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace};
use fpgaflow_hdl_guard::rng;
use rand::RngExt;

use crate::frames::{BUFFER, buffer, check_stored, empty, random_punt, send};
use crate::memory::Pace;
use crate::support::Host;
use crate::world::World;

/// Switches a ring off and waits until the card has let go of it.
fn stop(world: &mut World, which: Ring) {
    world.write(ring(regs::RING_CTRL, which), 0);
    world.until("a ring to stop", |world| world.read(ring(regs::RING_CTRL, which)) == 0);
}

#[test]
fn the_completion_ring_is_never_overrun() {
    let mut world = World::new(rng(), Pace { stall: 0.1, latency: 20 });
    let completion_bits = 2;
    let mut host = Host::start_with(&mut world, 5, completion_bits);
    for i in 0..32 {
        host.push(&mut world, Ring::Command, Command::nop().completing(i).to_words());
    }
    host.ring(&mut world, Ring::Command);
    let producer = ring(regs::RING_PRODUCER, Ring::Completion);
    let mut next = 0;
    while next < 32 {
        world.run(600);
        let room = (next + (1 << completion_bits)).min(32);
        assert_eq!(world.read(producer), room, "the ring is filled and no further");
        // Read some, or all.
        for _ in 0..world.rng.random_range(1..=room - next) {
            let completion = host.completion(&world, completion_bits).expect("it was counted");
            assert_eq!(completion.head.cookie(), next);
            next += 1;
        }
        world.write(ring(regs::RING_CONSUMER, Ring::Completion), host.consumer);
    }
    assert!(host.completion(&world, completion_bits).is_none());
}

#[test]
fn a_full_completion_ring_holds_up_every_source_and_loses_nothing() {
    let mut world = World::new(rng(), Pace { stall: 0.1, latency: 20 });
    let mut host = Host::start_with(&mut world, 5, 1);
    let mut punts = Vec::new();
    for i in 0..32 {
        host.push(&mut world, Ring::Command, Command::nop().completing(i).to_words());
        world.memory.write(buffer(i) - 8, &vec![0xee; BUFFER as usize + 16]);
        host.push(&mut world, Ring::FrameToHost, empty(i, BUFFER).to_words());
        let punt = random_punt(&mut world);
        punts.push(punt.clone());
        world.punts.push_back(punt);
        let out = 100 + i;
        world.memory.write(buffer(out), &[1; 60]);
        host.push(&mut world, Ring::FrameToCard, send(out, 0, 60, true).to_words());
    }
    for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
        host.ring(&mut world, which);
    }
    world.run(3000);
    let mut seen = [0_u32; 3];
    for _ in 0..96 {
        let mut found = None;
        world.until("a completion", |world| {
            found = host.completion(world, 1);
            found.is_some()
        });
        let completion = found.expect("it was waited for");
        let kind = usize::from(completion.head.kind()) - 1;
        match kind {
            1 => check_stored(&world, &punts[seen[1] as usize], seen[1], &completion),
            2 => assert_eq!(completion.head.cookie(), 100 + seen[2]),
            _ => assert_eq!(completion.head.cookie(), seen[0]),
        }
        seen[kind] += 1;
        world.write(ring(regs::RING_CONSUMER, Ring::Completion), host.consumer);
    }
    assert_eq!(seen, [32; 3]);
}

#[test]
fn a_ring_that_is_off_is_left_alone() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start(&mut world, 4);
    for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
        stop(&mut world, which);
        assert_eq!(world.read(ring(regs::RING_PRODUCER, which)), 0);
        let before = world.memory.bursts;
        host.push(&mut world, which, Command::nop().completing(1).to_words());
        let punt = random_punt(&mut world);
        world.punts.push_back(punt);
        host.ring(&mut world, which);
        world.run(300);
        assert_eq!(world.memory.bursts, before, "no access to a ring that is off");
        world.punts.clear();
    }
}

#[test]
fn rings_are_switched_off_and_on_at_any_moment() {
    let mut world = World::new(rng(), Pace { stall: 0.2, latency: 40 });
    for round in 0..25_u32 {
        // Room for all completions: a ring does not stop before its completions are written.
        let mut host = Host::start_with(&mut world, 5, 7);
        let old_writes = world.writes.len();
        let old_sent = world.sent.len();
        let (first, count) = (round * 32, world.rng.random_range(1..=31));
        let mut punts = Vec::new();
        let mut frames = Vec::new();
        for i in first..first + count {
            let command = Command::write_slot(SlotPlace::from_index(i % 512), Slot::new()).completing(i);
            host.push(&mut world, Ring::Command, command.to_words());
            world.memory.write(buffer(i) - 8, &vec![0xee; BUFFER as usize + 16]);
            host.push(&mut world, Ring::FrameToHost, empty(i, BUFFER).to_words());
            let punt = random_punt(&mut world);
            punts.push(punt.clone());
            world.punts.push_back(punt);
            let out = 1_000_000 + i;
            let frame = random_punt(&mut world);
            world.memory.write(buffer(out), &frame.bytes);
            host.push(&mut world, Ring::FrameToCard, send(out, frame.port, frame.bytes.len() as u32, true).to_words());
            frames.push((frame.port, frame.bytes));
        }
        for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            host.ring(&mut world, which);
        }
        let clocks = world.rng.random_range(0..1500);
        world.run(clocks);
        let taken_before: usize = world.punts.len();
        for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            stop(&mut world, which);
        }
        // Counters are zero once it is off, so what was done is what completions and the engine say.
        for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            assert_eq!(world.read(ring(regs::RING_CONSUMER, which)), 0);
        }
        world.until("completions on their way", |world| world.memory.quiet());
        world.run(60);
        let mut done = [0_u32; 3];
        while let Some(completion) = host.completion(&world, 7) {
            let kind = usize::from(completion.head.kind()) - 1;
            assert_eq!(completion.head.status(), Status::Ok as u8);
            match kind {
                1 => check_stored(&world, &punts[done[1] as usize], first + done[1], &completion),
                2 => assert_eq!(completion.head.cookie(), 1_000_000 + first + done[2]),
                _ => assert_eq!(completion.head.cookie(), first + done[0]),
            }
            done[kind] += 1;
            assert_eq!(completion.consumer, done[kind]);
        }
        assert_eq!(world.writes.len() - old_writes, done[0] as usize, "a command is done and told of, or neither");
        world.until("frames on their way", |world| world.sent.len() - old_sent == done[2] as usize);
        world.run(300);
        assert!(world.sent[old_sent..] == frames[..done[2] as usize], "a frame is sent and told of, or neither");
        assert!(taken_before >= world.punts.len());
        assert_eq!(punts.len() - world.punts.len(), done[1] as usize, "a frame is stored and told of, or waits");
        world.punts.clear();
        stop(&mut world, Ring::Completion);
    }
}

#[test]
fn a_card_whose_driver_died_with_a_full_completion_ring_can_be_stopped() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start_with(&mut world, 4, 0);
    for i in 0..8 {
        host.push(&mut world, Ring::Command, Command::nop().completing(i).to_words());
        world.memory.write(buffer(i), &[0; 60]);
        host.push(&mut world, Ring::FrameToCard, send(i, 0, 60, true).to_words());
    }
    host.ring(&mut world, Ring::Command);
    host.ring(&mut world, Ring::FrameToCard);
    world.run(1000);
    for which in Ring::ALL {
        world.write(ring(regs::RING_CTRL, which), 0);
    }
    for which in Ring::ALL {
        stop(&mut world, which);
    }
    // The next driver starts afresh.
    let mut host = Host::start(&mut world, 4);
    host.push(&mut world, Ring::Command, Command::nop().completing(77).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 77);
}

#[test]
fn what_completes_without_a_completion_ring_is_forgotten() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start(&mut world, 4);
    stop(&mut world, Ring::Completion);
    for i in 0..10 {
        host.push(&mut world, Ring::Command, Command::clear_counters(EntryRef::new()).completing(i).to_words());
    }
    host.ring(&mut world, Ring::Command);
    let consumer = ring(regs::RING_CONSUMER, Ring::Command);
    world.until("the commands", |world| world.read(consumer) == 10);
    world.write(ring(regs::RING_CTRL, Ring::Completion), 1);
    host.push(&mut world, Ring::Command, Command::nop().completing(77).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 77);
}

#[test]
fn no_event_is_lost_and_no_interrupt_comes_too_soon() {
    let moderation = 500;
    let mut world = World::new(rng(), Pace::FAST);
    world.irq_stall = 0.7;
    let mut host = Host::start(&mut world, 6);
    world.write(regs::IRQ_MODERATION, moderation);
    let mut completed = 0;
    for i in 0..40 {
        host.push(&mut world, Ring::Command, Command::nop().completing(i).to_words());
        host.ring(&mut world, Ring::Command);
        host.expect(&mut world, Status::Ok, i);
        completed = world.model.clocks();
        let gap = world.rng.random_range(0..200);
        world.run(gap);
    }
    world.run(2 * u64::from(moderation));
    let command: Vec<u64> =
        world.interrupts.iter().filter(|(_, vector)| *vector == Vector::Command as u64).map(|(clock, _)| *clock).collect();
    assert_eq!(command.len(), world.interrupts.len(), "no other vector");
    assert!(command.len() > 5 && command.len() < 40, "{} interrupts for 40 completions", command.len());
    assert!(command.windows(2).all(|pair| pair[1] - pair[0] >= u64::from(moderation)), "too soon: {command:?}");
    assert!(command[command.len() - 1] + 100 > completed, "the last completion was told of");
    assert_eq!(world.read(regs::IRQ_PENDING), 0);
}

#[test]
fn a_vector_that_is_disabled_keeps_its_event() {
    let mut world = World::new(rng(), Pace::FAST);
    let mut host = Host::start(&mut world, 4);
    world.write(regs::IRQ_ENABLE, 0);
    host.push(&mut world, Ring::Command, Command::nop().completing(1).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 1);
    world.run(100);
    assert_eq!(world.interrupts, []);
    assert_eq!(world.read(regs::IRQ_PENDING), 1 << Vector::Command as u32);
    world.write(regs::IRQ_ENABLE, 1 << Vector::FrameToHost as u32);
    world.run(100);
    assert_eq!(world.interrupts, []);
    world.write(regs::IRQ_ENABLE, 0xf);
    world.run(100);
    assert_eq!(world.interrupts.len(), 1);
    assert_eq!(world.read(regs::IRQ_PENDING), 0);
}

#[test]
fn the_interrupt_never_overtakes_its_completion() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    for i in 0..50 {
        let told = world.interrupts.len();
        host.push(&mut world, Ring::Command, Command::nop().completing(i).to_words());
        host.ring(&mut world, Ring::Command);
        world.until("an interrupt", |world| world.interrupts.len() > told);
        let completion = host.completion(&world, 4).expect("the completion is there when its interrupt is");
        assert_eq!(completion.head.cookie(), i);
        world.write(ring(regs::RING_CONSUMER, Ring::Completion), host.consumer);
    }
}
