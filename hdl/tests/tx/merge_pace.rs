//! How fast `Merge` is: clocks, not bytes.

use fpgaflow_hdl::tx::Merge;
use fpgaflow_hdl_guard::rng;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::merge::{FULL_RATE, Job, PORTS, Rig};

/// Puts `jobs` through at full rate; gives the clocks from the first beat out to the last and the beats out.
fn pace(width: usize, jobs: &[Job], rng: &mut ChaCha8Rng) -> (usize, usize) {
    let mut rig = Rig::new(width);
    for job in jobs {
        rig.add(job, rng);
    }
    let expected: usize = jobs.iter().map(|job| job.expected().bytes.len().div_ceil(width / 8)).sum();
    let (mut beats, mut clocks) = (0, 0);
    while beats < expected {
        let frames = rig.clock(&FULL_RATE, rng);
        // After the clock: what is valid now moves in the next one.
        beats += usize::from(rig.outputs.iter().any(|output| output.is_valid(&rig.m)));
        clocks += usize::from(beats > 0);
        assert!(clocks <= 2 * expected + 100, "{beats} of {expected} beats after {clocks} clocks");
        drop(frames);
    }
    (clocks, beats)
}

fn exactly(body: usize, ip_length: usize, forward: bool, rng: &mut ChaCha8Rng) -> Job {
    let mut job = Job::random(body, forward, rng);
    if job.reason == 0 {
        job.ip_length = ip_length;
        job.udp = true;
    }
    job
}

#[test]
fn shortest_frames_leave_without_a_bubble() {
    let mut rng = rng();
    for (width, beats_a_frame) in [(64, 8), (512, 1)] {
        let jobs: Vec<Job> = (0..200).map(|_| exactly(46, 46, true, &mut rng)).collect();
        assert_eq!(pace(width, &jobs, &mut rng), (200 * beats_a_frame, 200 * beats_a_frame));
        // The shortest packet, and the padding that came with it.
        let jobs: Vec<Job> = (0..200).map(|_| exactly(46, 28, true, &mut rng)).collect();
        assert_eq!(pace(width, &jobs, &mut rng), (200 * beats_a_frame, 200 * beats_a_frame));
    }
}

#[test]
fn frames_of_every_length_leave_without_a_bubble() {
    let mut rng = rng();
    for width in [64, 512] {
        for body in 0..=200 {
            let jobs: Vec<Job> = (0..12).map(|_| exactly(body, body, body >= 40, &mut rng)).collect();
            let (clocks, beats) = pace(width, &jobs, &mut rng);
            assert_eq!(clocks, beats, "{width} bits, {body} bytes");
        }
    }
}

#[test]
fn frames_of_mixed_lengths_leave_without_a_bubble() {
    let mut rng = rng();
    for width in [64, 512] {
        let mut jobs = vec![];
        while jobs.len() < 2000 {
            let body = rng.random_range(0..300);
            let forward = rng.random_bool(0.7);
            let job = Job::random(body, forward, &mut rng);
            // What comes in faster than it goes out cannot leave without a bubble.
            if body.div_ceil(width / 8) <= job.expected().bytes.len().div_ceil(width / 8) {
                jobs.push(job);
            }
        }
        let (clocks, beats) = pace(width, &jobs, &mut rng);
        assert_eq!(clocks, beats, "{width} bits");
    }
}

#[test]
fn the_first_beat_leaves_after_the_stated_latency() {
    let mut rng = rng();
    for (width, latency) in [(64, Merge::<64, PORTS>::LATENCY), (512, Merge::<512, PORTS>::LATENCY)] {
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
