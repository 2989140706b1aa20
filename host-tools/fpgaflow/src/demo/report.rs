//! What the demonstration found: for people, and as one JSON object.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{PROTO_TCP, PROTO_UDP};
use fpgaflow_card::RunnerStats;
use fpgaflow_sync::daemon::Summary;
use fpgaflow_sync::stats::{DirectionReport, Snapshot};
use serde::Serialize;

use super::traffic::{Echoes, Transfer};

/// Share of the packets that the card has to forward for the demonstration to have succeeded.
pub const LEAST_HW_SHARE: f64 = 0.9;

/// Packets of the flows of one protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Forwarded by the card.
    pub card: u64,
    /// Forwarded by the software flowtable.
    pub software: u64,
    /// Forwarded by the kernel.
    pub kernel: u64,
}

impl Share {
    /// All of them.
    pub fn total(self) -> u64 {
        self.card + self.software + self.kernel
    }

    /// Sums over all flows, both directions.
    pub fn of_all(snapshot: &Snapshot) -> Self {
        Self::sum(directions(snapshot))
    }

    /// Sums over the flows of `protocol`.
    fn of(snapshot: &Snapshot, protocol: u8) -> Self {
        Self::sum(directions(snapshot).filter(|direction| direction.tuple.protocol == protocol))
    }

    fn sum<'a>(directions: impl Iterator<Item = &'a DirectionReport>) -> Self {
        directions.fold(Self::default(), |sum, direction| Self {
            card: sum.card + direction.counts.card_packets,
            software: sum.software + direction.counts.software_packets,
            kernel: sum.kernel + direction.kernel_packets,
        })
    }
}

/// Packets of all UDP flows.
pub fn udp(snapshot: &Snapshot) -> Share {
    Share::of(snapshot, PROTO_UDP)
}

/// The end of a demonstration.
#[derive(Debug)]
pub struct Report {
    /// What became of the file.
    pub transfer: Transfer,
    /// Bytes of it.
    pub file_bytes: u64,
    /// What became of the datagrams.
    pub echoes: Echoes,
    /// The daemon's last word.
    pub summary: Summary,
    /// What the card ran.
    pub card: RunnerStats,
}

/// The JSON object.
#[derive(Debug, Serialize)]
struct Figures {
    bytes_ok: bool,
    tcp_hw_packets: u64,
    tcp_total_packets: u64,
    udp_hw_packets: u64,
    udp_total_packets: u64,
    udp_echoes_lost: u64,
    hw_share: f64,
    mbit_per_s: f64,
    clocks_per_s: f64,
    rx_lost: u64,
    tx_lost: u64,
    reasons: BTreeMap<&'static str, u64>,
}

impl Report {
    fn figures(&self) -> Figures {
        let (tcp, udp) = (Share::of(&self.summary.snapshot, PROTO_TCP), udp(&self.summary.snapshot));
        let total = tcp.total() + udp.total();
        Figures {
            bytes_ok: self.transfer.sent == self.transfer.received,
            tcp_hw_packets: tcp.card,
            tcp_total_packets: tcp.total(),
            udp_hw_packets: udp.card,
            udp_total_packets: udp.total(),
            udp_echoes_lost: self.echoes.sent - self.echoes.returned,
            hw_share: if total == 0 { 0.0 } else { (tcp.card + udp.card) as f64 / total as f64 },
            mbit_per_s: per_second(self.file_bytes * 8, self.transfer.elapsed) / 1e6,
            clocks_per_s: per_second(self.card.clocks, self.card.busy),
            rx_lost: self.card.rx_lost,
            tx_lost: self.card.tx_lost,
            reasons: self.reasons().collect(),
        }
    }

    /// Frames by reason, as the card counted them; reasons without any are left out.
    fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = &self.summary.card.reasons;
        let named = Reason::ALL.iter().map(|reason| (reason.name(), counts[*reason as usize]));
        named.filter(|(_, frames)| *frames > 0)
    }

    /// One object with the figures.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.figures())
    }

    /// Why the demonstration counts as failed; `None` when it succeeded.
    pub fn failure(&self) -> Option<String> {
        let figures = self.figures();
        if !figures.bytes_ok {
            return Some("the file that the server received is not the one that the client sent".to_owned());
        }
        if figures.udp_echoes_lost > 0 {
            return Some(format!("{} of {} datagrams did not come back", figures.udp_echoes_lost, self.echoes.sent));
        }
        (figures.hw_share < LEAST_HW_SHARE).then(|| {
            format!(
                "the card forwarded {:.1} % of the packets, at least {:.0} % were expected",
                100.0 * figures.hw_share,
                100.0 * LEAST_HW_SHARE
            )
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures();
        writeln!(f, "\nflow, each direction                                        card  software    kernel")?;
        for direction in directions(&self.summary.snapshot) {
            writeln!(
                f,
                "{:<55}{:>9} {:>9} {:>9}",
                direction.tuple.to_string(),
                direction.counts.card_packets,
                direction.counts.software_packets,
                direction.kernel_packets
            )?;
        }
        writeln!(f, "\nframes by the card's reason:")?;
        for (reason, frames) in self.reasons() {
            writeln!(f, "  {reason:<20}{frames:>9}")?;
        }
        writeln!(f, "\nfile        {} bytes, {:.1} s", self.file_bytes, self.transfer.elapsed.as_secs_f64())?;
        writeln!(f, "  sent      sha256 {}", hex(&self.transfer.sent))?;
        writeln!(f, "  received  sha256 {}", hex(&self.transfer.received))?;
        writeln!(f, "interfaces  {} frames lost before the card, {} behind it", self.card.rx_lost, self.card.tx_lost)?;
        writeln!(f, "datagrams   {} sent, {} came back", self.echoes.sent, self.echoes.returned)?;
        writeln!(
            f,
            "hardware    {:.2} % of {} packets",
            100.0 * figures.hw_share,
            figures.tcp_total_packets + figures.udp_total_packets
        )?;
        write!(
            f,
            "speed       {:.1} Mbit/s of file through {:.2} M clocks/s of verilated RTL",
            figures.mbit_per_s,
            figures.clocks_per_s / 1e6
        )
    }
}

/// Both directions of every flow that was offloaded, ended or not.
fn directions(snapshot: &Snapshot) -> impl Iterator<Item = &DirectionReport> {
    snapshot.ended.iter().chain(&snapshot.flows).flat_map(|flow| &flow.directions)
}

/// A rate; zero where no time passed.
pub fn per_second(amount: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { amount as f64 / time.as_secs_f64() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
