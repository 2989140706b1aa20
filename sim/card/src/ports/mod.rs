//! What a card's port is attached to.

mod cable;
mod interface;

pub use cable::{CableEnd, cable};
pub use interface::InterfacePort;

use std::io;
use std::os::fd::BorrowedFd;

/// The wire of one port.
pub trait PortIo: Send {
    /// The next frame that came in, without FCS; `None` when there is none now.
    ///
    /// # Errors
    /// What ends the wire: the interface is gone.
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// Sends a frame; false when the wire did not take it.
    ///
    /// # Errors
    /// As [`PortIo::receive`].
    fn transmit(&mut self, frame: &[u8]) -> io::Result<bool>;

    /// Frames that came in and were lost since the last call, because nobody received them in time.
    ///
    /// # Errors
    /// As [`PortIo::receive`].
    fn take_overruns(&mut self) -> io::Result<u64>;

    /// Becomes readable when [`PortIo::receive`] has something.
    fn readable(&self) -> Option<BorrowedFd<'_>>;
}
