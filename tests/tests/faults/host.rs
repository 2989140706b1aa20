//! Faults of the host.

use std::time::{Duration, Instant};

use fpgaflow_tests::Fault;

use crate::campaign::{Campaign, config};

#[test]
fn a_tap_device_that_is_deleted_takes_only_its_port_along() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.lab.router.command("ip link del fpga1").unwrap();
    campaign.lab.wait_for("the flow to leave the card", |snapshot| snapshot.in_card == 0);
    let pinged = campaign.lab.client.command("ping -c 5 -i 0.2 -W 2 192.0.2.1").unwrap();
    assert!(pinged.contains(" 0% packet loss"), "{pinged}");
    assert!(!campaign.lab.daemon_has_ended());
    assert_eq!((campaign.recoveries(&before), campaign.absences(&before)), (0, 0));
    println!("TAP device deleted: its flow left the card, the other port goes on");
    campaign.finish();
}

#[test]
fn a_daemon_that_is_ended_while_its_card_is_gone_ends() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::AllOnes);
    campaign.wait_until_absent(&before);
    let asked = Instant::now();
    // It checks that conntrack still has the connection, and that the daemon ends without an error.
    let frames = campaign.finish();
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert_eq!(frames.absences, 1);
}
