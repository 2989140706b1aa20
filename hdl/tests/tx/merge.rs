//! `Merge` against a model that builds whole frames from whole frames.

use fpgaflow_abi::key::{Encap, Tag, TagKind};
use fpgaflow_hdl::tx::{
    Compose, EgressHeader, FieldWords, HeaderWords, Merge, NarrowMerge, PacketFields, Patch, Planner, Prepend, Route,
};
use fpgaflow_hdl_guard::{Expect, check_block, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::job::{Job, Kind, L2_LENGTHS, Layer4, PORTS, random_encaps};
use crate::merge_rig::{FULL_RATE, Rig, random_rates};
use crate::support::{random_bytes, reset};

#[test]
fn merge_and_its_parts_are_clean_and_have_no_ram() {
    check_block("egress_header", EgressHeader::default, Expect::rams(0));
    check_block("packet_fields", PacketFields::default, Expect::rams(0));
    check_block("planner64", Planner::<64>::default, Expect::rams(0));
    check_block("planner512", Planner::<512>::default, Expect::rams(0));
    check_block("patch64", Patch::<64>::default, Expect::rams(0));
    check_block("patch512", Patch::<512>::default, Expect::rams(0));
    check_block("prepend64", Prepend::<64>::default, Expect::rams(0));
    check_block("prepend512", Prepend::<512>::default, Expect::rams(0));
    check_block("route64", Route::<64, PORTS>::default, Expect::rams(0));
    check_block("header_words", HeaderWords::default, Expect::rams(0));
    check_block("field_words", FieldWords::default, Expect::rams(0));
    check_block("compose", Compose::default, Expect::rams(0));
    check_block("merge64", NarrowMerge::<PORTS>::default, Expect::rams(0));
    check_block("merge512", Merge::<512, PORTS>::default, Expect::rams(0));
}

fn shuffle(jobs: &mut [Job], rng: &mut ChaCha8Rng) {
    for i in (1..jobs.len()).rev() {
        jobs.swap(i, rng.random_range(0..=i));
    }
}

/// Every length of body from nothing to 300 bytes, forwarded and punted, then random ones up to the longest frame.
fn frames_of_all_lengths(width: usize) {
    let mut rng = rng();
    let mut rig = Rig::new(width);
    for _ in 0..6 {
        let mut jobs: Vec<Job> = (0..=300)
            .flat_map(|length| [(length, true), (length, false)])
            .map(|(length, forward)| Job::random(length, forward, &mut rng))
            .collect();
        shuffle(&mut jobs, &mut rng);
        let rates = random_rates(&mut rng);
        rig.run(&jobs, &rates, &mut rng);
    }
    for _ in 0..20 {
        let jobs: Vec<Job> = (0..10)
            .map(|_| {
                let length = rng.random_range(0..=9018 - 30);
                let forward = rng.random_bool(0.7);
                Job::random(length, forward, &mut rng)
            })
            .collect();
        let rates = random_rates(&mut rng);
        rig.run(&jobs, &rates, &mut rng);
    }
}

#[test]
fn frames_of_all_lengths_leave_as_the_model_says_at_64_bits() {
    frames_of_all_lengths(64);
}

#[test]
fn frames_of_all_lengths_leave_as_the_model_says_at_512_bits() {
    frames_of_all_lengths(512);
}

/// From every length of layer 2 header to every shape of one, every kind of packet, in frames that came with 60 to 1600 bytes.
fn every_encapsulation_to_every_other(width: usize) {
    let mut rng = rng();
    let mut rig = Rig::new(width);
    for round in 0..4 {
        let mut jobs = vec![];
        for l2_length in L2_LENGTHS {
            for encap in random_encaps(&mut rng) {
                for kind in Kind::ALL {
                    for frame in [60, 64, rng.random_range(60..150), rng.random_range(60..=1600)] {
                        let body = (frame - l2_length).max(kind.shortest());
                        let mut job = Job::random(body, true, &mut rng);
                        job.l2 = random_bytes(l2_length, &mut rng);
                        (job.kind, job.encap) = (kind, encap);
                        // As often as not all of it is the packet.
                        job.ip_length = if rng.random() { body } else { rng.random_range(kind.shortest()..=body) };
                        jobs.push(job);
                    }
                }
            }
        }
        shuffle(&mut jobs, &mut rng);
        let rates = if round == 0 { FULL_RATE } else { random_rates(&mut rng) };
        rig.run(&jobs, &rates, &mut rng);
    }
}

#[test]
fn every_encapsulation_becomes_every_other_at_64_bits() {
    every_encapsulation_to_every_other(64);
}

#[test]
fn every_encapsulation_becomes_every_other_at_512_bits() {
    every_encapsulation_to_every_other(512);
}

/// Ports and protocol numbers spelt out, as a reader of a capture would.
#[test]
fn a_header_with_two_tags_and_pppoe_has_these_bytes() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut job = Job::random(200, true, &mut rng);
        job.macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        let tags = [Some(Tag { kind: TagKind::Dot1ad, vid: 0x123 }), Some(Tag { kind: TagKind::Dot1Q, vid: 0xfff })];
        job.encap = Encap { tags, pppoe: Some(0xbeef) };
        job.kind = Kind { v6: true, layer4: Layer4::Udp, fragment: false };
        job.ip_length = 0x80;
        let header = [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0x01, 0x23, 0x81, 0x00, 0x0f, 0xff, 0x88, 0x64, 0x11, 0x00, 0xbe,
            0xef, 0x00, 0x82, 0x00, 0x57,
        ];
        let frames = rig.all(std::slice::from_ref(&job), &mut rng);
        assert_eq!(frames[0].bytes[..30], header);
        assert_eq!(frames[0].bytes.len(), 30 + 0x80);
    }
}

#[test]
fn padding_that_came_is_zeros_or_nothing_when_the_header_grows() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for encap in random_encaps(&mut rng) {
            // 28 bytes of packet in 46; all that came behind the packet is ones.
            let mut job = Job::random(46, true, &mut rng);
            (job.kind, job.encap, job.ip_length) = (Kind { v6: false, layer4: Layer4::Udp, fragment: false }, encap, 28);
            job.body[28..].fill(0xff);
            let frame = rig.all(std::slice::from_ref(&job), &mut rng).remove(0);
            assert_eq!(frame.bytes.len(), 60);
            assert!(frame.bytes[job.header().len() + 28..].iter().all(|byte| *byte == 0), "{width} bits, {encap:?}");
        }
    }
}

#[test]
fn gre_leaves_with_its_own_bytes_behind_the_ip_header() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        for v6 in [false, true] {
            let mut job = Job::random_full(100, true, &mut rng);
            job.kind = Kind { v6, layer4: Layer4::Gre, fragment: false };
            let frame = rig.all(std::slice::from_ref(&job), &mut rng).remove(0);
            let ip_header = if v6 { 40 } else { 20 };
            assert_eq!(frame.bytes[job.header().len() + ip_header..], job.body[ip_header..], "{width} bits");
        }
    }
}

#[test]
fn punted_frames_of_every_layer_2_length_are_put_back_as_they_came() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut jobs = vec![];
        for l2_length in L2_LENGTHS {
            for body in 0..=130 {
                let mut job = Job::random(body, false, &mut rng);
                job.l2 = random_bytes(l2_length, &mut rng);
                jobs.push(job);
            }
        }
        shuffle(&mut jobs, &mut rng);
        let frames = rig.all(&jobs, &mut rng);
        for (frame, job) in frames.iter().zip(&jobs) {
            assert!(frame.bytes == [&job.l2[..], &job.body].concat(), "{width} bits: {job:02x?}");
        }
        assert_eq!(frames.len(), jobs.len());
    }
}

#[test]
fn a_stalled_port_delays_frames_and_loses_none() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let jobs: Vec<Job> = (0..50).map(|_| Job::random(46, true, &mut rng)).collect();
        for job in &jobs {
            rig.add(job, &mut rng);
        }
        let mut rates = FULL_RATE;
        rates[3..].fill(0.0);
        let mut frames = vec![];
        for _ in 0..1000 {
            frames.extend(rig.clock(&rates, &mut rng));
        }
        assert!(frames.is_empty());
        // Two beats in Route, a frame in Prepend, two in Planner.
        assert!(rig.verdicts.items.len() >= 45, "a merge that is stalled takes no more than it can hold");
        for _ in 0..1000 {
            frames.extend(rig.clock(&FULL_RATE, &mut rng));
        }
        assert_eq!(frames, jobs.iter().map(Job::expected).collect::<Vec<_>>());
    }
}

#[test]
fn a_frame_to_no_port_is_swallowed_and_the_next_one_passes() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut lost = Job::random(200, true, &mut rng);
        lost.egress = PORTS as u8;
        rig.add(&lost, &mut rng);
        let jobs = [Job::random(100, true, &mut rng), Job::random(100, false, &mut rng)];
        rig.run(&jobs, &FULL_RATE, &mut rng);
    }
}

#[test]
fn a_packet_that_ends_early_ends_its_frame_and_not_the_next() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut rig = Rig::new(width);
        let mut short = Job::random(600, true, &mut rng);
        (short.ip_length, short.kind, short.encap) = (500, Kind { v6: false, layer4: Layer4::Udp, fragment: false }, Encap::NONE);
        let expected = short.expected();
        // The verdict says 500 bytes, 64 come.
        short.body.truncate(64);
        rig.add(&short, &mut rng);
        let next = Job::random(100, false, &mut rng);
        rig.add(&next, &mut rng);
        let mut frames = vec![];
        for _ in 0..1000 {
            frames.extend(rig.clock(&FULL_RATE, &mut rng));
        }
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].bytes[..14 + 64], expected.bytes[..14 + 64]);
        assert!(frames[0].bytes.len() == 514 && frames[0].bytes[14 + 64..].iter().all(|byte| *byte == 0));
        assert_eq!(frames[1], next.expected());
    }
}

#[test]
fn reset_forgets_what_was_under_way() {
    let mut rng = rng();
    for width in [64, 512] {
        for clocks in 0..40 {
            let mut rig = Rig::new(width);
            for _ in 0..5 {
                let length = rng.random_range(0..300);
                let forward = rng.random();
                rig.add(&Job::random(length, forward, &mut rng), &mut rng);
            }
            for _ in 0..clocks {
                rig.clock(&[0.9; 4 + PORTS], &mut rng);
            }
            let m = rig.m;
            let mut fresh = Rig { m, ..Rig::new(width) };
            reset(&mut fresh.m);
            let jobs: Vec<Job> = (0..5).map(|i| Job::random(40 * i, i % 2 == 0, &mut rng)).collect();
            fresh.run(&jobs, &FULL_RATE, &mut rng);
        }
    }
}
