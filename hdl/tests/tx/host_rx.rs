//! `HostRx`: every frame delivered whole or dropped and counted.

use fpgaflow_hdl::prelude::*;
use fpgaflow_hdl::records::{FrameInfo, PuntInfo};
use fpgaflow_hdl::tx::{HostRx, HostRx64, HostRx512};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{Receiver, Sender, Words, beat_bytes, beats, random_bytes, random_rate, reset, words};

/// Stores of 2 KiB: small enough to be full often.
type Small64 = HostRx<64, 8, 9, 8, 9>;
type Small512 = HostRx<512, 5, 6, 8, 9>;
const STORE_BYTES: usize = 2048;

/// A punted frame; its number is its entry.
#[derive(Clone, PartialEq)]
struct Punted {
    bytes: Vec<u8>,
    info: Words,
}

fn punted(number: usize, length: usize, rng: &mut ChaCha8Rng) -> Punted {
    let info = PuntInfo {
        frame: FrameInfo { length: (length as u64).into(), port: rng.random_range(0..16_u64).into() },
        reason: rng.random_range(1..32_u64).into(),
        hit: rng.random(),
        entry: (number as u64).into(),
    };
    Punted { bytes: random_bytes(length, rng), info: words::<{ PuntInfo::BITS }>(info.into()) }
}

fn number(info: &Words) -> usize {
    let record = PuntInfo::default();
    (info[0] >> record.get_my_offset_entry()) as usize & ((1 << record.get_my_width_entry()) - 1)
}

struct Rig {
    m: Model,
    merge: Sender,
    info: Receiver,
    beats: Receiver,
    drop_valid: Port,
    width: usize,
    dropped: usize,
    infos: Vec<Words>,
    bytes: Vec<u8>,
    words: usize,
    delivered: Vec<Punted>,
    /// Clocks between a frame's first and last beat in which the DMA engine would have taken a beat and got none.
    gaps: usize,
}

impl Rig {
    fn new(width: usize) -> Self {
        let mut m = match width {
            64 => model("host_rx64", Small64::default()),
            512 => model("host_rx512", Small512::default()),
            _ => panic!("no store of {width} bits"),
        };
        reset(&mut m);
        Self {
            merge: Sender::new(&m, "s_axis", &["s_axis_data", "s_axis_last", "punt"]),
            info: Receiver::new(&m, "m_axis_info_valid", "m_axis_info_ready", &["m_axis_info_data"]),
            beats: Receiver::new(&m, "m_axis_valid", "m_axis_ready", &["m_axis_data", "m_axis_last"]),
            drop_valid: m.port("drop_valid"),
            m,
            width,
            dropped: 0,
            infos: vec![],
            bytes: vec![],
            words: 0,
            delivered: vec![],
            gaps: 0,
        }
    }

    fn add(&mut self, frame: &Punted, rng: &mut ChaCha8Rng) {
        for (data, last) in beats(&frame.bytes, self.width, rng) {
            self.merge.items.push_back(vec![data, vec![last.into()], frame.info.clone()]);
        }
    }

    /// One clock with rates of merge, and of what the DMA engine takes: infos, beats.
    fn clock(&mut self, rates: [f64; 3], rng: &mut ChaCha8Rng) {
        let [go, info, beat] = rates.map(|rate| rng.random_bool(rate));
        self.merge.drive(&mut self.m, go, rng);
        self.info.drive(&mut self.m, info);
        self.beats.drive(&mut self.m, beat);
        self.m.eval();
        let offered = go && !self.merge.items.is_empty();
        assert_eq!(self.merge.settle(&self.m), offered, "clock {}: merge had to wait", self.m.clocks());
        self.dropped += self.m.get(self.drop_valid) as usize;
        let info_waits = self.info.is_valid(&self.m) && !info;
        if let Some(mut info) = self.info.settle(&self.m) {
            self.infos.push(info.remove(0));
        }
        self.gaps += usize::from(self.words > 0 && beat && !self.beats.is_valid(&self.m));
        if self.beats.is_valid(&self.m) {
            let told = self.infos.len() + usize::from(info_waits);
            assert!(told > self.delivered.len(), "clock {}: a beat before its info", self.m.clocks());
        }
        if let Some(item) = self.beats.settle(&self.m) {
            self.bytes.extend(beat_bytes(&item[0]));
            self.words += 1;
            if item[1][0] == 1 {
                self.delivered.push(Punted { bytes: std::mem::take(&mut self.bytes), info: vec![] });
                self.words = 0;
            }
        }
        self.m.tick();
    }

    /// Runs until nothing has moved for a while; gives what was delivered, each frame cut to its length.
    fn drain(&mut self, rates: [f64; 3], rng: &mut ChaCha8Rng) -> Vec<Punted> {
        let mut idle = 0;
        let mut seen = (0, 0);
        while idle < 3000 {
            self.clock(rates, rng);
            let now = (self.infos.len(), self.delivered.len());
            idle = if now == seen && self.merge.items.is_empty() { idle + 1 } else { 0 };
            seen = now;
            assert!(self.m.clocks() < 5_000_000, "stuck");
        }
        assert_eq!(self.infos.len(), self.delivered.len(), "infos and frames");
        assert!(self.bytes.is_empty(), "half a frame");
        let infos = std::mem::take(&mut self.infos);
        let delivered = std::mem::take(&mut self.delivered);
        infos
            .into_iter()
            .zip(delivered)
            .map(|(info, frame)| {
                let length = (info[0] & 0xffff) as usize;
                assert_eq!(frame.bytes.len(), length.next_multiple_of(8), "beats of a frame of {length} bytes");
                Punted { bytes: frame.bytes[..length].to_vec(), info }
            })
            .collect()
    }
}

fn random_frames(count: usize, rng: &mut ChaCha8Rng) -> Vec<Punted> {
    (0..count)
        .map(|i| {
            let longest = [60, 300, STORE_BYTES - 64][rng.random_range(0..3)];
            punted(i, rng.random_range(14..=longest), rng)
        })
        .collect()
}

#[test]
fn host_rx_is_clean_and_two_rams() {
    let bits = |store_bytes: usize, frames_aw: usize| 8 * store_bytes + (PuntInfo::BITS << frames_aw);
    check_block("host_rx64", HostRx64::default, Expect::rams(2).with_bits(bits(16 << 10, 8)));
    check_block("host_rx512", HostRx512::default, Expect::rams(2).with_bits(bits(128 << 10, 11)));
}

/// Drops and deliveries add up to what was sent; what is delivered is what was sent, in order.
#[test]
fn every_frame_is_delivered_whole_or_dropped_and_counted() {
    let mut rng = rng();
    let mut dropped = 0;
    for width in [64, 512] {
        for _ in 0..30 {
            let mut rig = Rig::new(width);
            let frames = random_frames(300, &mut rng);
            for frame in &frames {
                rig.add(frame, &mut rng);
            }
            let rates = std::array::from_fn(|_| random_rate(&mut rng));
            let delivered = rig.drain(rates, &mut rng);
            for frame in &delivered {
                assert!(
                    *frame == frames[number(&frame.info)],
                    "{width} bits, rates {rates:?}: frame {} changed",
                    number(&frame.info)
                );
            }
            assert!(delivered.windows(2).all(|pair| number(&pair[0].info) < number(&pair[1].info)), "out of order");
            assert_eq!(delivered.len() + rig.dropped, frames.len(), "{width} bits, rates {rates:?}");
            dropped += rig.dropped;
        }
    }
    assert!(dropped > 1000, "{dropped}");
}

#[test]
fn a_frame_that_fits_is_never_dropped() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let beat = width / 8;
        for round in 0..100 {
            // As much as fits, in frames of any length; two beats are always left free.
            let mut frames = vec![];
            let mut room = STORE_BYTES / beat - 2;
            while room > 0 {
                let length = rng.random_range(14..=(room * beat).clamp(14, 500));
                if length.div_ceil(beat) > room {
                    break;
                }
                room -= length.div_ceil(beat);
                frames.push(punted(frames.len(), length, &mut rng));
            }
            for frame in &frames {
                rig.add(frame, &mut rng);
            }
            while !rig.merge.items.is_empty() {
                rig.clock([1.0, 0.0, 0.0], &mut rng);
            }
            let delivered = rig.drain([1.0; 3], &mut rng);
            assert!(delivered == frames, "{width} bits, round {round}: {} of {} frames", delivered.len(), frames.len());
        }
        assert_eq!(rig.dropped, 0);
    }
}

#[test]
fn a_host_that_takes_nothing_costs_frames_and_no_time() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let frames: Vec<_> = (0..1000).map(|i| punted(i, 60, &mut rng)).collect();
        for frame in &frames {
            rig.add(frame, &mut rng);
        }
        let clocks = rig.merge.items.len();
        for _ in 0..clocks {
            rig.clock([1.0, 0.0, 0.0], &mut rng);
        }
        assert!(rig.merge.items.is_empty());
        let delivered = rig.drain([1.0; 3], &mut rng);
        assert!(delivered[..] == frames[..delivered.len()], "the first frames are kept");
        let most = (STORE_BYTES / (width / 8)) / 60_usize.div_ceil(width / 8);
        assert!(delivered.len() + 3 >= most, "{} of {most} frames kept", delivered.len());
        assert_eq!(delivered.len() + rig.dropped, 1000);
    }
}

#[test]
fn short_frames_are_dropped_when_there_is_no_place_for_their_infos() {
    let mut rng = rng();
    // 256 frames of one beat each and more data than that: only the store of infos is full.
    let mut m = model("host_rx512_wide", HostRx::<512, 10, 11, 8, 9>::default());
    reset(&mut m);
    let mut rig = Rig::new(512);
    rig.m = m;
    let frames: Vec<_> = (0..600).map(|i| punted(i, 60, &mut rng)).collect();
    for frame in &frames {
        rig.add(frame, &mut rng);
    }
    for _ in 0..600 {
        rig.clock([1.0, 0.0, 0.0], &mut rng);
    }
    let delivered = rig.drain([1.0; 3], &mut rng);
    assert!(delivered[..] == frames[..delivered.len()]);
    assert!((250..=260).contains(&delivered.len()), "{}", delivered.len());
    assert_eq!(delivered.len() + rig.dropped, 600);
}

#[test]
fn a_frame_has_no_gap_on_its_way_to_the_host() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for frame in random_frames(200, &mut rng) {
            rig.add(&frame, &mut rng);
        }
        rig.drain([0.2, 1.0, 0.9], &mut rng);
        assert_eq!(rig.gaps, 0, "{width} bits");
    }
}

#[test]
fn a_frame_is_offered_after_the_stated_latency() {
    let mut rng = rng();
    for (width, latency) in [(64, Small64::LATENCY), (512, Small512::LATENCY)] {
        let mut rig = Rig::new(width);
        rig.add(&punted(0, 200, &mut rng), &mut rng);
        while !rig.merge.items.is_empty() {
            assert!(!rig.beats.is_valid(&rig.m));
            rig.clock([1.0, 0.0, 0.0], &mut rng);
        }
        for clock in 1..=latency {
            assert_eq!(rig.beats.is_valid(&rig.m), clock == latency, "{width} bits, clock {clock}");
            assert_eq!(rig.info.is_valid(&rig.m), clock == latency, "{width} bits, clock {clock}");
            rig.clock([1.0, 0.0, 0.0], &mut rng);
        }
    }
}

#[test]
fn reset_forgets_what_was_stored() {
    let mut rng = rng();
    for width in [64, 512] {
        for clocks in [1, 7, 40, 300] {
            let mut rig = Rig::new(width);
            for frame in random_frames(30, &mut rng) {
                rig.add(&frame, &mut rng);
            }
            for _ in 0..clocks {
                rig.clock([0.9, 0.5, 0.5], &mut rng);
            }
            let mut rig = Rig { m: rig.m, ..Rig::new(width) };
            reset(&mut rig.m);
            let frames: Vec<_> = (0..5).map(|i| punted(i, 100 + i, &mut rng)).collect();
            for frame in &frames {
                rig.add(frame, &mut rng);
            }
            assert!(rig.drain([0.9; 3], &mut rng) == frames, "{width} bits, {clocks} clocks");
            assert_eq!(rig.dropped, 0);
        }
    }
}
