//! Interrupts: every vector by its own eventfd, no more often than moderation lets them, and none is lost: whoever sleeps until an
//! eventfd wakes him gets everything.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fpgaflow_abi::descriptor::{Command, FLAG_COMPLETE, FrameDescriptor, FrameHead, FrameKind, Ring, Status, VECTORS, Vector};
use fpgaflow_abi::regs::{self, Event, PortCtrl};
use fpgaflow_abi::wire::MIN_FRAME_BYTES;
use fpgaflow_card::ports::PortIo;
use fpgaflow_card::{CosimTransport, Runner, Timing, Width};
use fpgaflow_driver::card::{Card, CommandEvent, Events, Options, PortSettings, Sent};
use fpgaflow_driver::transport::{Iova, Transport};
use fpgaflow_tests::{BareHost, Rig, Setup, Stream, datagram_flow, secret, verilated};
use fpgaflow_traffic::{rng, seed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Clocks in which everything that was begun has ended, interrupts too.
const SETTLE_CLOCKS: u64 = 5_000;
/// How long a sleeper sleeps before he counts as forgotten: far longer than the slowest machine needs for a frame.
const FORGOTTEN: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };
/// An address at which no memory is.
const NOWHERE: Iova = Iova(0x1000);

/// Interrupts since this was last asked: the counter of a non-blocking eventfd.
fn taken(fd: BorrowedFd<'_>) -> u64 {
    let mut counter = [0; 8];
    match rustix::io::read(fd, &mut counter) {
        Ok(_) => u64::from_ne_bytes(counter),
        Err(rustix::io::Errno::AGAIN) => 0,
        Err(error) => panic!("read an eventfd: {error}"),
    }
}

/// A card without a driver whose interrupts are on.
struct Desk {
    transport: Arc<CosimTransport>,
    host: BareHost,
    eventfds: Vec<OwnedFd>,
}

impl Desk {
    fn new(enable: u32, moderation: u32) -> Self {
        let transport = verilated(Width::Bits64);
        let host = BareHost::new(&transport);
        let new_fd = |_| eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("make an eventfd");
        let eventfds: Vec<OwnedFd> = (0..VECTORS).map(new_fd).collect();
        let theirs = eventfds.iter().map(|fd| fd.try_clone().expect("duplicate an eventfd")).collect();
        transport.connect_interrupts(theirs).expect("connect the interrupts");
        host.write(regs::IRQ_MODERATION, moderation);
        host.write(regs::IRQ_ENABLE, enable);
        host.write(regs::port(regs::PORT_CTRL, 0), PortCtrl::new().with_rx_enable(true).into_bits());
        Self { transport, host, eventfds }
    }

    /// Interrupts of each vector since this was last asked.
    fn taken(&self) -> [u64; VECTORS] {
        self.transport.card().run(SETTLE_CLOCKS);
        std::array::from_fn(|vector| taken(self.eventfds[vector].as_fd()))
    }

    fn frame(&self, kind: FrameKind, length: u32, iova: Iova) -> [u64; 8] {
        let head = FrameHead::new().with_kind(kind as u8).with_flags(FLAG_COMPLETE);
        FrameDescriptor { head, length, iova: iova.0 }.to_words()
    }

    /// Has something happen that `vector` tells of.
    fn provoke(&mut self, vector: Vector) {
        let buffer = self.host.buffer.iova();
        match vector {
            Vector::Command => self.host.post(Ring::Command, Command::nop().completing(1).to_words()),
            Vector::FrameToHost => {
                self.host.post(Ring::FrameToHost, self.frame(FrameKind::Buffer, 1518, buffer));
                let stranger = Stream::new(datagram_flow(0, 9, 0).key, MIN_FRAME_BYTES).next_frame();
                self.transport.card().receive(0, stranger);
            }
            Vector::FrameToCard => {
                self.host.post(Ring::FrameToCard, self.frame(FrameKind::Send, MIN_FRAME_BYTES as u32, buffer));
            }
            Vector::Event => {
                let mut command = Command::read_counters(fpgaflow_abi::slot::EntryRef::new(), NOWHERE.0, 1);
                command.head.set_cookie(7);
                self.host.post(Ring::Command, command.to_words());
            }
        }
        let status = self.host.completion().status;
        assert_eq!(status, if vector == Vector::Event { Status::BusError } else { Status::Ok });
    }
}

const ALL_VECTORS: [Vector; VECTORS] = [Vector::Command, Vector::FrameToHost, Vector::FrameToCard, Vector::Event];

#[test]
fn every_vector_fires_by_its_own_eventfd_and_no_other() {
    let mut desk = Desk::new((1 << VECTORS) - 1, 0);
    assert_eq!(desk.taken(), [0; VECTORS], "nothing has happened");
    for vector in ALL_VECTORS {
        for _ in 0..3 {
            desk.provoke(vector);
            let mut expected = [0; VECTORS];
            expected[vector as usize] = 1;
            if vector == Vector::Event {
                // The command that failed has completed, too.
                expected[Vector::Command as usize] = 1;
                assert_eq!(Event::from_bits(desk.host.read(regs::EVENT)), Event::new().with_command(true));
                desk.host.write(regs::EVENT, Event::new().with_command(true).into_bits());
            }
            assert_eq!(desk.taken(), expected, "{vector:?}");
        }
    }
}

#[test]
fn a_vector_that_is_off_keeps_its_interrupt_until_it_is_on() {
    let mut desk = Desk::new(0, 0);
    for vector in ALL_VECTORS {
        desk.provoke(vector);
    }
    assert_eq!(desk.taken(), [0; VECTORS], "all are off");
    assert_eq!(desk.host.read(regs::IRQ_PENDING), (1 << VECTORS) - 1);
    for vector in ALL_VECTORS {
        desk.host.write(regs::IRQ_ENABLE, 1 << vector as u32);
        let mut expected = [0; VECTORS];
        expected[vector as usize] = 1;
        assert_eq!(desk.taken(), expected, "{vector:?}");
    }
    assert_eq!(desk.host.read(regs::IRQ_PENDING), 0);
}

#[test]
fn moderation_keeps_interrupts_apart_and_the_last_one_still_comes() {
    const MODERATION: u64 = 2_000;
    const BUSY_CLOCKS: u64 = 100_000;
    let mut desk = Desk::new((1 << VECTORS) - 1, MODERATION as u32);
    let fd = desk.eventfds[Vector::Command as usize].try_clone().expect("duplicate an eventfd");
    let clock = |desk: &Desk| desk.transport.card().clocks();
    let (begun, mut completed, mut fired) = (clock(&desk), 0, Vec::new());
    while clock(&desk) < begun + BUSY_CLOCKS {
        desk.host.post(Ring::Command, Command::nop().completing(1).to_words());
        while desk.host.completion_within(1).is_none() {
            fired.extend((taken(fd.as_fd()) > 0).then(|| clock(&desk)));
        }
        completed += 1;
        fired.extend((taken(fd.as_fd()) > 0).then(|| clock(&desk)));
    }
    let last = clock(&desk);
    for _ in 0..2 * MODERATION {
        desk.transport.card().clock();
        fired.extend((taken(fd.as_fd()) > 0).then(|| clock(&desk)));
    }
    // A look is a register access long at most, and so may each of two interrupts have been seen late.
    const LOOK_CLOCKS: u64 = 50;
    for pair in fired.windows(2) {
        assert!(pair[1] - pair[0] + LOOK_CLOCKS >= MODERATION, "interrupts in clocks {pair:?}");
    }
    let fewest = (BUSY_CLOCKS / (MODERATION + LOOK_CLOCKS)) as usize;
    assert!(fired.len() >= fewest && completed > 20 * fewest, "{} interrupts of {completed} completions", fired.len());
    assert!(*fired.last().expect("there were some") > last - LOOK_CLOCKS, "the last completion was told of");
}

/// A driver that looks only when an eventfd wakes it.
struct Sleeper {
    rig: Rig,
    /// Clocks after which every interrupt of what has happened has come.
    patience: u64,
    wakes: u64,
}

impl Sleeper {
    /// Sleeps until `enough`, or for so long that no interrupt is still to come. Whether it was enough.
    fn sleep_until(&mut self, mut enough: impl FnMut(&mut Rig) -> bool) -> bool {
        let mut since = self.rig.clock();
        while !enough(&mut self.rig) {
            if self.rig.clock() - since > self.patience {
                return false;
            }
            self.rig.run_without_driver(16);
            if self.rig.driver.eventfds().map(taken).iter().any(|count| *count > 0) {
                self.rig.poll();
                self.wakes += 1;
                since = self.rig.clock();
            }
        }
        true
    }
}

/// Again and again a little happens, of one kind or of several, and then nothing: the driver must have been told of all of it.
/// `timing` is how the card's surroundings behave.
fn nothing_is_missed_by_a_driver_that_sleeps(moderation: u32, timing: Timing) {
    const ROUNDS: usize = 300;
    let seed = seed();
    let mut rng = rng(seed);
    let options = Options { irq_moderation_clocks: moderation, to_card_bits: 4, command_bits: 4, ..Options::default() };
    let mut rig = Rig::new(Setup { timing, options, ..Setup::new(seed) }, secret(&mut rng));
    rig.keep();
    let mut stranger = Stream::new(datagram_flow(0, 9, 0).key, MIN_FRAME_BYTES);
    let mut of_host = Stream::new(datagram_flow(1, 8, 0).key, MIN_FRAME_BYTES);
    let mut sleeper = Sleeper { rig, patience: SETTLE_CLOCKS + u64::from(moderation), wakes: 0 };
    for round in 0..ROUNDS {
        let kinds = rng.random_range(1..8);
        if kinds & 1 != 0 {
            for _ in 0..rng.random_range(1..6) {
                let frame = stranger.next_frame();
                sleeper.rig.inject(0, frame, false);
            }
        }
        if kinds & 2 != 0 {
            // More than the ring of commands holds, at times: the rest follows when an interrupt tells of room.
            sleeper.rig.submit(vec![Command::nop(); rng.random_range(1..40)]);
        }
        if kinds & 4 != 0 {
            for _ in 0..rng.random_range(1..24) {
                let frame = of_host.next_frame();
                let sent = sleeper.sleep_until(|rig| rig.send(1, &frame));
                assert!(sent, "round {round}: no interrupt told of room in the ring of frames to the card");
            }
        }
        let punts = |rig: &Rig| rig.kept.as_ref().map_or(0, |kept| kept.punts.len()) as u64;
        let told = sleeper.sleep_until(|rig| punts(rig) == stranger.sent && rig.commands_under_way() == 0);
        assert!(
            told,
            "round {round}: the driver knows of {} frames of {}, and of all but {} commands",
            punts(&sleeper.rig),
            stranger.sent,
            sleeper.rig.commands_under_way()
        );
        sleeper.rig.run_without_driver(rng.random_range(0..SETTLE_CLOCKS));
    }
    println!("{ROUNDS} rounds, {} wakes", sleeper.wakes);
    sleeper.rig.finish();
}

#[test]
fn nothing_is_missed_without_moderation() {
    nothing_is_missed_by_a_driver_that_sleeps(0, Timing::default());
}

#[test]
fn nothing_is_missed_with_moderation() {
    nothing_is_missed_by_a_driver_that_sleeps(1_500, Timing::default());
}

#[test]
fn nothing_is_missed_behind_a_slow_bus() {
    let timing = Timing { bus_latency: 90, bus_stall_percent: 40, ..Timing::default() };
    nothing_is_missed_by_a_driver_that_sleeps(300, timing);
}

/// A wire that brings frames in bursts, the next one when all of the last have been taken, and swallows what it gets.
struct Bursts {
    stream: Stream,
    frames: u64,
    rng: ChaCha8Rng,
    burst: u64,
    taken: Arc<AtomicU64>,
}

impl PortIo for Bursts {
    fn receive(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if self.burst == 0 && self.taken.load(Ordering::Acquire) == self.stream.sent {
            self.burst = self.rng.random_range(1..20).min(self.frames - self.stream.sent);
        }
        if self.burst == 0 {
            return Ok(None);
        }
        self.burst -= 1;
        Ok(Some(self.stream.next_frame()))
    }

    fn transmit(&mut self, _: &[u8]) -> std::io::Result<bool> {
        Ok(true)
    }

    fn take_overruns(&mut self) -> std::io::Result<u64> {
        Ok(0)
    }

    fn readable(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

#[test]
fn a_thread_that_sleeps_on_the_eventfd_alone_gets_every_frame() {
    const FRAMES: u64 = 3_000;
    let seed = seed();
    let mut rng = rng(seed);
    let transport = verilated(Width::Bits64);
    let options = Options { irq_moderation_clocks: 700, ..Options::default() };
    let mut driver = Card::open(Arc::clone(&transport) as Arc<dyn Transport>, secret(&mut rng), options).expect("open the card");
    let settings = PortSettings { mac: [2, 0, 0, 0, 0, 0], enabled: true, ..PortSettings::default() };
    driver.set_port(0, settings).expect("the port exists");
    let stream = Stream::new(datagram_flow(0, 9, 0).key, MIN_FRAME_BYTES);
    let got_by_driver = Arc::new(AtomicU64::new(0));
    let wire = |frames| {
        let (stream, rng, taken) = (stream.clone(), fpgaflow_traffic::rng(seed), Arc::clone(&got_by_driver));
        Box::new(Bursts { stream, frames, rng, burst: 0, taken })
    };
    let ports: Vec<Box<dyn PortIo>> = vec![wire(FRAMES), wire(0)];
    let runner = Runner::start(transport, ports).expect("start the card's thread");

    let mut expected = stream.clone();
    let (mut got, mut wakes, mut done, mut events) = (0, 0, 0, Events::default());
    let mut submitted = 0;
    while got < FRAMES || done < submitted {
        let fds = driver.eventfds();
        let mut asleep = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let woken = poll(&mut asleep, Some(&FORGOTTEN)).expect("sleep");
        assert!(woken > 0, "forgotten after {got} of {FRAMES} frames and {done} of {submitted} submissions");
        driver.eventfds().into_iter().for_each(|fd| {
            taken(fd);
        });
        wakes += 1;
        driver.poll(Instant::now(), &mut events).expect("poll the card");
        for (_, frame) in events.frames.iter() {
            assert!(frame == expected.next_frame(), "frame {got} is not the next one");
            got += 1;
        }
        got_by_driver.store(got, Ordering::Release);
        done += events.commands.iter().filter(|event| matches!(event, CommandEvent::Done { .. })).count();
        if wakes % 16 == 0 {
            submitted += 1;
            driver.submit([Command::barrier()]).expect("submit commands");
            assert_eq!(driver.send_frame(1, &[0x55; 60]).expect("the port exists"), Sent::Queued);
        }
    }
    let stats = runner.stop().expect("the card's thread ended well");
    println!("{FRAMES} frames by {wakes} wakes in {} clocks", stats.clocks);
}
