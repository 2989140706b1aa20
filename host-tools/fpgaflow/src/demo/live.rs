//! The figures that are printed while the traffic flows.

use std::time::{Duration, Instant};

use fpgaflow_card::RunnerStats;
use fpgaflow_sync::stats::Snapshot;
use std::sync::atomic::Ordering::Relaxed;

use super::Size;
use super::report::{Share, per_second};
use super::traffic::Progress;

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_millis(500);

/// Prints a line now and then.
#[derive(Debug)]
pub struct Live {
    size: Size,
    begun: Instant,
    next_line: Instant,
}

impl Live {
    /// Prints the heading.
    pub fn start(size: Size) -> Self {
        println!("\n{:>7}  {:>13}  {:>13}  {:>8} {:>8} {:>8}  clocks", "time", "file", "echoes", "card", "software", "kernel");
        let begun = Instant::now();
        Self { size, begun, next_line: begun + LINE_EVERY }
    }

    /// Prints a line when it is time for one. The daemon's counters are a second old at most.
    pub fn look(&mut self, progress: &Progress, snapshot: &Snapshot, card: RunnerStats) {
        let now = Instant::now();
        if now < self.next_line {
            return;
        }
        self.next_line = now + LINE_EVERY;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let packets = Share::of_all(snapshot);
        println!(
            "{:>5.1} s  {:>5.1}/{:.1} MiB  {:>6}/{:<6}  {:>8} {:>8} {:>8}  {:.2} M/s",
            (now - self.begun).as_secs_f64(),
            mib(progress.tcp_bytes.load(Relaxed)),
            mib(self.size.file_bytes),
            progress.udp_echoes.load(Relaxed),
            self.size.datagrams,
            packets.card,
            packets.software,
            packets.kernel,
            per_second(card.clocks, card.busy) / 1e6
        );
    }
}
