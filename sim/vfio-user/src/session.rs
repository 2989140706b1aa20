//! One client: its commands, in order, each answered.

use std::os::fd::OwnedFd;

use fpgaflow_driver::transport::vfio_user::channel::{Channel, ChannelError, Message};
use fpgaflow_driver::transport::vfio_user::protocol::{
    Command, DEVICE_PCI, DEVICE_RESET, DeviceInfo, DmaMap, DmaUnmap, FLAG_ERROR, FLAG_NO_REPLY, Header, IRQ_EVENTFD,
    IRQ_NORESIZE, IrqInfo, MAX_TRANSFER_BYTES, PCI_IRQS, PCI_REGIONS, REGION_READ, REGION_WRITE, RegionAccess, RegionInfo,
    SetIrqs, TYPE_MASK, TYPE_REPLY,
};
use fpgaflow_driver::transport::vfio_user::version;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::function::Function;

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The client, or what is wrong with it.
    Client(ChannelError),
    /// It began with something else than its version.
    NoVersion,
    /// The server is to stop.
    Stopped,
}

/// Serves one client until it or the server ends.
pub(crate) fn run(channel: &Channel, stop: &OwnedFd, function: &mut Function) -> End {
    let mut introduced = false;
    loop {
        let mut fds = [PollFd::from_borrowed_fd(channel.readable(), PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return End::Client(ChannelError::Io(errno.into())),
        }
        if !fds[1].revents().is_empty() {
            return End::Stopped;
        }
        if fds[0].revents().is_empty() {
            continue;
        }
        let exchanged = channel.receive().and_then(|message| {
            let header = message.header;
            if header.flags & TYPE_MASK != 0 {
                return Err(ChannelError::Malformed("an answer to nothing"));
            }
            let answer = answer(message, &mut introduced, function);
            if header.flags & FLAG_NO_REPLY != 0 {
                return Ok(());
            }
            let reply = Header { flags: TYPE_REPLY, error: 0, ..header };
            match answer {
                Ok(payload) => channel.send(reply, &payload, &[]),
                Err(errno) => {
                    let error = errno.raw_os_error().cast_unsigned();
                    channel.send(Header { flags: TYPE_REPLY | FLAG_ERROR, error, ..reply }, &[], &[])
                }
            }
        });
        match exchanged {
            Ok(()) if introduced => {}
            Ok(()) => return End::NoVersion,
            Err(error) => return End::Client(error),
        }
    }
}

/// What a command is answered with.
fn answer(message: Message, introduced: &mut bool, function: &mut Function) -> Result<Vec<u8>, Errno> {
    let Message { header, payload, mut fds } = message;
    let command = Command::from_code(header.command).ok_or(Errno::NOTSUP)?;
    // The version comes first, and once.
    if (command == Command::Version) == *introduced {
        return Err(Errno::INVAL);
    }
    let mut out = Vec::new();
    match command {
        Command::Version => {
            version::decode(&payload).map_err(|error| {
                tracing::warn!(%error, "a client that cannot be understood");
                Errno::INVAL
            })?;
            *introduced = true;
            return Ok(version::encode());
        }
        Command::DmaMap => function.dma_map(&decoded(DmaMap::decode(&payload))?, fds.pop())?,
        Command::DmaUnmap => {
            let unmap = decoded(DmaUnmap::decode(&payload))?;
            let size = function.dma_unmap(&unmap)?;
            DmaUnmap { argsz: DmaUnmap::BYTES as u32, size, ..unmap }.encode(&mut out);
        }
        Command::DeviceGetInfo => {
            let flags = DEVICE_PCI | DEVICE_RESET;
            let argsz = DeviceInfo::BYTES as u32;
            DeviceInfo { argsz, flags, num_regions: PCI_REGIONS, num_irqs: PCI_IRQS }.encode(&mut out);
        }
        Command::GetRegionInfo => {
            let asked = decoded(RegionInfo::decode(&payload))?;
            if asked.index >= PCI_REGIONS {
                return Err(Errno::INVAL);
            }
            let size = Function::region_bytes(asked.index) as u64;
            let flags = if size == 0 { 0 } else { REGION_READ | REGION_WRITE };
            let argsz = RegionInfo::BYTES as u32;
            RegionInfo { argsz, flags, index: asked.index, cap_offset: 0, size, offset: 0 }.encode(&mut out);
        }
        Command::GetIrqInfo => {
            let asked = decoded(IrqInfo::decode(&payload))?;
            if asked.index >= PCI_IRQS {
                return Err(Errno::INVAL);
            }
            let count = Function::irq_vectors(asked.index);
            let flags = if count == 0 { 0 } else { IRQ_EVENTFD | IRQ_NORESIZE };
            IrqInfo { argsz: IrqInfo::BYTES as u32, flags, index: asked.index, count }.encode(&mut out);
        }
        Command::SetIrqs => {
            let (set, data) = SetIrqs::decode(&payload).ok_or(Errno::INVAL)?;
            function.set_irqs(&set, data, fds)?;
        }
        Command::RegionRead => {
            let access = decoded(RegionAccess::decode(&payload))?;
            let count = access.count as usize;
            if count > MAX_TRANSFER_BYTES {
                return Err(Errno::INVAL);
            }
            access.encode(&mut out);
            out.resize(RegionAccess::BYTES + count, 0);
            function.read(access.region, access.offset, &mut out[RegionAccess::BYTES..])?;
        }
        Command::RegionWrite => {
            let (access, bytes) = RegionAccess::decode(&payload).ok_or(Errno::INVAL)?;
            if bytes.len() != access.count as usize {
                return Err(Errno::INVAL);
            }
            function.write(access.region, access.offset, bytes)?;
            access.encode(&mut out);
        }
        Command::DeviceReset => function.reset(),
    }
    Ok(out)
}

/// A structure that stands alone; what is behind it does not matter.
fn decoded<T>(decoded: Option<(T, &[u8])>) -> Result<T, Errno> {
    decoded.map(|(structure, _)| structure).ok_or(Errno::INVAL)
}
