//! Every frame gets the first reason that applies, one frame a clock.

use fpgaflow_abi::reason::Reason;
use fpgaflow_hdl::parse::{Layer2Check, Layer3Check, Layer4Check, Parser, Placed};
use fpgaflow_hdl::prelude::Block;
use fpgaflow_hdl_guard::{Expect, check_block, rng};
use rand::RngExt;

use crate::frames::random_frame;
use crate::rig::{Front64, Front512, Rig};

#[test]
fn parser_is_clean() {
    check_block("parser1", Parser::<1>::default, Expect::rams(0));
    check_block("parser4", Parser::<4>::default, Expect::rams(0));
    check_block("layer2_check", Layer2Check::<2>::default, Expect::rams(0));
    check_block("layer3_check", Layer3Check::default, Expect::rams(0));
    check_block("layer4_check", Layer4Check::default, Expect::rams(0));
    check_block("placed", Placed::<16>::default, Expect::rams(0));
    check_block("front64", Front64::default, Expect::rams(0));
    check_block("front512", Front512::default, Expect::rams(0));
}

/// Reasons that a frame of one family can have, behind layer 2.
fn is_possible(reason: Reason, v6: bool) -> bool {
    match reason {
        Reason::IpOptions | Reason::IpChecksum => !v6,
        Reason::IpExtension => v6,
        _ => true,
    }
}

fn random_run(name: &str, dut: impl Block) {
    let mut rng = rng();
    let mut rig = Rig::new(&mut rng, name, dut);
    for index in 0..400_000 {
        if index % 1000 == 0 {
            rig.configure(&mut rng, true);
        }
        let frame = random_frame(&mut rng, &rig.config);
        let bytes = frame.bytes(&mut rng);
        rig.clock(&mut rng, Some((bytes, frame.port)));
    }
    rig.drain(&mut rng);
    println!("{:?}, {:?} fragments to look up", rig.reasons, rig.parts);
    assert!(rig.parts.iter().all(|parts| *parts >= 1000), "{:?} fragments were looked up", rig.parts);
    for reason in Reason::ALL {
        // Of the parser, which are all up to the lookup; a frame that is not IP is of no family.
        let found = matches!(reason, Reason::IpExtension | Reason::Forwarded)
            || (Reason::Arp as u8..=Reason::LookupDisabled as u8).contains(&(*reason as u8));
        for v6 in [false, true] {
            let count = rig.reasons.get(&(reason.name(), v6)).copied().unwrap_or(0);
            let of_no_family = v6 && matches!(reason, Reason::Arp | Reason::NotIp);
            let expected = found && is_possible(*reason, v6) && !of_no_family;
            assert_eq!(count >= 300, expected, "{reason}, IPv6 {v6}: {count} of 400,000");
        }
    }
}

#[test]
fn random_frames_get_the_first_reason_at_one_a_clock_with_64_bit_beats() {
    random_run("front64", Front64::default());
}

#[test]
fn random_frames_get_the_first_reason_at_one_a_clock_with_512_bit_beats() {
    random_run("front512", Front512::default());
}

#[test]
fn frames_with_gaps_between_come_out_with_the_same_gaps() {
    let mut rng = rng();
    let mut rig = Rig::new(&mut rng, "front64", Front64::default());
    for _ in 0..20_000 {
        let frame = rng.random_bool(0.5).then(|| {
            let frame = random_frame(&mut rng, &rig.config);
            (frame.bytes(&mut rng), frame.port)
        });
        rig.clock(&mut rng, frame);
    }
    rig.drain(&mut rng);
}
