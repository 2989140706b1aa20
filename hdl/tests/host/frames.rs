//! Frames both ways through the whole host side.

use std::collections::VecDeque;

use fpgaflow_abi::descriptor::{
    Completion, CompletionKind, FLAG_COMPLETE, FrameDescriptor, FrameHead, FrameKind, Ring, Status, Vector,
};
use fpgaflow_abi::regs::{self, ring};
use fpgaflow_hdl_guard::rng;
use rand::RngExt;

use crate::memory::{PAGE, Pace};
use crate::support::{GEOMETRY, Host, crc32};
use crate::world::{Punt, World};

/// Bytes of a buffer of the tests.
pub const BUFFER: u32 = 2048;
/// What memory holds around a frame before it is written.
const FILLING: u8 = 0xee;

/// Buffer `i`: on a page of its own, anywhere 64-byte aligned in it, so that bursts meet page ends.
pub fn buffer(i: u32) -> u64 {
    0x77_0000_0000 + u64::from(i) * 2 * PAGE + u64::from(i * 7 % 64) * 64
}

pub fn empty(i: u32, length: u32) -> FrameDescriptor {
    FrameDescriptor { head: FrameHead::new().with_kind(FrameKind::Buffer as u8).with_cookie(i), length, iova: buffer(i) }
}

pub fn send(i: u32, port: u8, length: u32, complete: bool) -> FrameDescriptor {
    let flags = if complete { FLAG_COMPLETE } else { 0 };
    let head = FrameHead::new().with_kind(FrameKind::Send as u8).with_port(port).with_cookie(i).with_flags(flags);
    FrameDescriptor { head, length, iova: buffer(i) }
}

pub fn random_punt(world: &mut World) -> Punt {
    let length = match world.rng.random_range(0..4) {
        0 => world.rng.random_range(60..=70),
        1 => world.rng.random_range(1510..=1518),
        _ => world.rng.random_range(1..=1518),
    };
    let mut bytes = vec![0; length];
    world.rng.fill(&mut bytes[..]);
    let entry = world.rng.random_bool(0.5).then(|| world.rng.random_range(0..1 << 24));
    Punt { bytes, port: world.rng.random_range(0..2), reason: world.rng.random_range(5..23), entry }
}

/// The frame is in buffer `i`, told of rightly, and nothing is around it.
#[track_caller]
pub fn check_stored(world: &World, punt: &Punt, i: u32, completion: &Completion) {
    assert_eq!(CompletionKind::from_code(completion.head.kind()), Some(CompletionKind::FrameToHost));
    assert_eq!((completion.head.status(), completion.head.cookie()), (Status::Ok as u8, i));
    assert_eq!((completion.head.port(), completion.head.reason()), (punt.port, punt.reason));
    assert_eq!(completion.length, punt.bytes.len() as u32);
    assert_eq!(completion.flow.hit(), punt.entry.is_some());
    assert_eq!(completion.flow.entry().into_bits(), punt.entry.unwrap_or(0));
    let stored = world.memory.read(buffer(i) - 8, punt.bytes.len() + 16);
    assert!(stored[8..][..punt.bytes.len()] == punt.bytes[..], "frame {i} of {} bytes differs", punt.bytes.len());
    assert_eq!((&stored[..8], &stored[punt.bytes.len() + 8..]), (&[FILLING; 8][..], &[FILLING; 8][..]), "around frame {i}");
}

fn frames_reach_the_host(pace: Pace, frames: u32) {
    let mut world = World::new(rng(), pace);
    let size_bits = 5;
    let mut host = Host::start(&mut world, size_bits);
    let mut waiting: VecDeque<(u32, Punt)> = VecDeque::new();
    let (mut given, mut posted, mut done) = (0, 0, 0);
    while done < frames {
        // As many buffers as the ring holds, frames when they like: many times around the ring.
        let mut rings = false;
        while posted < frames && posted - done < 1 << size_bits {
            world.memory.write(buffer(posted) - 8, &vec![FILLING; BUFFER as usize + 16]);
            host.push(&mut world, Ring::FrameToHost, empty(posted, BUFFER).to_words());
            posted += 1;
            rings = true;
        }
        if rings {
            host.ring(&mut world, Ring::FrameToHost);
        }
        while given < frames && given - done < 20 && world.rng.random_bool(0.8) {
            let punt = random_punt(&mut world);
            waiting.push_back((given, punt.clone()));
            world.punts.push_back(punt);
            given += 1;
        }
        if let Some((i, punt)) = waiting.pop_front() {
            let completion = host.next(&mut world);
            check_stored(&world, &punt, i, &completion);
            done += 1;
            assert_eq!(completion.consumer, done);
        }
    }
    assert_eq!(world.read(ring(regs::RING_CONSUMER, Ring::FrameToHost)), frames);
    assert_eq!(world.read(ring(regs::RING_PRODUCER, Ring::Completion)), frames);
    world.run(100);
    assert!(world.interrupts.iter().all(|(_, vector)| *vector == Vector::FrameToHost as u64));
    assert!(!world.interrupts.is_empty() && world.memory.quiet());
}

#[test]
fn frames_reach_the_host_byte_for_byte_on_a_fast_bus() {
    frames_reach_the_host(Pace::FAST, 150);
}

#[test]
fn frames_reach_the_host_byte_for_byte_on_a_rough_bus() {
    frames_reach_the_host(Pace::ROUGH, 150);
}

#[test]
fn frames_reach_the_host_byte_for_byte_on_a_bus_that_answers_very_late() {
    frames_reach_the_host(Pace::FAR, 60);
}

#[test]
fn small_frames_to_the_host_take_20_clocks_each_when_the_bus_answers_late() {
    let mut world = World::new(rng(), Pace { stall: 0.0, latency: 50 });
    let mut host = Host::start(&mut world, 7);
    for i in 0..100 {
        host.push(&mut world, Ring::FrameToHost, empty(i, BUFFER).to_words());
        let bytes = vec![i as u8; 60];
        world.punts.push_back(Punt { bytes, port: 0, reason: 17, entry: None });
    }
    host.ring(&mut world, Ring::FrameToHost);
    let mut clocks = Vec::new();
    world.until("all frames", |world| {
        if let Some(completion) = host.completion(world, 7) {
            clocks.push(completion.clock);
        }
        clocks.len() == 100
    });
    let each = (clocks[99] - clocks[19]) as f64 / 80.0;
    println!("{each:.1} clocks a frame");
    assert!(each <= 20.0, "{each} clocks a frame");
}

#[test]
fn a_port_that_is_slow_holds_up_the_ring_and_loses_nothing() {
    let mut world = World::new(rng(), Pace::FAST);
    world.tx_stall = 0.9;
    let mut host = Host::start(&mut world, 6);
    let mut expected = Vec::new();
    for i in 0..52 {
        // Long ones fill the store's beats, short ones its places for frames.
        let length = if i < 12 { world.rng.random_range(1400..=1518) } else { world.rng.random_range(1..=60) };
        let mut bytes = vec![0; length];
        world.rng.fill(&mut bytes[..]);
        world.memory.write(buffer(i), &bytes);
        host.push(&mut world, Ring::FrameToCard, send(i, 1, length as u32, false).to_words());
        expected.push((1, bytes));
    }
    host.ring(&mut world, Ring::FrameToCard);
    world.until("all frames", |world| world.sent.len() == expected.len());
    assert!(world.sent == expected, "frames differ");
}

#[test]
fn long_frames_move_a_beat_a_clock_both_ways_at_once() {
    let mut world = World::new(rng(), Pace { stall: 0.0, latency: 30 });
    let mut host = Host::start(&mut world, 6);
    let frames = 40;
    for i in 0..frames {
        host.push(&mut world, Ring::FrameToHost, empty(i, BUFFER).to_words());
        world.punts.push_back(Punt { bytes: vec![i as u8; 1518], port: 0, reason: 17, entry: None });
        world.memory.write(buffer(1000 + i), &[i as u8; 1518]);
        host.push(&mut world, Ring::FrameToCard, send(1000 + i, 0, 1518, false).to_words());
    }
    host.ring(&mut world, Ring::FrameToHost);
    host.ring(&mut world, Ring::FrameToCard);
    let mut clocks = Vec::new();
    world.until("the frames to the host", |world| {
        if let Some(completion) = host.completion(world, 6) {
            clocks.push(completion.clock);
        }
        clocks.len() == frames as usize
    });
    let each = (clocks[frames as usize - 1] - clocks[5]) as f64 / f64::from(frames - 6);
    // 190 beats, the completion's 8, and what it takes to begin.
    println!("to the host: {each:.1} clocks a frame");
    assert!(each <= 206.0, "{each} clocks a frame to the host");
    let sent = world.sent.len();
    println!("to the card in the same time: {sent} frames");
    assert!(sent + 2 >= frames as usize, "{sent} frames to the card in the time of {frames} to the host");
}

#[test]
fn a_buffer_that_is_none_completes_at_once_and_one_too_small_costs_the_frame() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let mut bad_crc = empty(1, BUFFER).to_words();
    bad_crc[7] = u64::from(crc32(&bad_crc[..7])) ^ 1;
    host.push_raw(&mut world, Ring::FrameToHost, &bad_crc);
    host.push(&mut world, Ring::FrameToHost, send(2, 0, 100, true).to_words());
    host.ring(&mut world, Ring::FrameToHost);
    host.expect(&mut world, Status::BadCrc, 1);
    host.expect(&mut world, Status::BadOpcode, 2);

    let punts: Vec<Punt> = [100, 64, 65, 1].map(|length| Punt { bytes: vec![9; length], port: 1, reason: 5, entry: None }).into();
    world.punts.extend(punts.clone());
    for (i, length) in [(3, 99), (4, 64), (5, 0), (6, 1)] {
        world.memory.write(buffer(i) - 8, &[FILLING; 128]);
        host.push(&mut world, Ring::FrameToHost, empty(i, length).to_words());
    }
    host.ring(&mut world, Ring::FrameToHost);
    for (i, punt) in (3..).zip(&punts) {
        if i % 2 == 1 {
            let completion = host.expect(&mut world, Status::BadLength, i);
            assert_eq!((completion.length, completion.head.reason()), (punt.bytes.len() as u32, punt.reason));
            assert_eq!(world.memory.read(buffer(i) - 8, 128), [FILLING; 128], "nothing is written");
        } else {
            let completion = host.next(&mut world);
            check_stored(&world, punt, i, &completion);
        }
    }
    let host_full = regs::reason_counter(fpgaflow_abi::reason::Reason::HostFull);
    assert_eq!(world.read64(host_full), 2, "both frames are counted");
}

fn frames_reach_the_card(pace: Pace, frames: u32) {
    let mut world = World::new(rng(), pace);
    let size_bits = 5;
    let mut host = Host::start(&mut world, size_bits);
    let mut expected = Vec::new();
    let mut completing = VecDeque::new();
    let (mut posted, mut done) = (0, 0);
    while done < frames {
        let consumed = world.read(ring(regs::RING_CONSUMER, Ring::FrameToCard));
        let mut rings = false;
        while posted < frames && posted - consumed < 1 << size_bits {
            let punt = random_punt(&mut world);
            // The last one completes, so that the end can be waited for.
            let complete = posted + 1 == frames || world.rng.random_bool(0.5);
            world.memory.write(buffer(posted), &punt.bytes);
            let descriptor = send(posted, punt.port, punt.bytes.len() as u32, complete);
            host.push(&mut world, Ring::FrameToCard, descriptor.to_words());
            if complete {
                completing.push_back((posted, punt.bytes.len() as u32));
            }
            expected.push((punt.port, punt.bytes));
            posted += 1;
            rings = true;
        }
        if rings {
            host.ring(&mut world, Ring::FrameToCard);
        }
        if let Some((i, length)) = completing.pop_front() {
            let completion = host.expect(&mut world, Status::Ok, i);
            assert_eq!(CompletionKind::from_code(completion.head.kind()), Some(CompletionKind::FrameToCard));
            assert_eq!((completion.consumer, completion.length), (i + 1, length));
            // Its buffer is the host's again: the card has what it needs.
            world.memory.write(buffer(i), &vec![0; length as usize]);
            done = i + 1;
        }
    }
    world.until("all frames to be sent", |world| world.sent.len() == expected.len());
    assert!(world.sent == expected, "frames differ");
}

#[test]
fn frames_reach_the_card_byte_for_byte_on_a_fast_bus() {
    frames_reach_the_card(Pace::FAST, 150);
}

#[test]
fn frames_reach_the_card_byte_for_byte_on_a_rough_bus() {
    frames_reach_the_card(Pace::ROUGH, 150);
}

#[test]
fn frames_reach_the_card_byte_for_byte_on_a_bus_that_answers_very_late() {
    frames_reach_the_card(Pace::FAR, 60);
}

#[test]
fn small_frames_to_the_card_take_20_clocks_each_when_the_bus_answers_late() {
    let mut world = World::new(rng(), Pace { stall: 0.0, latency: 50 });
    let mut host = Host::start(&mut world, 7);
    for i in 0..100 {
        world.memory.write(buffer(i), &[i as u8; 60]);
        host.push(&mut world, Ring::FrameToCard, send(i, 0, 60, false).to_words());
    }
    host.ring(&mut world, Ring::FrameToCard);
    world.until("the first frames", |world| world.sent.len() == 20);
    let start = world.model.clocks();
    world.until("the last frame", |world| world.sent.len() == 100);
    let each = (world.model.clocks() - start) as f64 / 80.0;
    println!("{each:.1} clocks a frame");
    assert!(each <= 20.0, "{each} clocks a frame");
}

#[test]
fn a_frame_that_may_not_be_sent_is_answered_and_not_sent() {
    let mut world = World::new(rng(), Pace::ROUGH);
    let mut host = Host::start(&mut world, 4);
    let cases = [
        (send(0, GEOMETRY.ports, 100, false), Status::BadIndex),
        (send(1, 255, 100, false), Status::BadIndex),
        (send(2, 0, 0, false), Status::BadLength),
        (send(3, 0, GEOMETRY.max_frame_bytes + 1, false), Status::BadLength),
        (send(4, 0, 1 << 16 | 100, false), Status::BadLength),
        (empty(5, 100), Status::BadOpcode),
    ];
    for (i, (descriptor, status)) in (0..).zip(cases) {
        host.push(&mut world, Ring::FrameToCard, descriptor.to_words());
        host.ring(&mut world, Ring::FrameToCard);
        host.expect(&mut world, status, i);
    }
    let mut bad_crc = send(6, 0, 100, false).to_words();
    bad_crc[7] = !u64::from(crc32(&bad_crc[..7]));
    host.push_raw(&mut world, Ring::FrameToCard, &bad_crc);
    // The longest is sent.
    world.memory.write(buffer(7), &vec![7; GEOMETRY.max_frame_bytes as usize]);
    host.push(&mut world, Ring::FrameToCard, send(7, 1, GEOMETRY.max_frame_bytes, true).to_words());
    host.ring(&mut world, Ring::FrameToCard);
    host.expect(&mut world, Status::BadCrc, 6);
    host.expect(&mut world, Status::Ok, 7);
    world.until("the frame to be sent", |world| !world.sent.is_empty());
    world.run(200);
    assert_eq!(world.sent, [(1, vec![7; GEOMETRY.max_frame_bytes as usize])]);
}

#[test]
fn everything_at_once_keeps_its_order_and_its_bytes() {
    use fpgaflow_abi::descriptor::Command;
    use fpgaflow_abi::slot::{Slot, SlotPlace};
    let mut world = World::new(rng(), Pace { stall: 0.2, latency: 30 });
    let size_bits = 5;
    let mut host = Host::start_with(&mut world, size_bits, 7);
    let rounds = 12;
    let each = 1_u32 << size_bits;
    let mut sent = Vec::new();
    for round in 0..rounds {
        let mut punts = VecDeque::new();
        for i in 0..each {
            let id = round * each + i;
            let command = Command::write_slot(SlotPlace::from_index(id), Slot::new()).completing(id);
            host.push(&mut world, Ring::Command, command.to_words());
            world.memory.write(buffer(id) - 8, &vec![FILLING; BUFFER as usize + 16]);
            host.push(&mut world, Ring::FrameToHost, empty(id, BUFFER).to_words());
            let punt = random_punt(&mut world);
            world.punts.push_back(punt.clone());
            punts.push_back((id, punt));
            let frame = random_punt(&mut world);
            let out = 1_000_000 + id;
            world.memory.write(buffer(out), &frame.bytes);
            host.push(&mut world, Ring::FrameToCard, send(out, frame.port, frame.bytes.len() as u32, true).to_words());
            sent.push((frame.port, frame.bytes));
        }
        for which in [Ring::Command, Ring::FrameToHost, Ring::FrameToCard] {
            host.ring(&mut world, which);
        }
        let mut seen = [round * each; 3];
        for _ in 0..3 * each {
            let mut found = None;
            world.until("a completion", |world| {
                found = host.completion(world, 7);
                found.is_some()
            });
            let completion = found.expect("it was waited for");
            let kind = usize::from(completion.head.kind()) - 1;
            assert_eq!(completion.head.status(), Status::Ok as u8);
            if kind == Ring::FrameToHost as usize {
                let (id, punt) = punts.pop_front().expect("one for each completion");
                check_stored(&world, &punt, id, &completion);
            } else {
                let offset = if kind == Ring::FrameToCard as usize { 1_000_000 } else { 0 };
                assert_eq!(completion.head.cookie(), offset + seen[kind]);
            }
            seen[kind] += 1;
            assert_eq!(completion.consumer, seen[kind]);
        }
        world.write(ring(regs::RING_CONSUMER, Ring::Completion), host.consumer);
    }
    world.until("all frames to be sent", |world| world.sent.len() == sent.len());
    assert!(world.sent == sent, "frames differ");
    let indices: Vec<u64> = world.writes.iter().map(|write| write.index).collect();
    assert_eq!(indices, (0..u64::from(rounds * each)).collect::<Vec<_>>());
}
