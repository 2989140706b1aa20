use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Instant;

use fpgaflow_abi::pci::{REGISTER_BAR, REGISTER_BAR_BYTES};
use fpgaflow_abi::regs;

use super::super::VfioUser;
use super::super::protocol::{DEVICE_PCI, DEVICE_RESET, PCI_CONFIG_REGION, PCI_IRQS, PCI_REGIONS, REGION_READ, REGION_WRITE};
use super::*;
use crate::dma::DmaBuffer;
use crate::transport::{BarOffset, Transport, TransportError};

/// What a server answers.
#[derive(Default)]
struct Answer {
    payload: Vec<u8>,
    fds: Vec<OwnedFd>,
    error: u32,
    /// Added to the id.
    wrong_id: u16,
}

/// A server that answers as `script` says, for one client; it ends when the client does or the script has no answer.
fn serve(
    mut script: impl FnMut(Command, &[u8]) -> Option<Answer> + Send + 'static,
) -> (tempfile::TempDir, PathBuf, JoinHandle<()>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("card.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let channel = Channel::new(listener.accept().unwrap().0, Duration::from_secs(30)).unwrap();
        while let Ok(message) = channel.receive() {
            let command = Command::from_code(message.header.command).unwrap();
            let answer = match command {
                Command::Version => Answer { payload: version::encode(), ..Answer::default() },
                command => match script(command, &message.payload) {
                    Some(answer) => answer,
                    None => return,
                },
            };
            let failed = if answer.error == 0 { 0 } else { FLAG_ERROR };
            let header = Header {
                id: message.header.id.wrapping_add(answer.wrong_id),
                flags: TYPE_REPLY | failed,
                error: answer.error,
                ..message.header
            };
            let fds: Vec<_> = answer.fds.iter().map(AsFd::as_fd).collect();
            channel.send(header, &answer.payload, &fds).unwrap();
        }
    });
    (dir, path, server)
}

fn bytes_of(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = Vec::new();
    encode(&mut payload);
    payload
}

#[test]
fn a_refusal_is_an_error_with_its_errno_and_the_connection_goes_on() {
    let mut resets = 0;
    let (_dir, path, _server) = serve(move |command, _| {
        assert_eq!(command, Command::DeviceReset);
        resets += 1;
        Some(Answer { error: if resets == 1 { 13 } else { 0 }, ..Answer::default() })
    });
    let mut client = Client::connect(&path).unwrap();
    match client.reset() {
        Err(ClientError::Refused(error)) => assert_eq!(error.raw_os_error(), Some(13)),
        other => panic!("{other:?}"),
    }
    client.reset().unwrap();
}

#[test]
fn a_silent_server_is_given_up() {
    let (wake, wait) = std::sync::mpsc::channel::<()>();
    let (_dir, path, server) = serve(move |_, _| {
        let _ = wait.recv();
        None
    });
    let mut client = Client::connect(&path).unwrap();
    let begun = Instant::now();
    assert!(matches!(client.reset(), Err(ClientError::Channel(ChannelError::TimedOut { .. }))));
    assert!(begun.elapsed() >= PATIENCE);
    // Its late answer must not be taken for another's.
    assert!(matches!(client.reset(), Err(ClientError::Channel(ChannelError::Closed))));
    drop(wake);
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_server_that_leaves_is_gone_at_once() {
    let (_dir, path, _server) = serve(|_, _| None);
    let mut client = Client::connect(&path).unwrap();
    assert!(matches!(client.reset(), Err(ClientError::Channel(ChannelError::Closed))));
}

#[test]
fn nonsense_ends_the_connection() {
    let wrong_id = || Answer { wrong_id: 1, ..Answer::default() };
    let short = || Answer { payload: vec![0; 3], ..Answer::default() };
    for answer in [wrong_id as fn() -> Answer, short] {
        let (_dir, path, _server) = serve(move |_, _| Some(answer()));
        let mut client = Client::connect(&path).unwrap();
        assert!(matches!(client.device_info(), Err(ClientError::Channel(ChannelError::Malformed(_)))));
        assert!(matches!(client.reset(), Err(ClientError::Channel(ChannelError::Closed))));
    }
}

#[test]
fn mappable_parts_are_read_and_a_circle_of_capabilities_ends() {
    let info = RegionInfo { flags: REGION_MMAP | REGION_CAPS, cap_offset: 32, size: 0x3000, ..RegionInfo::default() };
    let payload = |first_id, next| {
        bytes_of(|out| {
            info.encode(out);
            CapabilityHeader { id: first_id, version: 1, next }.encode(out);
            SparseMmap { count: 1, reserved: 0 }.encode(out);
            SparseArea { offset: 0x1000, size: 0x1000 }.encode(out);
        })
    };
    let sparse = vec![SparseArea { offset: 0x1000, size: 0x1000 }];
    let all = vec![SparseArea { offset: 0, size: 0x3000 }];
    assert_eq!(mappable_areas(&info, &payload(CAP_SPARSE_MMAP, 0)), Some(sparse));
    assert_eq!(mappable_areas(&info, &payload(9, 32)), Some(all.clone()));
    assert_eq!(mappable_areas(&info, &payload(9, 4000)), None, "behind the end");
    assert_eq!(mappable_areas(&info, &payload(CAP_SPARSE_MMAP, 0)[..60]), None, "cut off");
    assert_eq!(mappable_areas(&RegionInfo { flags: REGION_MMAP, ..info }, &[]), Some(all));
}

/// Answers as a card whose register BAR is `bar`, mappable.
fn mappable_card(bar: &DmaBuffer) -> impl FnMut(Command, &[u8]) -> Option<Answer> + Send + use<> {
    let bar = bar.fd().try_clone_to_owned().unwrap();
    move |command, payload| {
        let answer = |payload| Some(Answer { payload, ..Answer::default() });
        match command {
            Command::DeviceGetInfo => answer(bytes_of(|out| {
                DeviceInfo {
                    flags: DEVICE_PCI | DEVICE_RESET,
                    num_regions: PCI_REGIONS,
                    num_irqs: PCI_IRQS,
                    ..DeviceInfo::default()
                }
                .encode(out);
            })),
            Command::GetRegionInfo => {
                let flags = REGION_READ | REGION_WRITE | REGION_MMAP;
                let info = RegionInfo { flags, size: REGISTER_BAR_BYTES as u64, ..RegionInfo::default() };
                let fds = vec![bar.try_clone().unwrap()];
                Some(Answer { payload: bytes_of(|out| info.encode(out)), fds, ..Answer::default() })
            }
            Command::GetIrqInfo => answer(bytes_of(|out| IrqInfo { count: 4, ..IrqInfo::default() }.encode(out))),
            Command::RegionRead => {
                let (access, _) = RegionAccess::decode(payload).unwrap();
                assert!(access.region == PCI_CONFIG_REGION || access.offset == u64::from(regs::MAGIC), "{access:?}");
                answer(bytes_of(|out| {
                    access.encode(out);
                    out.resize(RegionAccess::BYTES + access.count as usize, 0x11);
                }))
            }
            Command::RegionWrite => {
                let (access, _) = RegionAccess::decode(payload).unwrap();
                assert_ne!(access.region, u32::from(REGISTER_BAR), "registers are mapped");
                answer(payload[..RegionAccess::BYTES].to_vec())
            }
            _ => None,
        }
    }
}

#[test]
fn registers_that_can_be_mapped_are_but_the_identity_is_asked_for() {
    let bar = DmaBuffer::new(REGISTER_BAR_BYTES).unwrap();
    let (_dir, path, server) = serve(mappable_card(&bar));
    let card = VfioUser::open(&path, "vfio-user:test").unwrap();
    card.write(BarOffset(regs::SCRATCH), 0x0403_0201).unwrap();
    let mut bytes = [0; 4];
    bar.read_bytes(regs::SCRATCH as usize, &mut bytes);
    assert_eq!(bytes, [1, 2, 3, 4]);
    assert_eq!(card.read(BarOffset(regs::SCRATCH)).unwrap(), 0x0403_0201);
    assert_eq!(card.read(BarOffset(regs::MAGIC)).unwrap(), 0x1111_1111);
    assert!(card.read(BarOffset(2)).is_err());
    // A command without an answer ends this server; the mapping stays, but the card is known to be gone.
    assert!(matches!(card.reset(), Err(TransportError::Gone { .. })));
    server.join().unwrap();
    assert!(matches!(card.read(BarOffset(regs::MAGIC)), Err(TransportError::Gone { .. })));
}

#[test]
fn a_file_shorter_than_the_registers_is_not_mapped() {
    let memory = rustix::fs::memfd_create("short", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&memory, REGISTER_BAR_BYTES as u64 / 2).unwrap();
    let mut card = mappable_card(&DmaBuffer::new(1).unwrap());
    let (_dir, path, _server) = serve(move |command, payload| {
        let answer = card(command, payload)?;
        let fds = answer.fds.iter().map(|_| memory.try_clone().unwrap()).collect();
        Some(Answer { fds, ..answer })
    });
    let error = VfioUser::open(&path, "vfio-user:test").unwrap_err();
    assert_eq!(error.to_string(), "map the register BAR on card vfio-user:test");
}

#[test]
fn nobody_listening_is_said_with_the_cards_name() {
    let dir = tempfile::tempdir().unwrap();
    let error = VfioUser::open(&dir.path().join("none.sock"), "vfio-user:none.sock").unwrap_err();
    assert_eq!(error.to_string(), "open a vfio-user connection on card vfio-user:none.sock");
}
