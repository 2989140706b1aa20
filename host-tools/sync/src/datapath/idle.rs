//! Waiting for work: first by polling for as long as that has paid off lately, then asleep.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Shortest time to poll for: less is not told apart from sleeping at once.
const SHORTEST: Duration = Duration::from_micros(1);

/// How long to poll before sleeping, learnt from what polling found.
#[derive(Debug)]
pub struct Patience {
    longest: Duration,
    current: Duration,
    since: Option<Instant>,
}

impl Patience {
    /// Never polls for longer than `longest`; zero sleeps at once.
    pub fn new(longest: Duration) -> Self {
        Self { longest, current: longest, since: None }
    }

    /// There was work. Found while polling, polling pays: be more patient.
    pub fn worked(&mut self) {
        if self.since.take().is_some() {
            self.current = (self.current * 2).max(SHORTEST).min(self.longest);
        }
    }

    /// There was none: whether to look again at once rather than to sleep.
    pub fn look_again(&mut self, now: Instant) -> bool {
        if self.current.is_zero() {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.current {
            return true;
        }
        self.since = None;
        self.current = if self.current / 2 < SHORTEST { self.longest.min(SHORTEST) } else { self.current / 2 };
        false
    }
}

/// Sleeps until one of `descriptors` is readable, `limit` at most.
///
/// # Errors
/// What poll(2) said.
pub fn sleep<'a>(descriptors: impl Iterator<Item = BorrowedFd<'a>>, limit: Duration) -> io::Result<()> {
    let mut polled: Vec<PollFd<'a>> = descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    match poll(&mut polled, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_shrinks_when_polling_finds_nothing_and_grows_when_it_does() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
        let mut patience = Patience::new(Duration::from_micros(40));
        assert!(patience.look_again(at(0)) && patience.look_again(at(39)));
        assert!(!patience.look_again(at(40)), "forty microseconds are over");
        assert!(patience.look_again(at(100)));
        assert!(!patience.look_again(at(120)), "now it is half of that");
        assert!(patience.look_again(at(200)));
        patience.worked();
        assert!(patience.look_again(at(300)) && patience.look_again(at(319)));
        assert!(!patience.look_again(at(320)), "work that was found doubles it");
        assert!(!Patience::new(Duration::ZERO).look_again(at(0)));
    }
}
