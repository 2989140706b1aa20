//! One vfio-user message after the other over a unix socket, with the file descriptors that come along.
//!
//! # Contract
//! Nothing waits longer than the channel's patience. What the peer says about a message's length is believed within
//! [`MAX_MESSAGE_BYTES`] only. After an error other than [`ChannelError::TimedOut`] on an idle channel the stream is of no further use:
//! nobody knows where the next message begins.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::protocol::{HEADER_BYTES, Header, MAX_FDS, MAX_MESSAGE_BYTES};

/// Why a message was not sent or received.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The peer is gone.
    #[error("the peer closed the connection")]
    Closed,
    /// The peer does not answer, or does not finish its message, or does not take ours.
    #[error("the peer did nothing for {} ms", patience.as_millis())]
    TimedOut {
        /// How long was waited.
        patience: Duration,
    },
    /// The peer does not speak vfio-user.
    #[error("the peer sent {0}")]
    Malformed(&'static str),
    /// The operating system refused.
    #[error("use the socket")]
    Io(#[source] io::Error),
}

/// A message as it came.
#[derive(Debug)]
pub struct Message {
    /// In front of it.
    pub header: Header,
    /// Behind its header.
    pub payload: Vec<u8>,
    /// What came along.
    pub fds: Vec<OwnedFd>,
}

/// A connection.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    patience: Duration,
}

impl Channel {
    /// Messages over `socket`, each of which may take `patience`.
    ///
    /// # Errors
    /// What setting the socket's timeouts said.
    pub fn new(socket: UnixStream, patience: Duration) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        Ok(Self { socket, patience })
    }

    /// Readable when a message begins or the peer is gone.
    pub fn readable(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a message: `header`, whose size is filled in here, and `payload`, with `fds` along.
    ///
    /// # Errors
    /// [`ChannelError`].
    ///
    /// # Panics
    /// When there are more than [`MAX_FDS`] descriptors.
    pub fn send(&self, mut header: Header, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), ChannelError> {
        header.size = (HEADER_BYTES + payload.len()) as u32;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
        header.encode(&mut bytes);
        bytes.extend_from_slice(payload);

        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)), "{} descriptors in a message", fds.len());
        let deadline = Instant::now() + self.patience;
        let mut sent = 0;
        while sent < bytes.len() {
            match sendmsg(&self.socket, &[IoSlice::new(&bytes[sent..])], &mut control, SendFlags::NOSIGNAL) {
                Ok(count) => {
                    sent += count;
                    // They went along with the first byte.
                    control.clear();
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
            if sent < bytes.len() && Instant::now() > deadline {
                return Err(self.timed_out());
            }
        }
        Ok(())
    }

    /// Receives a message.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive(&self) -> Result<Message, ChannelError> {
        let deadline = Instant::now() + self.patience;
        let mut fds = Vec::new();
        let mut bytes = [0; HEADER_BYTES];
        self.fill(&mut bytes, &mut fds, deadline)?;
        let (header, _) = Header::decode(&bytes).ok_or(ChannelError::Malformed("half a header"))?;
        let size = header.size as usize;
        if !(HEADER_BYTES..=MAX_MESSAGE_BYTES).contains(&size) {
            return Err(ChannelError::Malformed("a message of an impossible length"));
        }
        let mut payload = vec![0; size - HEADER_BYTES];
        self.fill(&mut payload, &mut fds, deadline)?;
        Ok(Message { header, payload, fds })
    }

    /// Fills `out`, and keeps the descriptors that come along.
    fn fill(&self, out: &mut [u8], fds: &mut Vec<OwnedFd>, deadline: Instant) -> Result<(), ChannelError> {
        let mut filled = 0;
        while filled < out.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut out[filled..])];
            match recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(received) => {
                    for message in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = message {
                            fds.extend(rights);
                        }
                    }
                    if received.flags.contains(ReturnFlags::CTRUNC) || fds.len() > MAX_FDS {
                        return Err(ChannelError::Malformed("more file descriptors than a message may have"));
                    }
                    if received.bytes == 0 {
                        return Err(ChannelError::Closed);
                    }
                    filled += received.bytes;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
            if filled < out.len() && Instant::now() > deadline {
                return Err(self.timed_out());
            }
        }
        Ok(())
    }

    fn failed(&self, errno: Errno) -> ChannelError {
        match errno {
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => ChannelError::Closed,
            // What a socket with a timeout says when it is over.
            Errno::AGAIN => self.timed_out(),
            errno => ChannelError::Io(errno.into()),
        }
    }

    fn timed_out(&self) -> ChannelError {
        ChannelError::TimedOut { patience: self.patience }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pair() -> (Channel, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        (Channel::new(near, Duration::from_millis(50)).unwrap(), far)
    }

    #[test]
    fn a_message_arrives_with_its_descriptors() {
        let (near, far) = pair();
        let far = Channel::new(far, Duration::from_secs(5)).unwrap();
        let header = Header { id: 7, command: 2, ..Header::default() };
        far.send(header, b"payload", &[far.readable(), far.readable()]).unwrap();
        let message = near.receive().unwrap();
        assert_eq!((message.header.id, message.header.size), (7, 23));
        assert_eq!((message.payload.as_slice(), message.fds.len()), (&b"payload"[..], 2));
    }

    #[test]
    fn a_peer_that_stops_in_the_middle_is_not_waited_for() {
        let (near, mut far) = pair();
        far.write_all(&[1; HEADER_BYTES - 1]).unwrap();
        assert!(matches!(near.receive(), Err(ChannelError::TimedOut { .. })));
    }

    #[test]
    fn a_peer_that_leaves_is_noticed_at_once() {
        let (near, far) = pair();
        drop(far);
        assert!(matches!(near.receive(), Err(ChannelError::Closed)));
        assert!(matches!(near.send(Header::default(), &[], &[]), Err(ChannelError::Closed)));
    }

    #[test]
    fn an_impossible_length_is_refused_before_any_memory_is_taken() {
        for size in [0, HEADER_BYTES as u32 - 1, MAX_MESSAGE_BYTES as u32 + 1, u32::MAX] {
            let (near, mut far) = pair();
            let mut bytes = Vec::new();
            Header { size, ..Header::default() }.encode(&mut bytes);
            far.write_all(&bytes).unwrap();
            assert!(matches!(near.receive(), Err(ChannelError::Malformed(_))), "length {size}");
        }
    }
}
