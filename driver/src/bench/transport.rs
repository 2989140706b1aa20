//! What a card and the way to it can do: register reads, commands and frames in a second.
//!
//! The card is reset before and shut down after. Frames are sent by its first port, as fast as it takes them: to a network they are
//! noise, so measure with a cable between two of the card's ports, or with none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fpgaflow_abi::descriptor::Command;
use fpgaflow_abi::hash::{HashSecret, SECRET_WORDS};
use fpgaflow_abi::regs;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, MIN_FRAME_BYTES};

use crate::card::{Card, CardError, Events, Options, PortSettings, Sent};
use crate::transport::{BarOffset, Transport};

/// EtherType that no station acts on: IEEE 802, Local Experimental Ethertype 1.
const ETHERTYPE: [u8; 2] = [0x88, 0xb5];
/// Commands of a submission: few enough to be refilled before the ring is empty, many enough to ring the doorbell seldom.
const COMMANDS: usize = 128;
/// The port that sends.
const PORT: u8 = 0;
/// Longest time to wait for what is under way at the end of a part; nothing came for [`QUIET`] ends it earlier.
const PATIENCE: Duration = Duration::from_secs(5);
/// See [`PATIENCE`].
const QUIET: Duration = Duration::from_millis(50);

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Time of each part.
    pub duration: Duration,
    /// Length of frames in bytes, without FCS; at least [`MIN_FRAME_BYTES`].
    pub frame_bytes: usize,
}

impl Default for Workload {
    fn default() -> Self {
        Self { duration: Duration::from_secs(1), frame_bytes: MIN_FRAME_BYTES }
    }
}

/// How often something happened in a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How often.
    pub count: u64,
    /// In which time.
    pub elapsed: Duration,
}

impl Rate {
    /// In a second.
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Registers read one after the other.
    pub register_reads: Rate,
    /// Commands executed, the ring being kept full.
    pub commands: Rate,
    /// Frames that the port sent, the ring being kept full.
    pub frames_to_card: Rate,
    /// Frames that reached the host in that time: as many, where a cable brings them back and the host keeps up.
    pub frames_to_host: Rate,
}

/// Measures the card behind `transport`.
///
/// # Errors
/// [`CardError`], also when the card takes no frame as long as `workload` asks for.
pub fn run(transport: Arc<dyn Transport>, workload: &Workload) -> Result<Report, CardError> {
    let secret = HashSecret([0; SECRET_WORDS]);
    let mut card = Card::open(Arc::clone(&transport), secret, Options::default())?;
    let register_reads = register_reads(transport.as_ref(), workload.duration)?;
    let commands = commands(&mut card, workload.duration)?;
    let (frames_to_card, frames_to_host) = frames(&mut card, workload)?;
    card.shut_down()?;
    Ok(Report { register_reads, commands, frames_to_card, frames_to_host })
}

/// Reads between two looks at the clock.
const READS: u64 = 16;

fn register_reads(transport: &dyn Transport, duration: Duration) -> Result<Rate, CardError> {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < duration {
        for _ in 0..READS {
            // A register that a transport has no reason to treat specially.
            transport.read(BarOffset(regs::SCRATCH))?;
        }
        count += READS;
    }
    Ok(Rate { count, elapsed: begun.elapsed() })
}

fn commands(card: &mut Card, duration: Duration) -> Result<Rate, CardError> {
    let ring = 1 << Options::default().command_bits;
    let begun = Instant::now();
    let (mut submitted, mut events) = (0, Events::default());
    while begun.elapsed() < duration {
        if card.pending_commands() + COMMANDS <= ring {
            card.submit([Command::nop(); COMMANDS])?;
            submitted += COMMANDS;
        } else {
            std::thread::yield_now();
        }
        card.poll(Instant::now(), &mut events)?;
    }
    let rate = Rate { count: (submitted - card.pending_commands()) as u64, elapsed: begun.elapsed() };
    while card.pending_commands() > 0 {
        card.poll(Instant::now(), &mut events)?;
        std::thread::yield_now();
    }
    Ok(rate)
}

fn frames(card: &mut Card, workload: &Workload) -> Result<(Rate, Rate), CardError> {
    for port in 0..card.geometry().ports {
        card.set_port(port, PortSettings { enabled: true, promiscuous: true, ..PortSettings::default() })?;
    }
    let mut frame = vec![0; workload.frame_bytes.max(MIN_FRAME_BYTES)];
    // To and from addresses that nobody has: locally administered, unicast.
    frame[..ETH_HEADER_BYTES].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, ETHERTYPE[0], ETHERTYPE[1]]);
    let sent_before = card.port_counters(PORT)?.tx_frames;
    let begun = Instant::now();
    let (mut received, mut events) = (0, Events::default());
    while begun.elapsed() < workload.duration {
        while card.queue_frame(PORT, &frame)? == Sent::Queued {}
        card.poll(Instant::now(), &mut events)?;
        received += events.frames.iter().count() as u64;
        if events.frames.is_empty() {
            std::thread::yield_now();
        }
    }
    let elapsed = begun.elapsed();
    let sent = card.port_counters(PORT)?.tx_frames - sent_before;
    drain(card, &mut events)?;
    Ok((Rate { count: sent, elapsed }, Rate { count: received, elapsed }))
}

/// Lets what is under way arrive, so that no frame is left in a buffer that is about to be unmapped.
fn drain(card: &mut Card, events: &mut Events) -> Result<(), CardError> {
    let begun = Instant::now();
    let mut last = begun;
    while last.elapsed() < QUIET && begun.elapsed() < PATIENCE {
        card.poll(Instant::now(), events)?;
        if !events.frames.is_empty() {
            last = Instant::now();
        }
        std::thread::yield_now();
    }
    Ok(())
}
