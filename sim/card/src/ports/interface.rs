//! A port on a Linux network interface, by a packet socket (packet(7)).
//!
//! Frames must be complete when they are handed over: turn off checksum and segmentation offloads of the interface's peer
//! (`ethtool -K`), or they arrive with unfinished checksums and far over the MTU.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::PortIo;

/// Longest frame that is read whole; the card's own limit is below.
const FRAME_BYTES: usize = 1 << 16;

/// Bytes of frames, and of what the kernel keeps with them, that wait to be read. The peer's interface never pushes back, so its
/// windows must fit here: a verilated card is slow.
const QUEUE_BYTES: usize = 32 << 20;

/// A network interface as a card's wire.
#[derive(Debug)]
pub struct InterfacePort {
    socket: OwnedFd,
    buffer: Box<[u8; FRAME_BYTES]>,
}

impl InterfacePort {
    /// Attaches to the interface called `name` in the caller's network namespace: all its frames, whatever their destination.
    ///
    /// # Errors
    /// What the operating system said: no such interface, or no CAP_NET_RAW.
    pub fn attach(name: &str) -> io::Result<Self> {
        let index = rustix::net::netdevice::name_to_index(
            rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)?,
            name,
        )?;
        let protocol = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: no pointers; a negative result is checked.
        let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nobody else owns.
        let socket = unsafe { OwnedFd::from_raw_fd(raw) };
        use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force};
        // Without CAP_NET_ADMIN the system's limit holds.
        set_socket_recv_buffer_size_force(&socket, QUEUE_BYTES).or_else(|_| set_socket_recv_buffer_size(&socket, QUEUE_BYTES))?;
        // Frames that this socket sends must not come back to it.
        set_option(&socket, libc::PACKET_IGNORE_OUTGOING, &1_i32)?;
        let membership = libc::packet_mreq {
            mr_ifindex: index as i32,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set_option(&socket, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol,
            sll_ifindex: index as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: `address` is a sockaddr_ll and its size is given.
        let bound = unsafe {
            libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        if bound < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { socket, buffer: Box::new([0; FRAME_BYTES]) })
    }
}

/// Sets an option of level SOL_PACKET whose value is a `T`.
fn set_option<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is valid for reads of its size, which is given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl PortIo for InterfacePort {
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        match rustix::net::recv(&self.socket, &mut self.buffer[..], rustix::net::RecvFlags::empty()) {
            Ok((length, _)) => Ok(Some(self.buffer[..length].to_vec())),
            // A link that is down now may come back.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR | rustix::io::Errno::NETDOWN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn transmit(&mut self, frame: &[u8]) -> io::Result<bool> {
        use rustix::io::Errno;
        match rustix::net::send(&self.socket, frame, rustix::net::SendFlags::empty()) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::NOBUFS | Errno::NETDOWN | Errno::MSGSIZE | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn take_overruns(&mut self) -> io::Result<u64> {
        // Reading them sets them to zero.
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: `statistics` is valid for writes of its size, which `length` holds.
        let done = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(statistics.tp_drops.into()) }
    }

    fn readable(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}
