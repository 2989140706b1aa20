//! A port of the card as Linux sees it: a TAP device. Frames are complete both ways: no virtio header, no checksum or segmentation
//! left undone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use fpgaflow_abi::next_hop::MacAddr;
use rustix::net::{AddressFamily, SocketType, netdevice, socket};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::error::SyncError;
use crate::station;

/// One TAP device, there as long as this, or longer if it was there before (`ip tuntap add`).
pub struct Tap {
    device: SyncDevice,
    name: String,
}

impl Tap {
    /// Makes the device `name`, or attaches to it, in the caller's network namespace, and brings it up. Without a `mac` a device that was
    /// there keeps its address and a new one gets [`station::address`].
    ///
    /// # Errors
    /// [`SyncError::Rights`] or [`SyncError::Tap`].
    pub fn open(name: &str, mac: Option<MacAddr>, mtu: Option<u16>) -> Result<Self, SyncError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied => SyncError::Rights { operation: format!("making TAP device {name}") },
            _ => SyncError::Tap { operation: "make", name: name.to_owned(), source },
        };
        let mut builder = DeviceBuilder::new().name(name).layer(Layer::L2).enable(true);
        let mac = match mac {
            None if !exists(name).map_err(failed)? => station::address(name),
            given => given,
        };
        if let Some(mac) = mac {
            builder = builder.mac_addr(mac);
        }
        if let Some(mtu) = mtu {
            builder = builder.mtu(mtu);
        }
        let device = builder.build_sync().map_err(failed)?;
        device.set_nonblocking(true).map_err(failed)?;
        Ok(Self { device, name: name.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next frame that the kernel sends, if there is one; its length.
    ///
    /// # Errors
    /// What the kernel said; of a device that was deleted, `EBADFD`.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.device.recv(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a frame to the kernel, as received by the port.
    ///
    /// # Errors
    /// What the kernel said: `EIO` while the device is down.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.device.send(frame).map(drop)
    }
}

/// Whether the caller's network namespace has a device of this name.
fn exists(name: &str) -> io::Result<bool> {
    let any_socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    match netdevice::name_to_index(&any_socket, name) {
        Ok(_) => Ok(true),
        Err(rustix::io::Errno::NODEV) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}
