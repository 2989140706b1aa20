//! Time that this thread spent running: what a core is busy for, whoever else wants it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread. On an idle machine it passes like the wall clock.
pub fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
