//! Beats of a Verilated block as bytes, frames to send, and what streams owe each other.

use fpgaflow_hdl_guard::{Model, Port};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::layer2::Layer2;

/// Cuts `bytes` into beats of `width` bytes; nothing at all is one empty beat.
pub fn beats(bytes: &[u8], width: usize) -> Vec<&[u8]> {
    if bytes.is_empty() { vec![bytes] } else { bytes.chunks(width).collect() }
}

/// Sets a beat whose first byte is the most significant one. Bytes it does not have are arbitrary, but
/// the same every time.
pub fn set_beat(m: &mut Model, port: Port, beat: &[u8]) {
    let width = m.width(port) as usize / 8;
    let words: Vec<u64> = (0..width / 8).rev().map(|word| u64::from_be_bytes(eight(beat, 8 * word))).collect();
    m.set_words(port, &words);
}

/// Sets a beat whose first byte is lane 0. Bytes it does not have are arbitrary, but
/// the same every time.
pub fn set_lanes(m: &mut Model, port: Port, beat: &[u8]) {
    let width = m.width(port) as usize / 8;
    let words: Vec<u64> = (0..width / 8).map(|word| u64::from_le_bytes(eight(beat, 8 * word))).collect();
    m.set_words(port, &words);
}

fn eight(beat: &[u8], from: usize) -> [u8; 8] {
    let filler = beat.iter().fold(0x5a, |sum: u8, byte| sum.rotate_left(1) ^ byte);
    std::array::from_fn(|i| beat.get(from + i).copied().unwrap_or(filler.wrapping_add((from + i) as u8)))
}

/// The bytes of a port, the most significant one first. Its width is whole bytes.
pub fn get_bytes(m: &Model, port: Port) -> Vec<u8> {
    let width = m.width(port) as usize / 8;
    let mut words = vec![0; width.div_ceil(8)];
    m.get_words(port, &mut words);
    let bytes: Vec<u8> = words.iter().rev().flat_map(|word| word.to_be_bytes()).collect();
    bytes[bytes.len() - width..].to_vec()
}

/// `count` random bytes.
pub fn random_bytes(rng: &mut ChaCha8Rng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes[..]);
    bytes
}

/// A frame length as the blocks should see them: mostly around the edges of beats and headers, at times long.
pub fn random_length(rng: &mut ChaCha8Rng, least: usize, most: usize) -> usize {
    let upper = match rng.random_range(0..10) {
        0..6 => 80,
        6..9 => 200,
        _ => most,
    };
    rng.random_range(least..=upper.clamp(least, most))
}

/// A `FrameInfo` as its port shows it.
pub fn frame_info(length: usize, port: usize) -> u64 {
    (port << 16 | length) as u64
}

/// The four signals of a stream of beats.
#[derive(Clone, Copy)]
pub struct BeatPorts {
    pub data: Port,
    pub last: Port,
    pub valid: Port,
    pub ready: Port,
}

impl BeatPorts {
    pub fn of(m: &Model, name: &str) -> Self {
        let port = |signal: &str| m.port(&format!("{name}_{signal}"));
        Self { data: port("data"), last: port("last"), valid: port("valid"), ready: port("ready") }
    }

    /// A beat moves in this clock.
    pub fn moves(self, m: &Model) -> bool {
        m.get(self.valid) == 1 && m.get(self.ready) == 1
    }
}

/// Holds a stream to its word: what was offered and not taken is offered again, unchanged.
#[derive(Default)]
pub struct Steady(Option<(Vec<u8>, u64)>);

impl Steady {
    /// To be called once a clock, with everything settled.
    pub fn check(&mut self, m: &Model, stream: BeatPorts) {
        let offered = (m.get(stream.valid) == 1).then(|| (get_bytes(m, stream.data), m.get(stream.last)));
        if let Some(before) = self.0.take() {
            assert_eq!(offered.as_ref(), Some(&before), "a beat that was not taken changed");
        }
        if m.get(stream.ready) == 0 {
            self.0 = offered;
        }
    }
}

/// Holds reset for two clocks.
pub fn reset(m: &mut Model) {
    let reset = m.port("reset");
    m.set(reset, 1);
    m.tick();
    m.tick();
    m.set(reset, 0);
}

/// A `HeaderRecord`, field by field.
#[derive(Debug)]
pub struct HeaderFields {
    pub window: Vec<u8>,
    pub l2: [u8; 30],
    pub l2_bytes: usize,
    pub ethertype: u16,
    pub v6: bool,
    pub gre: bool,
    pub fragment_header: bool,
    pub pppoe_length: u16,
    pub encap: u64,
    pub frame: u64,
}

impl HeaderFields {
    /// From bit 0, in the order of the record.
    pub fn read(m: &Model, header: Port) -> Self {
        let mut words = [0; 14];
        m.get_words(header, &mut words);
        let bits = |lsb: usize, width: usize| {
            (0..width).rev().fold(0_u64, |v, i| v << 1 | words[(lsb + i) / 64] >> ((lsb + i) % 64) & 1)
        };
        Self {
            window: words[..8].iter().rev().flat_map(|word| word.to_be_bytes()).collect(),
            l2: std::array::from_fn(|byte| bits(512 + 240 - 8 - 8 * byte, 8) as u8),
            l2_bytes: bits(752, 5) as usize,
            ethertype: bits(757, 16) as u16,
            v6: bits(773, 1) == 1,
            gre: bits(774, 1) == 1,
            fragment_header: bits(775, 1) == 1,
            pppoe_length: bits(776, 16) as u16,
            encap: bits(792, 48),
            frame: bits(840, 20),
        }
    }

    /// What must be there of a frame that came by a port.
    pub fn check(&self, frame: &[u8], port: usize) {
        let layer2 = Layer2::of(frame);
        let (l2, packet) = frame.split_at(layer2.bytes);
        let mut padded = [0; 30];
        padded[..l2.len()].copy_from_slice(l2);
        let found = (self.l2, self.l2_bytes, self.ethertype, self.encap, self.frame);
        let expected = (padded, layer2.bytes, layer2.ethertype, layer2.encap.to_bits(), frame_info(frame.len(), port));
        assert_eq!(found, expected, "{} bytes: {:02x?}", frame.len(), &frame[..frame.len().min(94)]);
        assert_eq!(self.v6, layer2.ethertype == 0x86dd);
        let is_ip = [0x0800, 0x86dd].contains(&layer2.ethertype);
        if let Some(length) = layer2.pppoe_length {
            assert_eq!(self.pppoe_length, length);
        }
        let seen = packet.len().min(self.window.len());
        if is_ip {
            assert_eq!(self.window[..seen], packet[..seen]);
            let protocol = packet.get(if self.v6 { 6 } else { 9 });
            assert!(protocol.is_none_or(|protocol| self.gre == (*protocol == 47)), "GRE or not");
            let fragment = protocol.is_none_or(|protocol| self.fragment_header == (self.v6 && *protocol == 44));
            assert!(fragment, "a fragment header or none");
        }
    }
}

/// Makes the start of random bytes into a layer 2 header of any kind, right or almost; what does not fit is cut off.
pub fn fill_layer2(rng: &mut ChaCha8Rng, frame: &mut [u8]) {
    let mut header = vec![];
    for _ in 0..[0, 0, 1, 1, 2, 2, 2, 3][rng.random_range(0..8)] {
        header.extend([[0x81, 0x00], [0x88, 0xa8]][rng.random_range(0..2)]);
        header.extend(rng.random::<[u8; 2]>());
    }
    if rng.random() {
        header.extend([0x88, [0x64, 0x64, 0x64, 0x63][rng.random_range(0..4)], 0x11, [0, 0, 0, 1][rng.random_range(0..4)]]);
        header.extend(rng.random::<[u8; 4]>());
        header
            .extend([[0x00, 0x21], [0x00, 0x57], [0x00, 0x21], [0x00, 0x57], [0xc0, 0x21], [0x00, 0x20]][rng.random_range(0..6)]);
    } else {
        header.extend([[0x08, 0x00], [0x86, 0xdd], [0x08, 0x06], [0x08, 0x01], [0x86, 0xdc]][rng.random_range(0..5)]);
    }
    if rng.random() {
        // Protocols that are GRE's in one family or the other.
        let (ip, protocol) = (header.len(), if rng.random() { 6 } else { 9 });
        header.resize(ip + protocol, 0);
        rng.fill(&mut header[ip..]);
        header.push([47, 46][rng.random_range(0..2)]);
    }
    let there = header.len().min(frame.len() - 12);
    frame[12..12 + there].copy_from_slice(&header[..there]);
}

/// A frame with layer 2 of any kind.
pub fn random_frame(rng: &mut ChaCha8Rng, length: usize) -> Vec<u8> {
    let mut frame = random_bytes(rng, length);
    fill_layer2(rng, &mut frame);
    frame
}

/// Frames with every combination of up to three tags and PPPoE, right and almost right.
pub fn every_layer2(rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
    let tags: [&[u8]; 2] = [&[0x81, 0x00, 0xaf, 0x0c], &[0x88, 0xa8, 0x01, 0x23]];
    let mut starts: Vec<Vec<u8>> = vec![vec![]];
    for depth in 0..3 {
        let longest: Vec<Vec<u8>> = starts.iter().filter(|start| start.len() == 4 * depth).cloned().collect();
        starts.extend(longest.iter().flat_map(|start| tags.iter().map(move |tag| [start, *tag].concat())));
    }
    let pppoe = |code: u8, protocol: [u8; 2]| [&[0x88, 0x64, 0x11, code, 0xbe, 0xef, 0x00, 0x2a], &protocol[..]].concat();
    let ends = [
        vec![0x08, 0x00],
        vec![0x86, 0xdd],
        vec![0x08, 0x06],
        pppoe(0, [0x00, 0x21]),
        pppoe(0, [0x00, 0x57]),
        pppoe(0, [0xc0, 0x21]),
        pppoe(9, [0x00, 0x21]),
        vec![0x88, 0x64, 0x21, 0x00, 0xbe, 0xef, 0x00, 0x2a, 0x00, 0x21],
    ];
    let mut frames = vec![];
    for start in &starts {
        for end in &ends {
            let mut whole = random_bytes(rng, 12);
            whole.extend([&start[..], &end[..]].concat());
            whole.extend(random_bytes(rng, 100));
            frames.push(whole);
        }
    }
    frames
}
