//! Netlink sockets of either family: requests that wait for the kernel's answer, and subscriptions to its events.
//!
//! # Contract
//! A socket belongs to the network namespace of the thread that opened it, wherever it is used later. Requests block only for as
//! long as the kernel works on them: it answers before `send` returns. A subscription that overflowed says so once, as
//! [`Received::Overrun`]; what was lost is the caller's to fetch by a dump.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use rustix::net::sockopt;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Largest datagram the kernel builds for dumps when the reader's buffer allows it (`netlink_dump` in af_netlink.c).
const DATAGRAM_BYTES: usize = 32 * 1024;
/// Netlink messages start at multiples of this many bytes.
const ALIGN: usize = 4;

/// Why netlink did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// A socket could not be made.
    #[error("cannot {operation} a netlink socket")]
    Socket {
        /// What failed, as a verb.
        operation: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The kernel refused a request.
    #[error("kernel refused to {operation}")]
    Refused {
        /// What was asked for.
        operation: &'static str,
        /// The answer.
        #[source]
        source: io::Error,
    },
    /// An answer could not be read.
    #[error("answer to {operation} cannot be decoded: {detail}")]
    Decode {
        /// What was asked for.
        operation: &'static str,
        /// The decoder's words.
        detail: String,
    },
}

impl NetlinkError {
    /// The errno of a refusal, as `libc` numbers it.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Socket { source, .. } | Self::Refused { source, .. } => source.raw_os_error(),
            Self::Decode { .. } => None,
        }
    }
}

/// A socket for requests.
pub struct Requests {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
    /// The running dump was told that the table changed under it.
    interrupted: bool,
}

/// What a dump has told so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpProgress {
    /// There is more.
    More,
    /// That was all; `consistent` is false when the kernel's table changed in a way that may have hidden records.
    Done {
        /// See above.
        consistent: bool,
    },
}

impl Requests {
    /// Opens a socket of `protocol` (`NETLINK_ROUTE`, `NETLINK_NETFILTER`) in the caller's network namespace.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open(protocol: isize) -> Result<Self, NetlinkError> {
        let failed = |operation| move |source| NetlinkError::Socket { operation, source };
        let mut socket = Socket::new(protocol).map_err(failed("open"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(failed("connect"))?;
        // Without this a refusal carries the whole request back. Old kernels lack it and lose nothing else.
        let _ = socket.set_cap_ack(true);
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(DATAGRAM_BYTES), interrupted: false })
    }

    fn send<T: NetlinkSerializable>(&mut self, operation: &'static str, message: T, flags: u16) -> Result<(), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(|source| NetlinkError::Refused { operation, source })?;
        Ok(())
    }

    /// Reads one datagram and gives each of its messages that answers the last request to `each`.
    fn receive<T: NetlinkDeserializable>(
        &mut self,
        operation: &'static str,
        mut each: impl FnMut(NetlinkHeader, NetlinkPayload<T>),
    ) -> Result<(), NetlinkError> {
        self.buffer.clear();
        self.socket.recv(&mut self.buffer, 0).map_err(|source| NetlinkError::Refused { operation, source })?;
        for message in messages(&self.buffer) {
            let message = NetlinkMessage::<T>::deserialize(message)
                .map_err(|error| NetlinkError::Decode { operation, detail: error.to_string() })?;
            let (header, payload) = message.into_parts();
            if header.sequence_number == self.sequence {
                each(header, payload);
            }
        }
        Ok(())
    }

    /// Sends `message` and waits until the kernel has carried it out. `operation` is a verb with its object, for errors.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] with the kernel's errno.
    pub fn execute<T>(&mut self, operation: &'static str, message: T, flags: u16) -> Result<(), NetlinkError>
    where
        T: NetlinkSerializable + NetlinkDeserializable,
    {
        self.query::<T>(operation, message, flags | NLM_F_ACK).map(drop)
    }

    /// Sends `message` and returns the one object that the kernel answers with, if any.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] with the kernel's errno; [`NetlinkError::Decode`].
    pub fn query<T>(&mut self, operation: &'static str, message: T, flags: u16) -> Result<Option<T>, NetlinkError>
    where
        T: NetlinkSerializable + NetlinkDeserializable,
    {
        self.send(operation, message, flags | NLM_F_ACK)?;
        let mut found = None;
        loop {
            let mut verdict = None;
            self.receive::<T>(operation, |_, payload| match payload {
                NetlinkPayload::Error(error) => verdict = Some(error.code),
                NetlinkPayload::InnerMessage(message) => found = Some(message),
                _ => {}
            })?;
            match verdict {
                Some(Some(code)) => {
                    let source = io::Error::from_raw_os_error(code.get().saturating_abs());
                    return Err(NetlinkError::Refused { operation, source });
                }
                Some(None) => return Ok(found),
                None => {}
            }
        }
    }

    /// Starts a dump; [`Requests::dump_next`] reads it. No other request may be made until it is done.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`].
    pub fn dump_start<T: NetlinkSerializable>(&mut self, operation: &'static str, message: T) -> Result<(), NetlinkError> {
        self.interrupted = false;
        self.send(operation, message, NLM_F_DUMP)
    }

    /// Reads one datagram of the dump that was started.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`], [`NetlinkError::Decode`]; the dump is over then.
    pub fn dump_next<T: NetlinkDeserializable>(
        &mut self,
        operation: &'static str,
        mut each: impl FnMut(T),
    ) -> Result<DumpProgress, NetlinkError> {
        let mut interrupted = false;
        let mut end = None;
        self.receive::<T>(operation, |header, payload| {
            interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
            match payload {
                NetlinkPayload::InnerMessage(message) => each(message),
                NetlinkPayload::Done(done) => end = Some(done.code),
                NetlinkPayload::Error(error) => end = Some(error.code.map_or(0, |code| code.get())),
                _ => {}
            }
        })?;
        self.interrupted |= interrupted;
        match end {
            None => Ok(DumpProgress::More),
            Some(0) => Ok(DumpProgress::Done { consistent: !self.interrupted }),
            Some(code) => Err(NetlinkError::Refused { operation, source: io::Error::from_raw_os_error(code.saturating_abs()) }),
        }
    }

    /// Dumps everything at once.
    ///
    /// # Errors
    /// As [`Requests::dump_next`].
    pub fn dump<T>(&mut self, operation: &'static str, message: T) -> Result<Vec<T>, NetlinkError>
    where
        T: NetlinkSerializable + NetlinkDeserializable + Clone,
    {
        /// A table that changes faster than it is read is taken as it comes; its changes follow as events.
        const ATTEMPTS: usize = 4;
        let mut all = Vec::new();
        for _ in 0..ATTEMPTS {
            all.clear();
            self.dump_start(operation, message.clone())?;
            let consistent = loop {
                if let DumpProgress::Done { consistent } = self.dump_next(operation, |message| all.push(message))? {
                    break consistent;
                }
            };
            if consistent {
                break;
            }
        }
        Ok(all)
    }
}

/// What a subscription had.
pub enum Received<T> {
    /// One message, its header first.
    Message(NetlinkHeader, T),
    /// A message that cannot be decoded, and why.
    Undecodable(String),
    /// Events were lost: the kernel's buffer for this socket was full.
    Overrun,
}

/// A socket that listens to multicast groups.
pub struct Subscription {
    socket: AsyncFd<SocketFd>,
    buffer: Vec<u8>,
}

/// `netlink_sys::Socket` as [`AsyncFd`] wants it.
struct SocketFd(Socket);

impl AsRawFd for SocketFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Subscription {
    /// Joins `groups` of `protocol` in the caller's network namespace, with room for `buffer_bytes` of unread events (less when
    /// the process may not exceed `net.core.rmem_max`). Needs a tokio runtime.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open(protocol: isize, groups: &[u32], buffer_bytes: usize) -> Result<Self, NetlinkError> {
        let failed = |operation| move |source| NetlinkError::Socket { operation, source };
        let mut socket = Socket::new(protocol).map_err(failed("open"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, buffer_bytes).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, buffer_bytes)
                .map_err(|error| failed("enlarge the buffer of")(error.into()))?;
        }
        for group in groups {
            socket.add_membership(*group).map_err(failed("subscribe"))?;
        }
        socket.set_non_blocking(true).map_err(failed("set up"))?;
        // SAFETY: the socket is owned by the `AsyncFd`, stays open as long and is never exchanged.
        let socket = unsafe { AsyncFd::register(SocketFd(socket)) }.map_err(|error| failed("poll")(error.into()))?;
        Ok(Self { socket, buffer: Vec::with_capacity(DATAGRAM_BYTES) })
    }

    /// Waits until there are events.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`] when the socket cannot be polled.
    pub async fn ready(&self) -> Result<(), NetlinkError> {
        let mut guard = self.socket.readable().await.map_err(|source| NetlinkError::Socket { operation: "poll", source })?;
        // The read that finds nothing clears it.
        guard.retain_ready();
        Ok(())
    }

    /// Reads at most `datagrams` datagrams without waiting and returns how many there were.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`] for anything but an overrun, which is something received.
    pub fn receive<T: NetlinkDeserializable>(
        &mut self,
        datagrams: usize,
        mut each: impl FnMut(Received<T>),
    ) -> Result<usize, NetlinkError> {
        for read in 0..datagrams {
            self.buffer.clear();
            let buffer = &mut self.buffer;
            match self.socket.try_io(Interest::READABLE, |socket| socket.0.recv(buffer, 0)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    each(Received::Overrun);
                    continue;
                }
                Err(source) => return Err(NetlinkError::Socket { operation: "read", source }),
            }
            for message in messages(&self.buffer) {
                match NetlinkMessage::<T>::deserialize(message) {
                    Ok(message) => {
                        let (header, payload) = message.into_parts();
                        match payload {
                            NetlinkPayload::InnerMessage(message) => each(Received::Message(header, message)),
                            NetlinkPayload::Overrun(_) => each(Received::Overrun),
                            _ => {}
                        }
                    }
                    Err(error) => each(Received::Undecodable(error.to_string())),
                }
            }
        }
        Ok(datagrams)
    }
}

/// The messages of a datagram. A length that does not fit ends it.
fn messages(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(rest.first_chunk::<4>().copied()?) as usize;
        let message = rest.get(..length).filter(|message| message.len() >= 16)?;
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or(&[]);
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_splits_into_its_messages_and_a_lying_length_ends_it() {
        let mut datagram = Vec::new();
        for length in [17u32, 20] {
            let start = datagram.len();
            datagram.extend_from_slice(&length.to_ne_bytes());
            datagram.resize(start + (length as usize).next_multiple_of(ALIGN), 0);
        }
        let lengths: Vec<_> = messages(&datagram).map(<[u8]>::len).collect();
        assert_eq!(lengths, [17, 20]);
        datagram[20..24].copy_from_slice(&1000u32.to_ne_bytes());
        assert_eq!(messages(&datagram).count(), 1);
        datagram[0..4].copy_from_slice(&0u32.to_ne_bytes());
        assert_eq!(messages(&datagram).count(), 0);
    }
}
