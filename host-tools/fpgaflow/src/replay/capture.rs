//! Capture files as input: pcap of either byte order and resolution, and pcapng.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{DataLink, TsResolution};

use super::engine::Arrival;

/// A frame of a capture and when it was seen.
type Captured = (Duration, Vec<u8>);

/// First four bytes of a pcapng file, the same in both byte orders.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Reads a whole capture.
///
/// # Errors
/// When the file cannot be read, is no capture of Ethernet frames, or does not hold them whole.
pub fn read(path: &Path) -> anyhow::Result<Vec<Captured>> {
    let mut file = File::open(path).context("cannot be opened")?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic).context("is too short to be a capture")?;
    let stream = Cursor::new(magic).chain(file);
    if magic == PCAPNG_MAGIC { read_pcapng(stream) } else { read_pcap(stream) }
}

fn read_pcap(stream: impl Read) -> anyhow::Result<Vec<Captured>> {
    let mut reader = PcapReader::new(stream).context("is not a pcap file")?;
    check_link(reader.header().datalink)?;
    let units = match reader.header().ts_resolution {
        TsResolution::MicroSecond => Units::Decimal(6),
        TsResolution::NanoSecond => Units::Decimal(9),
    };
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_raw_packet() {
        let number = frames.len() + 1;
        let packet = packet.with_context(|| format!("packet {number}"))?;
        check_whole(number, packet.data.len(), packet.orig_len)?;
        let time = Duration::from_secs(packet.ts_sec.into()) + units.duration(packet.ts_frac.into());
        frames.push((check_time(number, time)?, packet.data.into_owned()));
    }
    Ok(frames)
}

fn read_pcapng(stream: impl Read) -> anyhow::Result<Vec<Captured>> {
    let mut reader = PcapNgReader::new(stream).context("is not a pcapng file")?;
    let mut frames: Vec<Captured> = Vec::new();
    loop {
        let number = frames.len() + 1;
        // A block borrows the reader, whose interfaces are needed to understand it.
        let block = match reader.next_block() {
            None => return Ok(frames),
            Some(block) => block.with_context(|| format!("block before packet {number}"))?.into_owned(),
        };
        match block {
            Block::EnhancedPacket(packet) => {
                let interface = reader
                    .packet_interface(&packet)
                    .with_context(|| format!("packet {number}: there is no interface {}", packet.interface_id))?;
                check_link(interface.linktype)?;
                check_whole(number, packet.data.len(), packet.original_len)?;
                // The reader takes any unit for nanoseconds.
                let time = Units::of(interface).duration(packet.timestamp.as_nanos() as u64);
                frames.push((check_time(number, time)?, packet.data.into_owned()));
            }
            Block::Packet(_) | Block::SimplePacket(_) => bail!("packet {number}: only enhanced packet blocks are read"),
            _ => {}
        }
    }
}

fn check_link(link: DataLink) -> anyhow::Result<()> {
    ensure!(link == DataLink::ETHERNET, "link type {} is not Ethernet", u32::from(link));
    Ok(())
}

fn check_whole(number: usize, captured: usize, original: u32) -> anyhow::Result<()> {
    ensure!(captured as u64 >= u64::from(original), "packet {number}: {captured} of {original} bytes were captured");
    Ok(())
}

/// Times are written again as pcap, which has 32 bits for the seconds.
fn check_time(number: usize, time: Duration) -> anyhow::Result<Duration> {
    ensure!(time.as_secs() <= u32::MAX.into(), "packet {number}: its time is beyond the year 2106");
    Ok(time)
}

/// Units of a timestamp, as fractions of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    /// Ten to the minus this.
    Decimal(u32),
    /// Two to the minus this.
    Binary(u32),
}

impl Units {
    /// Those of a pcapng interface: option if_tsresol, microseconds where it is missing.
    fn of(interface: &InterfaceDescriptionBlock<'_>) -> Self {
        let resolution = interface.options.iter().find_map(|option| match option {
            InterfaceDescriptionOption::IfTsResol(resolution) => Some(*resolution),
            _ => None,
        });
        match resolution {
            None => Self::Decimal(6),
            Some(binary) if binary & 0x80 != 0 => Self::Binary((binary & 0x7f).into()),
            Some(decimal) => Self::Decimal(decimal.into()),
        }
    }

    fn duration(self, count: u64) -> Duration {
        let per_second = match self {
            Self::Decimal(digits) => 10_u128.checked_pow(digits),
            Self::Binary(bits) => 1_u128.checked_shl(bits),
        };
        // Units so small that their number in a second overflows: a 64-bit count of them is no time at all.
        let nanos = per_second.map_or(0, |per_second| u128::from(count) * 1_000_000_000 / per_second);
        Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32)
    }
}

/// Captures of several ports as one stream in the order of time. Each capture stays in the order of its file; of equal times the
/// capture that was given first comes first.
#[derive(Debug)]
pub struct Merge(Vec<(u8, std::iter::Peekable<std::vec::IntoIter<Captured>>)>);

impl Merge {
    /// Merges captures, given by port.
    pub fn new(captures: Vec<(u8, Vec<Captured>)>) -> Self {
        Self(captures.into_iter().map(|(port, frames)| (port, frames.into_iter().peekable())).collect())
    }
}

impl Iterator for Merge {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let heads =
            self.0.iter_mut().filter_map(|(port, frames)| frames.peek().map(|head| head.0).map(|time| (time, *port, frames)));
        let (_, port, frames) = heads.min_by_key(|(time, ..)| *time)?;
        frames.next().map(|(time, frame)| Arrival { port, time, frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_a_timestamp_is_understood() {
        let time = Duration::new(3, 500_000_000);
        for (units, count) in
            [(Units::Decimal(3), 3_500), (Units::Decimal(9), 3_500_000_000), (Units::Binary(1), 7), (Units::Binary(60), 7 << 59)]
        {
            assert_eq!(units.duration(count), time, "{units:?}");
        }
        assert_eq!(Units::Decimal(120).duration(u64::MAX), Duration::ZERO);
        assert_eq!(Units::Binary(127).duration(u64::MAX), Duration::ZERO);
    }

    #[test]
    fn captures_merge_by_time_and_keep_their_own_order() {
        let capture = |times: &[u64]| times.iter().map(|time| (Duration::from_nanos(*time), vec![*time as u8])).collect();
        let merged: Vec<_> =
            Merge::new(vec![(1, capture(&[5, 1, 7])), (0, capture(&[5, 6]))]).map(|a| (a.port, a.frame[0])).collect();
        assert_eq!(merged, [(1, 5), (1, 1), (0, 5), (0, 6), (1, 7)]);
    }
}
