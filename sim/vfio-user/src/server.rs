//! The socket, and one client after the other.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fpgaflow_card::CosimTransport;
use fpgaflow_driver::transport::vfio_user::channel::{Channel, ChannelError};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use crate::function::Function;
use crate::session::{self, End};

/// Longest that a client may take over one message, its own or an answer to it. Between messages it may take its time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server uses the socket.
    #[error("another server listens on {}", path.display())]
    Busy {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has the socket's name.
    #[error("{} is there already, and is not a socket", path.display())]
    NotASocket {
        /// What is there.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{operation} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The socket.
        path: PathBuf,
        /// What was answered.
        #[source]
        source: io::Error,
    },
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    stop: Arc<OwnedFd>,
}

impl Stopper {
    /// Lets [`Server::serve`] return, its client left.
    pub fn stop(&self) {
        // Fails only when the counter is full, which already means "stop".
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
    }
}

/// A card on a socket. Dropping it removes the socket.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    card: Arc<CosimTransport>,
    stop: Arc<OwnedFd>,
}

impl Server {
    /// Listens on `path` for clients of `card`, which somebody else clocks. A socket that a dead server left is replaced.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind(path: &Path, card: Arc<CosimTransport>) -> Result<Self, ServeError> {
        let failed = |operation| move |source| ServeError::Io { operation, path: path.to_owned(), source };
        if let Ok(there) = std::fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(ServeError::NotASocket { path: path.to_owned() });
            }
            if UnixStream::connect(path).is_ok() {
                return Err(ServeError::Busy { path: path.to_owned() });
            }
            std::fs::remove_file(path).map_err(failed("replace the socket"))?;
        }
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|errno| failed("serve")(errno.into()))?;
        let listener = UnixListener::bind(path).map_err(failed("listen on"))?;
        // A client that leaves between poll and accept must not make us wait for the next.
        listener.set_nonblocking(true).map_err(failed("listen on"))?;
        Ok(Self { listener, path: path.to_owned(), card, stop: Arc::new(stop) })
    }

    /// What ends [`Server::serve`].
    pub fn stopper(&self) -> Stopper {
        Stopper { stop: Arc::clone(&self.stop) }
    }

    /// Serves clients until [`Stopper::stop`]; returns how many there were.
    ///
    /// # Errors
    /// [`ServeError::Io`] when the socket itself fails. What clients do wrong is logged.
    pub fn serve(&self) -> Result<u64, ServeError> {
        let failed = |source: io::Error| ServeError::Io { operation: "accept a client on", path: self.path.clone(), source };
        let mut clients = 0;
        loop {
            let mut fds =
                [PollFd::from_borrowed_fd(self.listener.as_fd(), PollFlags::IN), PollFd::new(&*self.stop, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
            if !fds[1].revents().is_empty() {
                return Ok(clients);
            }
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                    _ => return Err(failed(error)),
                },
            };
            clients += 1;
            let channel = Channel::new(socket, PATIENCE).map_err(failed)?;
            tracing::info!(socket = %self.path.display(), "client connected");
            let mut function = Function::power_on(Arc::clone(&self.card));
            let end = session::run(&channel, &self.stop, &mut function);
            function.power_off();
            match end {
                End::Client(ChannelError::Closed) => tracing::info!("client left"),
                End::Client(error) => tracing::warn!(%error, "client dropped"),
                End::NoVersion => tracing::warn!("client dropped: it does not begin with a version that is understood"),
                End::Stopped => return Ok(clients),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(&self.path);
    }
}
