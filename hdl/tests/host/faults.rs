//! The bus fails: everybody is told, nobody is stuck.

use fpgaflow_abi::descriptor::{Command, Ring, Status, Vector};
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::regs::{self, Event, ring};
use fpgaflow_abi::slot::{EntryRef, Slot, SlotPlace};
use fpgaflow_hdl_guard::rng;

use crate::frames::{BUFFER, buffer, check_stored, empty, random_punt, send};
use crate::memory::Pace;
use crate::support::{Host, base};
use crate::world::World;

/// `EVENT` is `event`, and clear afterwards; its vector has fired.
#[track_caller]
fn check_event(world: &mut World, event: Event) {
    world.until("the event's interrupt", |world| world.interrupts.iter().any(|(_, vector)| *vector == Vector::Event as u64));
    world.interrupts.clear();
    assert_eq!(Event::from_bits(world.read(regs::EVENT)), event);
    // Ones elsewhere clear nothing.
    world.write(regs::EVENT, !event.into_bits());
    assert_eq!(Event::from_bits(world.read(regs::EVENT)), event);
    world.write(regs::EVENT, event.into_bits());
    assert_eq!(world.read(regs::EVENT), 0);
}

#[test]
fn a_descriptor_that_cannot_be_read_is_answered_on_every_ring() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let events = [Event::new().with_command(true), Event::new().with_frame_to_host(true), Event::new().with_frame_to_card(true)];
    for (which, event) in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard].into_iter().zip(events) {
        world.memory.fail(base(which), true);
        host.push(&mut world, which, Command::write_slot(SlotPlace::from_index(0), Slot::new()).to_words());
        host.ring(&mut world, which);
        let completion = host.next(&mut world);
        assert_eq!(Status::from_code(completion.head.status()), Some(Status::BusError));
        assert_eq!(completion.head.kind(), which as u8 + 1);
        check_event(&mut world, event);
        world.memory.fail(base(which), false);
    }
    // The next ones are carried out.
    host.push(&mut world, Ring::Command, Command::nop().completing(1).to_words());
    host.ring(&mut world, Ring::Command);
    host.expect(&mut world, Status::Ok, 1);
    assert_eq!(world.writes, []);
}

#[test]
fn a_frame_that_cannot_be_stored_is_answered_and_the_next_one_is_stored() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let punts: Vec<_> = (0..4).map(|_| random_punt(&mut world)).collect();
    for i in 0..4 {
        world.memory.write(buffer(i) - 8, &vec![0xee; BUFFER as usize + 16]);
        host.push(&mut world, Ring::FrameToHost, empty(i, BUFFER).to_words());
    }
    world.memory.fail(buffer(1), true);
    world.memory.fail(buffer(2), true);
    world.punts.extend(punts.clone());
    host.ring(&mut world, Ring::FrameToHost);
    for (i, punt) in (0..).zip(&punts) {
        let completion = host.next(&mut world);
        if i == 1 || i == 2 {
            assert_eq!((completion.head.status(), completion.head.cookie()), (Status::BusError as u8, i));
        } else {
            check_stored(&world, punt, i, &completion);
        }
    }
    check_event(&mut world, Event::new().with_frame_to_host(true));
}

#[test]
fn a_frame_that_cannot_be_read_is_answered_and_not_sent() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    for i in 0..4 {
        world.memory.write(buffer(i), &[i as u8; 300]);
        host.push(&mut world, Ring::FrameToCard, send(i, 0, 300, false).to_words());
    }
    host.push(&mut world, Ring::FrameToCard, send(4, 0, 60, true).to_words());
    world.memory.fail(buffer(2), true);
    host.ring(&mut world, Ring::FrameToCard);
    // The failure completes unasked.
    host.expect(&mut world, Status::BusError, 2);
    host.expect(&mut world, Status::Ok, 4);
    check_event(&mut world, Event::new().with_frame_to_card(true));
    world.until("the others to be sent", |world| world.sent.len() == 4);
    let firsts: Vec<u8> = world.sent.iter().map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(firsts, [0, 1, 3, 0]);
}

#[test]
fn counters_that_cannot_be_stored_are_answered() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    // The failing page is in the middle.
    world.memory.fail(0x6000_1000, true);
    for (address, status) in [(0x6000_0f00, Status::BusError), (0x6000_0000, Status::Ok), (0x6000_0fe8, Status::BusError)] {
        let command = Command::read_counters(EntryRef::new(), address, 40).completing(address as u32);
        host.push(&mut world, Ring::Command, command.to_words());
        host.ring(&mut world, Ring::Command);
        let completion = host.expect(&mut world, status, address as u32);
        assert_eq!(completion.length, if status == Status::Ok { 40 } else { 0 });
    }
    check_event(&mut world, Event::new().with_command(true));
}

#[test]
fn a_lost_completion_is_an_event_and_costs_only_itself() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    world.memory.fail(base(Ring::Completion), true);
    host.push(&mut world, Ring::Command, Command::nop().completing(1).to_words());
    host.ring(&mut world, Ring::Command);
    check_event(&mut world, Event::new().with_completion(true));
    world.memory.fail(base(Ring::Completion), false);
    host.push(&mut world, Ring::Command, Command::nop().completing(2).to_words());
    host.ring(&mut world, Ring::Command);
    // Its place stays empty.
    assert!(host.completion(&world, 4).is_none());
    host.consumer += 1;
    host.expect(&mut world, Status::Ok, 2);
}

#[test]
fn no_fault_is_counted_as_a_drop() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    world.memory.fail(base(Ring::FrameToHost), true);
    host.push(&mut world, Ring::FrameToHost, empty(0, BUFFER).to_words());
    host.ring(&mut world, Ring::FrameToHost);
    assert_eq!(host.next(&mut world).head.status(), Status::BusError as u8);
    // A frame that comes later waits for a buffer that can be read.
    world.memory.fail(base(Ring::FrameToHost), false);
    let punt = random_punt(&mut world);
    world.punts.push_back(punt.clone());
    world.memory.write(buffer(1) - 8, &vec![0xee; BUFFER as usize + 16]);
    host.push(&mut world, Ring::FrameToHost, empty(1, BUFFER).to_words());
    host.ring(&mut world, Ring::FrameToHost);
    let completion = host.next(&mut world);
    check_stored(&world, &punt, 1, &completion);
    assert_eq!(world.read64(regs::reason_counter(Reason::HostFull)), 0);
    assert_eq!(world.read(ring(regs::RING_CONSUMER, Ring::FrameToHost)), 2);
}
