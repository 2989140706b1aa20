//! The software flowtable from parse to rewritten frame: 64-byte frames (60 without FCS), every one a hit, translated and counted.
//!
//! Frames are rewritten in place, so the flows are paired: what one flow's translation makes of a packet is another flow's packet. A
//! frame goes to and fro until its TTL runs low; that is repaired between rounds, outside the measured time. Frames lie one behind the
//! other, in an order that has nothing to do with the flows' order in the table.

use std::net::Ipv4Addr;
use std::time::Duration;

use fpgaflow_abi::entry::Action;
use fpgaflow_abi::key::{Addresses, FlowKey};
use fpgaflow_abi::next_hop::NextHop;
use fpgaflow_abi::reason::Reason;
use fpgaflow_abi::wire::{ETH_HEADER_BYTES, ETHERTYPE_IPV4, MIN_FRAME_BYTES, PROTO_TCP};

use super::clock::thread_time;
use super::keys::{KeyShape, Numbers};
use crate::card::PortSettings;
use crate::frame::Frame;
use crate::software::pages::vec_in_large_pages;
use crate::software::{SoftwareTable, Verdict};

/// Distance of two frames: a cache line each.
const STRIDE_BYTES: usize = 64;
/// TTL of a fresh frame.
const TTL: u8 = 255;
/// Bytes of the packets: what fills the shortest frame.
const PACKET_BYTES: u16 = (MIN_FRAME_BYTES - ETH_HEADER_BYTES) as u16;
/// Frames given to the table at a time, as a driver's poll would.
const BURST: usize = 256;

/// What a run measured.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded {
    /// Flows in the table.
    pub flows: usize,
    /// Frames forwarded.
    pub frames: u64,
    /// CPU time it took.
    pub elapsed: Duration,
}

impl Forwarded {
    /// Frames per second.
    pub fn frames_per_second(&self) -> f64 {
        self.frames as f64 / self.elapsed.as_secs_f64()
    }
}

/// A full table and a frame for every flow.
pub struct Rig {
    table: SoftwareTable,
    memory: Vec<u8>,
    flows: usize,
    /// Rounds that the frames' TTL is good for.
    rounds_left: u8,
}

impl Rig {
    /// A table of `flows` flows, an even number of them, and their frames.
    ///
    /// # Panics
    /// When a flow cannot be inserted, which would be a defect of this workload.
    pub fn new(flows: usize, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let mut table = SoftwareTable::new(numbers.secret(), 1, 1518, flows);
        let settings = PortSettings { enabled: true, promiscuous: true, ..Default::default() };
        table.set_port(0, &settings).expect("port 0 is there");
        let hop = NextHop {
            egress: 0,
            mtu: 1500,
            src_mac: [2, 0, 0, 0, 0, 1],
            dst_mac: [2, 0, 0, 0, 0, 2],
            encap: fpgaflow_abi::key::Encap::NONE,
            valid: true,
        };
        table.set_next_hop(0, &hop).expect("port 0 is there");
        let inside = KeyShape::Random.keys(flows / 2, &mut numbers);
        // The other half: the same with the source translated to an address block that the first half does not use.
        let outside = |key: &FlowKey| match key.addresses {
            Addresses::V4 { src, dst } => FlowKey {
                addresses: Addresses::V4 { src: Ipv4Addr::from_bits(src.to_bits() ^ 0x2000_0000), dst },
                sport: key.sport ^ 0x5555,
                ..*key
            },
            Addresses::V6 { .. } => *key,
        };
        let mut keys: Vec<FlowKey> = Vec::with_capacity(flows);
        for key in &inside {
            let other = outside(key);
            let to = |key: &FlowKey| Action { addresses: key.addresses, sport: key.sport, dport: key.dport, next_hop: 0 };
            table.insert(key, &to(&other)).expect("keys are different");
            table.insert(&other, &to(key)).expect("keys are different");
            keys.extend([*key, other]);
        }
        for i in (1..keys.len()).rev() {
            keys.swap(i, numbers.below(i as u64 + 1) as usize);
        }
        // Room in front so that frames can begin at a cache line.
        let bytes = keys.len() * STRIDE_BYTES + STRIDE_BYTES;
        let mut memory = vec_in_large_pages(bytes);
        memory.resize(bytes, 0);
        let start = start_of(&memory);
        for (key, place) in keys.iter().zip(memory[start..].chunks_mut(STRIDE_BYTES)) {
            write_frame(key, place);
        }
        Self { table, memory, flows: keys.len(), rounds_left: TTL - 1 }
    }

    /// Forwards `rounds` times a frame of every flow.
    ///
    /// # Panics
    /// When a frame is not forwarded, which would be a defect of table or workload.
    pub fn run(&mut self, rounds: u32) -> Forwarded {
        let start = start_of(&self.memory);
        let mut verdicts = [Verdict::default(); BURST];
        let mut elapsed = Duration::ZERO;
        let before = self.table.reasons()[Reason::Forwarded as usize];
        for round in 0..rounds {
            let memory = &mut self.memory[start..start + self.flows * STRIDE_BYTES];
            if self.rounds_left == 0 {
                memory.chunks_mut(STRIDE_BYTES).for_each(refresh);
                self.rounds_left = TTL - 1;
            }
            self.rounds_left -= 1;
            let mut burst = Vec::with_capacity(BURST);
            let begin = thread_time();
            for memory in memory.chunks_mut(BURST * STRIDE_BYTES) {
                burst.clear();
                burst.extend(memory.chunks_mut(STRIDE_BYTES).filter_map(|place| Frame::new(0, place, 0..MIN_FRAME_BYTES)));
                self.table.process_batch(&mut burst, round, &mut verdicts);
            }
            elapsed += thread_time() - begin;
        }
        let frames = self.table.reasons()[Reason::Forwarded as usize] - before;
        assert_eq!(frames, self.flows as u64 * u64::from(rounds), "every frame is forwarded");
        Forwarded { flows: self.flows, frames, elapsed }
    }

    /// Whether the checksums of every frame are right, summed over the whole packet.
    pub fn checksums_are_right(&self) -> bool {
        let start = start_of(&self.memory);
        self.memory[start..start + self.flows * STRIDE_BYTES].chunks(STRIDE_BYTES).all(|place| {
            let packet = &place[ETH_HEADER_BYTES..ETH_HEADER_BYTES + usize::from(PACKET_BYTES)];
            sum(&packet[..20]) == 0xffff && sum(&[&packet[12..], &pseudo_header(packet)[..]].concat()) == 0xffff
        })
    }
}

/// Offset of the first cache line boundary.
fn start_of(memory: &[u8]) -> usize {
    memory.as_ptr().align_offset(STRIDE_BYTES)
}

fn write_frame(key: &FlowKey, place: &mut [u8]) {
    let Addresses::V4 { src, dst } = key.addresses else { return };
    place[..12].copy_from_slice(&[2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8]);
    place[12..14].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
    let packet = &mut place[ETH_HEADER_BYTES..ETH_HEADER_BYTES + usize::from(PACKET_BYTES)];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&PACKET_BYTES.to_be_bytes());
    packet[8] = TTL;
    packet[9] = key.protocol;
    packet[12..16].copy_from_slice(&src.octets());
    packet[16..20].copy_from_slice(&dst.octets());
    packet[20..22].copy_from_slice(&key.sport.to_be_bytes());
    packet[22..24].copy_from_slice(&key.dport.to_be_bytes());
    let header = !sum(&packet[..20]);
    packet[10..12].copy_from_slice(&header.to_be_bytes());
    let at = if key.protocol == PROTO_TCP {
        packet[32..34].copy_from_slice(&[0x50, 0x10]);
        36
    } else {
        packet[24..26].copy_from_slice(&(PACKET_BYTES - 20).to_be_bytes());
        26
    };
    let checksum = !sum(&[&packet[12..], &pseudo_header(packet)[..]].concat());
    packet[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Protocol and length, the part of the pseudo header that is not in the packet as it stands.
fn pseudo_header(packet: &[u8]) -> [u8; 4] {
    let [a, b] = (PACKET_BYTES - 20).to_be_bytes();
    [0, packet[9], a, b]
}

/// Gives a frame its TTL back.
fn refresh(place: &mut [u8]) {
    let packet = &mut place[ETH_HEADER_BYTES..];
    packet[8] = TTL;
    packet[10..12].fill(0);
    let header = !sum(&packet[..20]);
    packet[10..12].copy_from_slice(&header.to_be_bytes());
}

/// Ones' complement sum of an even number of bytes.
fn sum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workload_is_right_frames_that_stay_right() {
        let mut rig = Rig::new(1000, 5);
        assert!(rig.checksums_are_right());
        assert_eq!(rig.run(300).frames, 300_000);
        assert!(rig.checksums_are_right());
    }
}
