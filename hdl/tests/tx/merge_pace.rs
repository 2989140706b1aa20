//! How fast `Merge` is: clocks, not bytes.

use fpgaflow_abi::wire;
use fpgaflow_hdl::tx::{Merge, NarrowMerge};
use fpgaflow_hdl_guard::rng;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::job::{Job, Kind, L2_LENGTHS, Layer4, PORTS, random_encaps};
use crate::merge_rig::{FULL_RATE, Rig};
use crate::support::random_bytes;

/// Puts `jobs` through an empty merge at full rate; gives the clocks from the first beat out to the last and the beats out.
fn pace(rig: &mut Rig, width: usize, jobs: &[Job], rng: &mut ChaCha8Rng) -> (usize, usize) {
    for job in jobs {
        rig.add(job, rng);
    }
    let expected: usize = jobs.iter().map(|job| job.expected().bytes.len().div_ceil(width / 8)).sum();
    let (mut beats, mut clocks) = (0, 0);
    let mut frames = vec![];
    while frames.len() < jobs.len() {
        frames.extend(rig.clock(&FULL_RATE, rng));
        // After the clock: what is valid now moves in the next one.
        let moves = rig.outputs.iter().any(|output| output.is_valid(&rig.m));
        beats += usize::from(moves);
        clocks += usize::from(beats > 0 && frames.len() < jobs.len());
        assert!(clocks <= 2 * expected + 100, "{beats} of {expected} beats after {clocks} clocks");
    }
    for (frame, job) in frames.iter().zip(jobs) {
        assert!(*frame == job.expected(), "{frame:02x?} for {job:02x?}");
    }
    (clocks, beats)
}

fn udp(body: usize, ip_length: usize, rng: &mut ChaCha8Rng) -> Job {
    let mut job = Job::random(body, true, rng);
    (job.kind, job.ip_length) = (Kind { v6: false, layer4: Layer4::Udp, fragment: false }, ip_length);
    job
}

#[test]
fn shortest_frames_leave_without_a_bubble() {
    let mut rng = rng();
    for (width, beats_a_frame) in [(64, 8), (512, 1)] {
        let mut rig = Rig::new(width);
        let mut frames = |body, ip_length| {
            let mut jobs: Vec<Job> = (0..200).map(|_| udp(body, ip_length, &mut rng)).collect();
            // With any header that keeps the frame at 64 bytes.
            for job in &mut jobs {
                while job.header().len() + ip_length > 64 {
                    job.encap = random_encaps(&mut rng)[0];
                }
            }
            assert_eq!(pace(&mut rig, width, &jobs, &mut rng), (200 * beats_a_frame, 200 * beats_a_frame));
        };
        frames(46, 46);
        frames(50, 50);
        // The shortest packet, and the padding that came with it.
        frames(46, 28);
        frames(30, 28);
    }
}

/// Frames as long out as in, a header of every length before and behind: a packet a clock of the shortest at 512 bits.
fn frames_that_keep_their_length(width: usize, lengths: impl Iterator<Item = usize>) {
    let mut rng = rng();
    let mut rig = Rig::new(width);
    for length in lengths {
        let mut jobs: Vec<Job> = (0..12)
            .map(|_| {
                let l2_length = L2_LENGTHS[rng.random_range(0..5)];
                let mut job = Job::random_full(length - l2_length, true, &mut rng);
                while job.is_forwarded() && job.header().len() != l2_length {
                    job.encap = random_encaps(&mut rng)[rng.random_range(0..6)];
                }
                job.l2 = random_bytes(l2_length, &mut rng);
                job
            })
            .collect();
        // One of them is the host's.
        jobs[5] = Job::random(length - 14, false, &mut rng);
        jobs[5].l2.truncate(14);
        let beats = 12 * length.div_ceil(width / 8);
        assert_eq!(pace(&mut rig, width, &jobs, &mut rng), (beats, beats), "{width} bits, {length} bytes");
    }
}

#[test]
fn frames_of_60_to_1518_bytes_leave_without_a_bubble_at_64_bits() {
    frames_that_keep_their_length(64, 60..=1518);
}

#[test]
fn frames_of_60_to_1518_bytes_leave_without_a_bubble_at_512_bits() {
    frames_that_keep_their_length(512, 60..=1518);
}

/// Whatever the header was and becomes, as long as the packet fills what came; at 64 bits of frames that Ethernet allows.
#[test]
fn frames_that_grow_or_shrink_leave_without_a_bubble() {
    let mut rng = rng();
    for (width, shortest) in [(64, wire::MIN_FRAME_BYTES - wire::MAX_L2_BYTES), (512, 0)] {
        let mut rig = Rig::new(width);
        for body in shortest..=200 {
            let jobs: Vec<Job> = (0..12).map(|_| Job::random_full(body, true, &mut rng)).collect();
            let (clocks, beats) = pace(&mut rig, width, &jobs, &mut rng);
            assert_eq!(clocks, beats, "{width} bits, {body} bytes");
        }
    }
}

#[test]
fn frames_of_mixed_lengths_leave_without_a_bubble() {
    let mut rng = rng();
    for width in [64, 512] {
        let jobs: Vec<Job> = (0..4000)
            .map(|_| {
                let forward = rng.random_bool(0.7);
                // As on a wire: padding only in the shortest frames.
                if rng.random() {
                    let body = rng.random_range(30..=46);
                    Job::random(body, forward, &mut rng)
                } else {
                    let body = rng.random_range(46..300);
                    Job::random_full(body, forward, &mut rng)
                }
            })
            .collect();
        let (clocks, beats) = pace(&mut Rig::new(width), width, &jobs, &mut rng);
        assert_eq!(clocks, beats, "{width} bits");
    }
}

/// What follows the packet has to be taken and makes no beat; it costs the clocks in which it came, no more.
#[test]
fn a_frame_with_a_trailer_takes_no_longer_than_it_took_to_come() {
    let mut rng = rng();
    for width in [64, 512] {
        let jobs: Vec<Job> = (0..3000)
            .map(|_| {
                let body = rng.random_range(46..600);
                Job::random(body, true, &mut rng)
            })
            .collect();
        let beats = |bytes: usize| bytes.div_ceil(width / 8);
        let came_or_left: usize =
            jobs.iter().map(|job| beats(job.l2.len() + job.body.len()).max(beats(job.expected().bytes.len()))).sum();
        let (clocks, _) = pace(&mut Rig::new(width), width, &jobs, &mut rng);
        assert!(clocks <= came_or_left, "{width} bits: {clocks} clocks, {came_or_left} beats");
    }
}

#[test]
fn the_first_beat_leaves_after_the_stated_latency() {
    let mut rng = rng();
    for (width, latency) in [(64, NarrowMerge::<PORTS>::LATENCY), (512, Merge::<512, PORTS>::LATENCY)] {
        for forward in [true, false] {
            let mut rig = Rig::new(width);
            rig.add(&Job::random(100, forward, &mut rng), &mut rng);
            for clock in 1..=latency {
                rig.clock(&FULL_RATE, &mut rng);
                let valid = rig.outputs.iter().any(|output| output.is_valid(&rig.m));
                assert_eq!(valid, clock == latency, "{width} bits, clock {clock}");
            }
        }
    }
}
