//! Whatever a client does, the server stays, and serves the next one.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::client::{Raw, Served, bytes_of};
use fpgaflow_abi::{MAGIC, regs};
use fpgaflow_driver::dma::{DmaBuffer, PAGE_BYTES};
use fpgaflow_driver::transport::vfio_user::VfioUser;
use fpgaflow_driver::transport::vfio_user::protocol::*;
use fpgaflow_driver::transport::vfio_user::version;
use fpgaflow_driver::transport::{BarOffset, Transport};
use fpgaflow_vfio_user::PATIENCE;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg, shutdown};

/// The next client, a decent one, finds the card as after power-on.
fn next_client_is_served(served: &Served) {
    let card = VfioUser::open(&served.path, "vfio-user:test").expect("the next client is served");
    assert_eq!(card.read(BarOffset(regs::MAGIC)).unwrap(), MAGIC);
    assert_eq!(card.read(BarOffset(regs::SCRATCH)).unwrap(), 0, "the card was reset");
    assert_eq!(served.card.card().mappings(), 0, "nothing of the client before is mapped");
}

/// Leaves its scratch register set and memory mapped.
fn client_with_belongings(served: &Served) -> VfioUser {
    let card = VfioUser::open(&served.path, "vfio-user:test").unwrap();
    card.write(BarOffset(regs::SCRATCH), 1).unwrap();
    card.dma_map(&DmaBuffer::new(PAGE_BYTES).unwrap().into()).unwrap();
    let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
    card.connect_interrupts(vec![eventfd]).unwrap();
    assert_eq!(served.card.card().mappings(), 1);
    card
}

#[test]
fn clients_come_and_go() {
    let served = Served::start();
    for _ in 0..20 {
        drop(client_with_belongings(&served));
        next_client_is_served(&served);
    }
    assert_eq!(served.stop(), 40);
}

#[test]
fn a_client_that_waits_is_served_when_the_one_before_leaves() {
    let served = Served::start();
    let first = client_with_belongings(&served);
    let path = served.path.clone();
    let second =
        std::thread::spawn(move || VfioUser::open(&path, "vfio-user:test").map(|card| card.read(BarOffset(regs::SCRATCH))));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(first.read(BarOffset(regs::SCRATCH)).unwrap(), 1, "it is not disturbed");
    drop(first);
    assert_eq!(second.join().unwrap().unwrap().unwrap(), 0);
}

#[test]
fn a_client_that_stops_in_the_middle_of_a_message_is_left() {
    let served = Served::start();
    let mut half = UnixStream::connect(&served.path).unwrap();
    half.write_all(&[1, 0, 1]).unwrap();
    let begun = Instant::now();
    // Longer than our client waits for an answer, so that it comes again.
    while VfioUser::open(&served.path, "vfio-user:test").is_err() {
        assert!(begun.elapsed() < 10 * PATIENCE, "the server waits for ever");
    }
    assert!(begun.elapsed() >= PATIENCE / 2);
    next_client_is_served(&served);
}

#[test]
fn a_client_that_does_not_take_its_answers_is_left() {
    let served = Served::start();
    let mut deaf = UnixStream::connect(&served.path).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut message = bytes_of(|out| Header { command: Command::Version as u16, size: 0, ..Header::default() }.encode(out));
    message.extend(version::encode());
    let size = message.len() as u32;
    message[4..8].copy_from_slice(&size.to_le_bytes());
    deaf.write_all(&message).unwrap();
    let mut read = bytes_of(|out| {
        let size = (HEADER_BYTES + RegionAccess::BYTES) as u32;
        Header { command: Command::RegionRead as u16, size, ..Header::default() }.encode(out);
    });
    RegionAccess { offset: 0, region: PCI_CONFIG_REGION, count: 4096 }.encode(&mut read);
    // Until the answers fill the socket.
    while deaf.write_all(&read).is_ok() {}
    let begun = Instant::now();
    while VfioUser::open(&served.path, "vfio-user:test").is_err() {
        assert!(begun.elapsed() < 10 * PATIENCE, "the server waits for ever");
    }
    next_client_is_served(&served);
}

#[test]
fn a_client_without_a_version_is_not_served() {
    let served = Served::start();
    for payload in [&[9, 0, 0, 0][..], b"\0\0\0\0{", b"\0\0\0\0\xff\xff\0", b"\0"] {
        let socket = UnixStream::connect(&served.path).unwrap();
        send(&socket, Header { command: Command::Version as u16, ..Header::default() }, payload, 0);
        next_client_is_served(&served);
    }
    let socket = UnixStream::connect(&served.path).unwrap();
    send(&socket, Header { command: Command::DeviceReset as u16, ..Header::default() }, &[], 0);
    next_client_is_served(&served);
}

#[test]
fn a_second_version_is_refused() {
    let served = Served::start();
    let mut raw = Raw::connect(&served);
    assert!(raw.command(Command::Version, &version::encode(), &[]).is_err());
    assert!(raw.command(Command::DeviceGetInfo, &[], &[]).is_ok());
}

/// Sends a message whose header has its right size, with `fds` descriptors along; a server that has left already is fine.
fn send(socket: &UnixStream, mut header: Header, payload: &[u8], fds: usize) {
    header.size = (HEADER_BYTES + payload.len()) as u32;
    send_as_is(socket, header, payload, fds);
}

fn send_as_is(socket: &UnixStream, header: Header, payload: &[u8], fds: usize) {
    let mut bytes = bytes_of(|out| header.encode(out));
    bytes.extend_from_slice(payload);
    let memory = DmaBuffer::new(PAGE_BYTES).unwrap();
    let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
    let fds: Vec<_> = (0..fds).map(|i| if i % 2 == 0 { memory.fd() } else { eventfd.as_fd() }).collect();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(&fds)));
    let _ = sendmsg(socket, &[std::io::IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL);
}

/// A message that is nearly right.
fn nearly_right(rng: &mut ChaCha8Rng) -> (Header, Vec<u8>, usize) {
    let command = rng.random_range(0..18);
    // Small numbers, edges, and anything.
    let mut number = || match rng.random_range(0..4) {
        0 => rng.random_range(0..16),
        1 => 4096 * rng.random_range(0..4_u64),
        2 => [u64::MAX, 1 << 31, 1 << 32, 1 << 63, u64::MAX - 4095, 0xffff_f000][rng.random_range(0..6)],
        _ => rng.random(),
    };
    let mut payload = Vec::new();
    match Command::from_code(command) {
        Some(Command::DmaMap) => {
            let (flags, offset, address, size) = (number() as u32, number(), number(), number());
            DmaMap { argsz: 32, flags, offset, address, size }.encode(&mut payload);
        }
        Some(Command::DmaUnmap) => {
            DmaUnmap { argsz: 24, flags: number() as u32, address: number(), size: number() }.encode(&mut payload);
        }
        Some(Command::GetRegionInfo) => RegionInfo { index: number() as u32, ..RegionInfo::default() }.encode(&mut payload),
        Some(Command::GetIrqInfo) => IrqInfo { index: number() as u32, ..IrqInfo::default() }.encode(&mut payload),
        Some(Command::SetIrqs) => {
            let flags = 1 << (number() % 6) | 1 << (number() % 6);
            let (index, start, count) = (number() as u32, number() as u32, number() as u32);
            SetIrqs { argsz: 20, flags, index, start, count }.encode(&mut payload);
            payload.resize(payload.len() + (number() % 16) as usize, 1);
        }
        Some(Command::RegionRead | Command::RegionWrite) => {
            let count = number() as u32;
            RegionAccess { offset: number(), region: number() as u32, count }.encode(&mut payload);
            let data = if number() % 4 == 0 { number() % 64 } else { u64::from(count).min(64) };
            payload.extend((0..data).map(|_| 0xff));
        }
        _ => payload.resize((number() % 64) as usize, 0xa5),
    }
    let header = Header { id: rng.random(), command, ..Header::default() };
    (header, payload, rng.random_range(0..3))
}

#[test]
fn messages_that_are_nearly_right_are_all_answered() {
    let mut rng = fpgaflow_traffic::rng(fpgaflow_traffic::seed());
    let served = Served::start();
    for _ in 0..10 {
        let mut raw = Raw::connect(&served);
        for _ in 0..500 {
            let (header, payload, _) = nearly_right(&mut rng);
            let Some(command) = Command::from_code(header.command) else { continue };
            let memory = DmaBuffer::new(PAGE_BYTES).unwrap();
            let fds = [memory.fd()];
            // Every one of them, right or wrong: `command` panics when there is no answer.
            let _ = raw.command(command, &payload, &fds[..rng.random_range(0..2)]);
        }
        drop(raw);
        next_client_is_served(&served);
    }
    served.stop();
}

#[test]
fn streams_of_nonsense_harm_nobody() {
    let mut rng = fpgaflow_traffic::rng(fpgaflow_traffic::seed());
    let served = Served::start();
    for round in 0..60 {
        let mut socket = UnixStream::connect(&served.path).unwrap();
        let introduced = rng.random();
        if introduced {
            send(&socket, Header { command: Command::Version as u16, ..Header::default() }, &version::encode(), 0);
        }
        for _ in 0..rng.random_range(1..40) {
            let (mut header, mut payload, fds) = nearly_right(&mut rng);
            match rng.random_range(0..8) {
                0 => header.flags = rng.random(),
                1 => header.size = rng.random(),
                2 => payload.truncate(rng.random_range(0..=payload.len())),
                3 => payload.iter_mut().for_each(|byte| *byte ^= rng.random::<u8>() & rng.random::<u8>()),
                _ => {}
            }
            if rng.random_range(0..20) == 0 {
                send_as_is(&socket, header, &payload, 20);
            } else if rng.random_range(0..10) == 0 {
                let noise: Vec<u8> = (0..rng.random_range(1..100)).map(|_| rng.random()).collect();
                let _ = socket.write_all(&noise);
            } else if rng.random_range(0..3) == 0 {
                send_as_is(&socket, header, &payload, fds);
            } else {
                send(&socket, header, &payload, fds);
            }
        }
        // Half of them say that nothing more will come, the others are just gone.
        if rng.random() {
            shutdown(&socket, Shutdown::Write).unwrap();
        }
        drop(socket);
        if round % 4 == 0 {
            next_client_is_served(&served);
        }
    }
    next_client_is_served(&served);
    served.stop();
}
