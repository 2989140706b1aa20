//! A server in a thread, and a client that says anything.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fpgaflow_card::{Card, CosimTransport, Width};
use fpgaflow_driver::transport::vfio_user::channel::Channel;
use fpgaflow_driver::transport::vfio_user::protocol::{Command, FLAG_ERROR, FLAG_NO_REPLY, Header, RegionAccess, TYPE_REPLY};
use fpgaflow_driver::transport::vfio_user::version;
use fpgaflow_vfio_user::{Server, Stopper};

/// A server of a card that nobody clocks but who accesses it.
pub struct Served {
    pub card: Arc<CosimTransport>,
    pub path: PathBuf,
    stopper: Stopper,
    thread: Option<JoinHandle<u64>>,
    _dir: tempfile::TempDir,
}

impl Served {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("make a directory");
        let path = dir.path().join("card.sock");
        let card = CosimTransport::new(Card::new(Width::Bits64).expect("make the card")).expect("make an eventfd");
        let server = Server::bind(&path, Arc::clone(&card)).expect("bind the socket");
        let stopper = server.stopper();
        let thread = std::thread::spawn(move || server.serve().expect("serve"));
        Self { card, path, stopper, thread: Some(thread), _dir: dir }
    }

    /// Stops the server, and says how many clients it had. A panic of its thread is one here.
    pub fn stop(mut self) -> u64 {
        self.stopper.stop();
        self.thread.take().expect("stopped once").join().expect("the server does not panic")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// A client that has introduced itself.
pub struct Raw {
    channel: Channel,
    id: u16,
}

impl Raw {
    pub fn connect(served: &Served) -> Self {
        let socket = UnixStream::connect(&served.path).expect("connect");
        let mut raw = Self { channel: Channel::new(socket, Duration::from_secs(20)).expect("make a channel"), id: 0 };
        raw.command(Command::Version, &version::encode(), &[]).expect("the version is understood");
        raw
    }

    /// Sends a command; the answer's payload, or its errno.
    pub fn command(&mut self, command: Command, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Result<Vec<u8>, u32> {
        self.id += 1;
        let header = Header { id: self.id, command: command as u16, ..Header::default() };
        self.channel.send(header, payload, fds).expect("send a command");
        let reply = self.channel.receive().expect("receive an answer");
        assert_eq!((reply.header.id, reply.header.command), (self.id, command as u16));
        assert_eq!(reply.header.flags & TYPE_REPLY, TYPE_REPLY);
        if reply.header.flags & FLAG_ERROR != 0 { Err(reply.header.error) } else { Ok(reply.payload) }
    }

    /// Sends a command that wants no answer.
    pub fn post(&mut self, command: Command, payload: &[u8]) {
        let header = Header { command: command as u16, flags: FLAG_NO_REPLY, ..Header::default() };
        self.channel.send(header, payload, &[]).expect("send a command");
    }

    pub fn read(&mut self, region: u32, offset: u64, count: u32) -> Result<Vec<u8>, u32> {
        let payload = bytes_of(|out| RegionAccess { offset, region, count }.encode(out));
        self.command(Command::RegionRead, &payload, &[]).map(|reply| reply[RegionAccess::BYTES..].to_vec())
    }

    pub fn write(&mut self, region: u32, offset: u64, bytes: &[u8]) -> Result<(), u32> {
        self.command(Command::RegionWrite, &write_payload(region, offset, bytes), &[]).map(drop)
    }
}

pub fn write_payload(region: u32, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let mut payload = bytes_of(|out| RegionAccess { offset, region, count: bytes.len() as u32 }.encode(out));
    payload.extend_from_slice(bytes);
    payload
}

pub fn bytes_of(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = Vec::new();
    encode(&mut payload);
    payload
}
