//! Streams of a Verilated block, stalled as the test likes, and frames to put through them.

use std::collections::VecDeque;

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl_guard::{Model, Port};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A value of any width, least significant word first.
pub type Words = Vec<u64>;

/// A record or any other bits as words.
pub fn words<const N: usize>(bits: Bits<N>) -> Words {
    let mut words = vec![0; N.div_ceil(64)];
    for i in (0..N).filter(|&i| bits.get_bit(i)) {
        words[i / 64] |= 1 << (i % 64);
    }
    words
}

/// One beat, the first of `bytes` most significant; what is missing is random.
pub fn beat_words(bytes: &[u8], width: usize, rng: &mut ChaCha8Rng) -> Words {
    let mut padded = vec![0; width / 8];
    rng.fill(&mut padded[..]);
    padded[..bytes.len()].copy_from_slice(bytes);
    padded.rchunks(8).map(|word| u64::from_be_bytes(word.try_into().expect("beats are whole words"))).collect()
}

/// A frame as beats, each with `last`; no bytes make one beat.
pub fn beats(bytes: &[u8], width: usize, rng: &mut ChaCha8Rng) -> Vec<(Words, bool)> {
    let count = bytes.len().div_ceil(width / 8).max(1);
    (0..count)
        .map(|i| {
            let part = &bytes[(i * width / 8).min(bytes.len())..((i + 1) * width / 8).min(bytes.len())];
            (beat_words(part, width, rng), i + 1 == count)
        })
        .collect()
}

/// The bytes of a beat, the first one most significant.
pub fn beat_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
}

/// `count` random bytes.
pub fn random_bytes(count: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes[..]);
    bytes
}

/// How often a stream moves: always, mostly, half the time, seldom.
pub fn random_rate(rng: &mut ChaCha8Rng) -> f64 {
    [1.0, 0.9, 0.5, 0.1][rng.random_range(0..4)]
}

/// The sending end of a stream: values for its ports, one set a transfer.
pub struct Sender {
    pub items: VecDeque<Vec<Words>>,
    fields: Vec<Port>,
    valid: Port,
    ready: Port,
    offering: bool,
}

impl Sender {
    /// Drives `<stream>_valid` and `fields`.
    pub fn new(m: &Model, stream: &str, fields: &[&str]) -> Self {
        Self {
            items: VecDeque::new(),
            fields: fields.iter().map(|name| m.port(name)).collect(),
            valid: m.port(&format!("{stream}_valid")),
            ready: m.port(&format!("{stream}_ready")),
            offering: false,
        }
    }

    /// Before the clock: offers the next item if `go`, or still the one not taken; else noise.
    pub fn drive(&mut self, m: &mut Model, go: bool, rng: &mut ChaCha8Rng) {
        self.offering = !self.items.is_empty() && (self.offering || go);
        m.set(self.valid, self.offering.into());
        for (i, port) in self.fields.iter().enumerate() {
            if self.offering {
                m.set_words(*port, &self.items[0][i]);
            } else {
                let noise: Vec<u64> = (0..m.width(*port).div_ceil(64)).map(|_| rng.random()).collect();
                m.set_words(*port, &noise);
            }
        }
    }

    /// With everything settled: whether the item is taken in this clock.
    pub fn settle(&mut self, m: &Model) -> bool {
        let taken = self.offering && m.get(self.ready) == 1;
        if taken {
            self.items.pop_front();
            self.offering = false;
        }
        taken
    }
}

/// The receiving end of a stream. Holds it to its word: what is offered and not taken is offered again, unchanged.
pub struct Receiver {
    fields: Vec<Port>,
    valid: Port,
    ready: Port,
    refused: Option<Vec<Words>>,
}

impl Receiver {
    /// Reads `fields` when `valid` and `ready` are high.
    pub fn new(m: &Model, valid: &str, ready: &str, fields: &[&str]) -> Self {
        let port = |name: &&str| m.port(name);
        Self { fields: fields.iter().map(port).collect(), valid: m.port(valid), ready: m.port(ready), refused: None }
    }

    pub fn drive(&mut self, m: &mut Model, ready: bool) {
        m.set(self.ready, ready.into());
    }

    pub fn is_valid(&self, m: &Model) -> bool {
        m.get(self.valid) == 1
    }

    /// With everything settled: what moves in this clock.
    pub fn settle(&mut self, m: &Model) -> Option<Vec<Words>> {
        let offered = self.is_valid(m).then(|| self.fields.iter().map(|port| read(m, *port)).collect::<Vec<_>>());
        if let Some(refused) = self.refused.take() {
            assert_eq!(offered.as_ref(), Some(&refused), "clock {}: an offer was withdrawn or changed", m.clocks());
        }
        if m.get(self.ready) == 1 {
            return offered;
        }
        self.refused = offered;
        None
    }
}

/// The value of a port.
pub fn read(m: &Model, port: Port) -> Words {
    let mut words = vec![0; m.width(port).div_ceil(64) as usize];
    m.get_words(port, &mut words);
    words
}

/// Holds reset for two clocks.
pub fn reset(m: &mut Model) {
    let port = m.port("reset");
    m.set(port, 1);
    m.tick();
    m.tick();
    m.set(port, 0);
}
