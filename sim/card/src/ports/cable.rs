//! A cable between two ports: what one sends, the other receives.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::PortIo;

/// Frames that are on their way in one direction; more are lost.
const FRAMES: usize = 4096;

type Wire = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// One end of a cable.
#[derive(Debug)]
pub struct CableEnd {
    incoming: Wire,
    outgoing: Wire,
}

/// Both ends of a new cable.
pub fn cable() -> (CableEnd, CableEnd) {
    let (one, other) = (Wire::default(), Wire::default());
    let near = CableEnd { incoming: Arc::clone(&one), outgoing: Arc::clone(&other) };
    (near, CableEnd { incoming: other, outgoing: one })
}

fn lock(wire: &Wire) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
    // A queue is whole between two of its operations.
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PortIo for CableEnd {
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(lock(&self.incoming).pop_front())
    }

    fn transmit(&mut self, frame: &[u8]) -> io::Result<bool> {
        let mut wire = lock(&self.outgoing);
        let room = wire.len() < FRAMES;
        if room {
            wire.push_back(frame.to_vec());
        }
        Ok(room)
    }

    /// A full cable does not take frames, so none is lost in it.
    fn take_overruns(&mut self) -> io::Result<u64> {
        Ok(0)
    }

    /// Nothing to wait on: whoever clocks both ends looks here after every slice in which something was sent.
    fn readable(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_at_the_other_end_in_order_until_the_cable_is_full() {
        let (mut near, mut far) = cable();
        for number in 0..FRAMES {
            assert!(near.transmit(&number.to_le_bytes()).unwrap());
        }
        assert!(!near.transmit(b"lost").unwrap());
        assert_eq!(near.receive().unwrap(), None);
        for number in 0..FRAMES {
            assert_eq!(far.receive().unwrap(), Some(number.to_le_bytes().to_vec()));
        }
        assert_eq!(far.receive().unwrap(), None);
    }
}
