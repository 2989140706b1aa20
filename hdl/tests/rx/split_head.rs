//! Where layer 2 ends, against a reading of the frame a byte at a time.

use std::collections::{BTreeMap, VecDeque};

use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl::rx::{HEAD_64, HEAD_512, SplitHead};
use fpgaflow_hdl_guard::{Expect, Model, Port, check_block, model, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::layer2::Layer2;
use crate::support::{HeaderFields, every_layer2, fill_layer2, frame_info, random_bytes, random_frame, reset, set_beat};

const LATENCY: usize = SplitHead::<HEAD_64>::LATENCY;

struct Rig {
    m: Model,
    head_valid: Port,
    head: Port,
    frame: Port,
    header_valid: Port,
    header: Port,
    /// What is inside, a clock each.
    inside: VecDeque<Option<(Vec<u8>, usize)>>,
    /// Headers of each length of layer 2.
    lengths: BTreeMap<usize, u32>,
}

impl Rig {
    fn new(name: &str, dut: impl Block) -> Self {
        let mut m = model(name, dut);
        reset(&mut m);
        Self {
            head_valid: m.port("head_valid"),
            head: m.port("head"),
            frame: m.port("frame"),
            header_valid: m.port("header_valid"),
            header: m.port("header"),
            m,
            inside: VecDeque::from(vec![None; LATENCY]),
            lengths: BTreeMap::new(),
        }
    }

    /// One clock, with a frame's head going in or not. What the frame does not have is the tag or the header that would tempt most.
    fn clock(&mut self, rng: &mut ChaCha8Rng, frame: Option<Vec<u8>>) {
        self.m.set(self.head_valid, frame.is_some().into());
        let port = rng.random_range(0..16);
        let bytes = self.m.width(self.head) as usize / 8;
        let mut head = random_bytes(rng, bytes);
        fill_layer2(rng, &mut head);
        if let Some(frame) = &frame {
            let there = frame.len().min(bytes);
            if there < bytes {
                let mut longer = frame[..there].to_vec();
                longer.extend(random_bytes(rng, bytes - there));
                if rng.random() {
                    // The same start again: a tag where the frame ends in one.
                    longer[there..].copy_from_slice(&head[there..]);
                }
                head = longer;
            } else {
                head.copy_from_slice(&frame[..bytes]);
            }
            self.m.set(self.frame, frame_info(frame.len(), port));
        } else {
            self.m.set(self.frame, rng.random_range(0..1 << 20));
        }
        set_beat(&mut self.m, self.head, &head);
        self.m.eval();
        self.inside.push_back(frame.map(|frame| (frame, port)));
        let due = self.inside.pop_front().flatten();
        assert_eq!(self.m.get(self.header_valid) == 1, due.is_some());
        if let Some((frame, port)) = due {
            HeaderFields::read(&self.m, self.header).check(&frame, port);
            *self.lengths.entry(Layer2::of(&frame).bytes).or_default() += 1;
        }
        self.m.tick();
    }

    fn drain(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..LATENCY {
            self.clock(rng, None);
        }
    }
}

#[test]
fn split_head_is_clean() {
    check_block("split_head64", SplitHead::<HEAD_64>::default, Expect::rams(0));
    check_block("split_head512", SplitHead::<HEAD_512>::default, Expect::rams(0));
}

/// Frames of all lengths, mostly one a clock.
fn random_run(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    for index in 0..200_000 {
        let frame = (index % 10_000 < 8_000 || rng.random()).then(|| {
            let length = if rng.random() { rng.random_range(14..48) } else { rng.random_range(48..200) };
            random_frame(&mut rng, length)
        });
        rig.clock(&mut rng, frame);
    }
    rig.drain(&mut rng);
    assert_eq!(rig.lengths.keys().copied().collect::<Vec<_>>(), [14, 18, 22, 26, 30]);
    assert!(rig.lengths.values().all(|frames| *frames > 3000), "{:?}", rig.lengths);
}

#[test]
fn layer_2_of_random_frames_ends_where_it_should_at_64_bits() {
    random_run("split_head64", SplitHead::<HEAD_64>::default());
}

#[test]
fn layer_2_of_random_frames_ends_where_it_should_at_512_bits() {
    random_run("split_head512", SplitHead::<HEAD_512>::default());
}

/// Every combination of up to three tags and PPPoE, each cut at every length, in the head of the same frame uncut.
fn every_cut(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(name, dut);
    let mut frames = 0;
    for whole in every_layer2(&mut rng) {
        for length in 14..64 {
            rig.m.set(rig.head_valid, 1);
            // The head shows what the cut took away.
            set_beat(&mut rig.m, rig.head, &whole[..94]);
            rig.m.set(rig.frame, frame_info(length, 1));
            rig.m.tick();
            rig.m.set(rig.head_valid, 0);
            rig.m.tick();
            assert_eq!(rig.m.get(rig.header_valid), 1);
            HeaderFields::read(&rig.m, rig.header).check(&whole[..length], 1);
            frames += 1;
        }
    }
    assert_eq!(frames, 15 * 8 * 50);
}

#[test]
fn a_frame_that_ends_inside_layer_2_has_a_plain_header() {
    every_cut("split_head64", SplitHead::<HEAD_64>::default());
    every_cut("split_head512", SplitHead::<HEAD_512>::default());
}
