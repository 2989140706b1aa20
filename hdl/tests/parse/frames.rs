//! Frames of every kind: good ones, and good ones with something wrong.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::reference::{Config, Frame, fill_checksum};

/// A TCP or UDP packet with nothing wrong.
pub fn good_packet(rng: &mut ChaCha8Rng, udp: bool) -> Vec<u8> {
    let header = if udp { 28 } else { 40 };
    let total = match rng.random_range(0..4) {
        0 => header,
        1 => header + rng.random_range(0..30),
        2 => rng.random_range(header..1500),
        _ => rng.random_range(header..9001),
    };
    let mut packet = vec![0; total];
    rng.fill(&mut packet[..header]);
    packet[0] = 0x45;
    set16(&mut packet, 2, total);
    packet[6] &= 0xc0;
    packet[7] = 0;
    packet[9] = if udp { 17 } else { 6 };
    if udp {
        let datagram = if rng.random_ratio(1, 3) { rng.random_range(8..=total - 20) } else { total - 20 };
        set16(&mut packet, 24, datagram);
    } else {
        packet[32] = (rng.random_range(5..=((total - 20) / 4).min(15)) << 4) as u8;
    }
    fill_checksum(&mut packet);
    // Ethernet padding, or a trailer.
    packet.resize(total + [0, 0, rng.random_range(0..46)][rng.random_range(0..3)], 0);
    packet
}

fn set16(packet: &mut [u8], at: usize, value: usize) {
    if packet.len() >= at + 2 {
        packet[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
    }
}

/// A frame to one of the ports, with up to two things wrong.
pub fn random_frame(rng: &mut ChaCha8Rng, config: &Config) -> Frame {
    let port = rng.random_range(0..config.macs.len());
    let udp = rng.random();
    let mut frame = Frame {
        destination: config.macs[port],
        ethertype: 0x0800,
        encap: random_encap(rng),
        port,
        packet: good_packet(rng, udp),
    };
    for _ in 0..[0, 1, 1, 2][rng.random_range(0..4)] {
        spoil(rng, &mut frame, config);
    }
    frame
}

fn random_encap(rng: &mut ChaCha8Rng) -> Encap {
    let tag = |rng: &mut ChaCha8Rng| Tag {
        kind: [TagKind::Dot1Q, TagKind::Dot1ad][rng.random_range(0..2)],
        vid: rng.random_range(0..4096),
    };
    match rng.random_range(0..4) {
        0 => Encap { tags: [Some(tag(rng)), None], pppoe: None },
        1 => Encap { tags: [Some(tag(rng)), Some(tag(rng))], pppoe: Some(rng.random()) },
        _ => Encap::NONE,
    }
}

/// Does one thing to a frame that may matter.
fn spoil(rng: &mut ChaCha8Rng, frame: &mut Frame, config: &Config) {
    let length = frame.packet.len();
    match rng.random_range(0..20) {
        0 => frame.ethertype = [0x0806, 0x86dd, 0x8100, rng.random()][rng.random_range(0..4)],
        1 => frame.destination = [0xff; 6],
        2 => frame.destination[0] |= 1,
        3 => frame.destination[rng.random_range(0..6)] ^= 1 << rng.random_range(0..8),
        4 => frame.destination = config.macs[rng.random_range(0..config.macs.len())],
        5 => frame.packet.truncate(rng.random_range(0..=length.min(60))),
        6 => frame.packet.truncate(length.saturating_sub(rng.random_range(1..50))),
        // The version, IHL, flags and offset, protocol: the checksum made right again, so that they alone decide.
        7 => change(rng, frame, 0, 0xf0),
        8 => change(rng, frame, 0, 0x0f),
        9 => change(rng, frame, 6, 0xff),
        10 => change(rng, frame, 7, 0xff),
        11 => change(rng, frame, 9, 0xff),
        12 => {
            if length >= 20 {
                frame.packet[9] = 1;
                fill_checksum(&mut frame.packet);
            }
        }
        13 | 14 => {
            // A total length near what is there, or near the least.
            let near = [20, 28, 40, length][rng.random_range(0..4)];
            set16(&mut frame.packet, 2, (near + rng.random_range(0..8)).saturating_sub(4));
            if length >= 20 {
                fill_checksum(&mut frame.packet);
            }
        }
        15 => {
            let at = rng.random_range(0..20).min(length);
            if at < length {
                frame.packet[at] ^= 1 << rng.random_range(0..8);
            }
        }
        16 => {
            // The other spelling of a checksum that is zero, or the wrong one of one that is not.
            if length >= 20 {
                frame.packet[10..12].fill([0x00, 0xff][rng.random_range(0..2)]);
            }
        }
        17 => change(rng, frame, 32, 0xf0),
        18 => {
            let payload = length.saturating_sub(20);
            let near = [8, payload, 0xffff][rng.random_range(0..3)];
            set16(&mut frame.packet, 24, (near + rng.random_range(0..6)).saturating_sub(3));
        }
        _ => change(rng, frame, 33, 0xff),
    }
}

/// Makes the bits of `mask` in one byte random and the checksum right.
fn change(rng: &mut ChaCha8Rng, frame: &mut Frame, at: usize, mask: u8) {
    if frame.packet.len() > at.max(19) {
        let random: u8 = rng.random();
        frame.packet[at] = (frame.packet[at] & !mask) | (random & mask);
        fill_checksum(&mut frame.packet);
    }
}
