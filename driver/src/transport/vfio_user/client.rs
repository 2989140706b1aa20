//! A vfio-user client: one command after the other, each answered before the next.
//!
//! # Contract
//! Every call ends within [`PATIENCE`], whatever the server does. A server that answers with an error is an error with its errno, and
//! the connection goes on; one that is gone, silent or talks nonsense ends the connection, and every later call is
//! [`ChannelError::Closed`].

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::channel::{Channel, ChannelError, Message};
use super::protocol::{
    CAP_SPARSE_MMAP, CapabilityHeader, Command, DMA_READ, DMA_WRITE, DeviceInfo, DmaMap, DmaUnmap, FLAG_ERROR, Header,
    IRQ_ACTION_TRIGGER, IRQ_DATA_EVENTFD, IRQ_DATA_NONE, IrqInfo, MAX_FDS, REGION_CAPS, REGION_MMAP, RegionAccess, RegionInfo,
    SetIrqs, SparseArea, SparseMmap, TYPE_MASK, TYPE_REPLY,
};
use super::version::{self, Capabilities, VersionError};

/// Longest that a server may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no server.
    #[error("connect")]
    Connect(#[source] io::Error),
    /// The way to the server failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The server speaks something else.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(io::Error),
}

/// Mappable part of a region.
#[derive(Debug)]
pub struct RegionFile {
    /// What to map.
    pub file: OwnedFd,
    /// Where in it the region begins.
    pub offset: u64,
    /// Parts that can be mapped.
    pub areas: Vec<SparseArea>,
}

/// A region of the device.
#[derive(Debug)]
pub struct Region {
    /// `REGION_READ` and its like.
    pub flags: u32,
    /// Bytes.
    pub size: u64,
    /// Set when it can be mapped.
    pub file: Option<RegionFile>,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    peer: Capabilities,
    next_id: u16,
    over: bool,
}

impl Client {
    /// Connects to the server at `path` and agrees on the version.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let socket = UnixStream::connect(path).map_err(ClientError::Connect)?;
        let channel = Channel::new(socket, PATIENCE).map_err(ChannelError::Io)?;
        let mut client = Self { channel, peer: Capabilities::default(), next_id: 0, over: false };
        let reply = client.request(Command::Version, &version::encode(), &[])?;
        client.peer = version::decode(&reply.payload)?;
        Ok(client)
    }

    /// What the device has.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn device_info(&mut self) -> Result<DeviceInfo, ClientError> {
        let mut payload = Vec::new();
        DeviceInfo { argsz: DeviceInfo::BYTES as u32, ..DeviceInfo::default() }.encode(&mut payload);
        let reply = self.request(Command::DeviceGetInfo, &payload, &[])?;
        self.understood(DeviceInfo::decode(&reply.payload)).map(|(info, _)| info)
    }

    /// Region number `index`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn region(&mut self, index: u32) -> Result<Region, ClientError> {
        /// Room for the capabilities of a region in more parts than anyone offers.
        const ARGSZ: u32 = 4096;
        let mut payload = Vec::new();
        RegionInfo { argsz: ARGSZ, index, ..RegionInfo::default() }.encode(&mut payload);
        let mut reply = self.request(Command::GetRegionInfo, &payload, &[])?;
        let (info, _) = self.understood(RegionInfo::decode(&reply.payload))?;
        let file = match reply.fds.pop() {
            Some(file) if info.flags & REGION_MMAP != 0 => {
                let areas = self.understood(mappable_areas(&info, &reply.payload))?;
                Some(RegionFile { file, offset: info.offset, areas })
            }
            _ => None,
        };
        Ok(Region { flags: info.flags, size: info.size, file })
    }

    /// Vectors of interrupt kind `index`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn irq_vectors(&mut self, index: u32) -> Result<u32, ClientError> {
        let mut payload = Vec::new();
        IrqInfo { argsz: IrqInfo::BYTES as u32, index, ..IrqInfo::default() }.encode(&mut payload);
        let reply = self.request(Command::GetIrqInfo, &payload, &[])?;
        self.understood(IrqInfo::decode(&reply.payload)).map(|(info, _)| info.count)
    }

    /// Reads a piece of a region.
    ///
    /// # Errors
    /// [`ClientError`].
    ///
    /// # Panics
    /// When more is asked for than the peer transfers at once.
    pub fn region_read(&mut self, region: u32, offset: u64, out: &mut [u8]) -> Result<(), ClientError> {
        let access = self.access(region, offset, out.len());
        let mut payload = Vec::with_capacity(RegionAccess::BYTES);
        access.encode(&mut payload);
        let reply = self.request(Command::RegionRead, &payload, &[])?;
        let (_, bytes) = self.understood(RegionAccess::decode(&reply.payload))?;
        if bytes.len() != out.len() {
            return Err(self.nonsense("a region's bytes in another number than were asked for"));
        }
        out.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a piece of a region.
    ///
    /// # Errors
    /// [`ClientError`].
    ///
    /// # Panics
    /// When more is written than the peer transfers at once.
    pub fn region_write(&mut self, region: u32, offset: u64, bytes: &[u8]) -> Result<(), ClientError> {
        let access = self.access(region, offset, bytes.len());
        let mut payload = Vec::with_capacity(RegionAccess::BYTES + bytes.len());
        access.encode(&mut payload);
        payload.extend_from_slice(bytes);
        self.request(Command::RegionWrite, &payload, &[]).map(drop)
    }

    /// Lets the device read and write `size` bytes of `file`, from its beginning, at `address`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn dma_map(&mut self, file: BorrowedFd<'_>, address: u64, size: u64) -> Result<(), ClientError> {
        let mut payload = Vec::new();
        DmaMap { argsz: DmaMap::BYTES as u32, flags: DMA_READ | DMA_WRITE, offset: 0, address, size }.encode(&mut payload);
        self.request(Command::DmaMap, &payload, &[file]).map(drop)
    }

    /// Takes a mapping back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn dma_unmap(&mut self, address: u64, size: u64) -> Result<(), ClientError> {
        let mut payload = Vec::new();
        DmaUnmap { argsz: DmaUnmap::BYTES as u32, flags: 0, address, size }.encode(&mut payload);
        self.request(Command::DmaUnmap, &payload, &[]).map(drop)
    }

    /// Disconnects all vectors of interrupt kind `index`, then connects the first to `eventfds`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn set_irqs(&mut self, index: u32, eventfds: &[OwnedFd]) -> Result<(), ClientError> {
        let mut set = |flags, start: usize, count: usize, fds: &[BorrowedFd<'_>]| {
            let mut payload = Vec::new();
            let flags = flags | IRQ_ACTION_TRIGGER;
            SetIrqs { argsz: SetIrqs::BYTES as u32, flags, index, start: start as u32, count: count as u32 }.encode(&mut payload);
            self.request(Command::SetIrqs, &payload, fds).map(drop)
        };
        set(IRQ_DATA_NONE, 0, 0, &[])?;
        let fds: Vec<_> = eventfds.iter().map(AsFd::as_fd).collect();
        // One at a time, as QEMU does when its guest unmasks them: what every server must take.
        fds.iter().enumerate().try_for_each(|(vector, fd)| set(IRQ_DATA_EVENTFD, vector, 1, &[*fd]))
    }

    /// Resets the device.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn reset(&mut self) -> Result<(), ClientError> {
        self.request(Command::DeviceReset, &[], &[]).map(drop)
    }

    fn access(&self, region: u32, offset: u64, len: usize) -> RegionAccess {
        assert!(len as u64 <= self.peer.max_data_xfer_size, "{len} bytes in one access of a region");
        RegionAccess { offset, region, count: len as u32 }
    }

    /// Sends a command and waits for its answer.
    fn request(&mut self, command: Command, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Result<Message, ClientError> {
        const { assert!(MAX_FDS >= 1) };
        if self.over {
            return Err(ChannelError::Closed.into());
        }
        self.next_id = self.next_id.wrapping_add(1);
        let header = Header { id: self.next_id, command: command as u16, ..Header::default() };
        let exchanged = self.channel.send(header, payload, fds).and_then(|()| self.channel.receive());
        let reply = exchanged.inspect_err(|_| self.over = true)?;
        let answers = reply.header.flags & TYPE_MASK == TYPE_REPLY
            && (reply.header.id, reply.header.command) == (header.id, header.command);
        if !answers {
            return Err(self.nonsense("something else than the answer"));
        }
        if reply.header.flags & FLAG_ERROR != 0 {
            return Err(ClientError::Refused(io::Error::from_raw_os_error(reply.header.error as i32)));
        }
        Ok(reply)
    }

    fn understood<T>(&mut self, decoded: Option<T>) -> Result<T, ClientError> {
        decoded.ok_or_else(|| self.nonsense("an answer that is too short"))
    }

    fn nonsense(&mut self, what: &'static str) -> ClientError {
        self.over = true;
        ChannelError::Malformed(what).into()
    }
}

/// Parts of a region that can be mapped: all of it, or what its capability lists. `None` for a capability that ends too early.
fn mappable_areas(info: &RegionInfo, payload: &[u8]) -> Option<Vec<SparseArea>> {
    let mut next = if info.flags & REGION_CAPS != 0 { info.cap_offset as usize } else { 0 };
    // Each is further on than the one before, or the list runs in a circle.
    let mut at = 0;
    while next > at {
        at = next;
        let (header, rest) = CapabilityHeader::decode(payload.get(at..)?)?;
        if header.id == CAP_SPARSE_MMAP {
            let (sparse, mut rest) = SparseMmap::decode(rest)?;
            let mut areas = Vec::new();
            for _ in 0..sparse.count {
                let (area, behind) = SparseArea::decode(rest)?;
                areas.push(area);
                rest = behind;
            }
            return Some(areas);
        }
        next = header.next as usize;
    }
    Some(vec![SparseArea { offset: 0, size: info.size }])
}

#[cfg(test)]
mod tests;
