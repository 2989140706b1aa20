//! Faults of the card's bus and of the card itself.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use fpgaflow_abi::descriptor::Ring;
use fpgaflow_abi::regs;
use fpgaflow_driver::dma::DmaBuffer;
use fpgaflow_driver::transport::Transport;
use fpgaflow_sync::datapath::CardStatus;
use fpgaflow_tests::Fault;

use crate::campaign::{Campaign, NOTICED_WITHIN, config};

#[test]
fn a_card_that_is_pulled_reads_all_ones_and_is_taken_back_when_it_is_plugged_in() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::AllOnes);
    let noticed = campaign.wait_until_absent(&before);
    println!("noticed after {} ms", noticed.as_millis());
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    // While it is gone the daemon follows what happens: the flow stays known.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(campaign.lab.handle.snapshot().in_card, 1, "the flow keeps its place");
    campaign.faulty.mend();
    let frames = campaign.recovers("all-ones reads", &before);
    assert_eq!((frames.absences, frames.recoveries), (1, 0));
}

#[test]
fn another_card_in_its_place_is_told_nothing() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::AllOnes);
    campaign.wait_until_absent(&before);
    campaign.faulty.break_by(Fault::AnotherCard);
    // Time for a few attempts.
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(campaign.lab.handle.card_status(), CardStatus::Absent);
    let lookup = campaign.card.card().read_register(regs::FLOW_CTRL).unwrap();
    assert_eq!(lookup, 0, "it looks frames up in tables that are not for it");
    campaign.faulty.mend();
    let frames = campaign.recovers("another card in its place", &before);
    assert_eq!((frames.absences, frames.recoveries), (1, 0));
}

#[test]
fn a_flow_that_ends_while_the_card_is_gone_is_not_in_the_card_that_comes_back() {
    let campaign = Campaign::new(config());
    let (mut near, mut far) = campaign.lab.tcp();
    near.write_all(b"hello").unwrap();
    far.read_exact(&mut [0; 5]).unwrap();
    // A connection is to be known from its beginning.
    campaign.lab.router.sysctl("netfilter/nf_conntrack_tcp_loose", "0").unwrap();
    campaign.lab.wait_for("both flows in the card", |snapshot| snapshot.in_card == 2);
    let before = campaign.before();
    campaign.faulty.break_by(Fault::AllOnes);
    campaign.wait_until_absent(&before);
    campaign.lab.router.command("conntrack -D -p tcp --dport 443").unwrap();
    campaign.lab.wait_for("one flow to be forgotten", |snapshot| snapshot.in_card == 1);
    campaign.faulty.mend();
    campaign.lab.wait_until("the card to be back", || campaign.lab.handle.card_status() == CardStatus::Attached);
    campaign.wait_until_the_card_forwards();
    // A card that still had the flow would forward this past conntrack, which knows nothing of it any more.
    near.write_all(b"ghost").unwrap();
    campaign.lab.wait_until("the ghost to be refused", || campaign.lab.invalid_packets() > 0);
    far.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(far.read(&mut [0; 5]).is_err(), "a flow that has ended is forwarded");
    // What TCP tries again is refused as before, and no longer counted.
    let rules = "flush chain ip t forward
        add rule ip t forward meta l4proto tcp ct state invalid drop
        add rule ip t forward ct state invalid counter drop";
    campaign.lab.router.pipe("nft -f -", rules).unwrap();
    campaign.recovers("flow that ends while the card is gone", &before);
}

#[test]
fn register_accesses_that_time_out_lose_no_flow() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::TimesOut);
    let noticed = campaign.wait_until_absent(&before);
    println!("noticed after {} ms", noticed.as_millis());
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    campaign.faulty.mend();
    campaign.recovers("register accesses that time out", &before);
}

#[test]
fn a_function_reset_behind_the_drivers_back_is_noticed_and_everything_told_again() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.card.reset().unwrap();
    let noticed = campaign.wait_until_noticed(&before);
    println!("noticed after {} ms", noticed.as_millis());
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    let frames = campaign.recovers("function reset behind the driver's back", &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 1));
}

#[test]
fn a_card_that_stops_consuming_commands_is_reset_and_told_everything_again() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::LosesCommands);
    campaign.wait_until_noticed(&before);
    let frames = campaign.recovers("commands not consumed", &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 1));
}

#[test]
fn a_card_that_never_takes_commands_passes_its_frames_to_the_host_until_it_takes_them_again() {
    let mut config = config();
    config.datapath.card_rest_s = 3;
    let campaign = Campaign::new(config);
    let before = campaign.before();
    campaign.faulty.break_by(Fault::NeverTakesCommands);
    campaign.lab.wait_until("the card to rest", || campaign.lab.handle.card_status() == CardStatus::Resting);
    let resting = campaign.before();
    let (software, answers) = (campaign.lab.handle.frames().software, campaign.echo.answers());
    campaign.lab.wait_until("the stream by the host", || {
        let frames = campaign.lab.handle.frames();
        frames.software > software && campaign.echo.answers() > answers + 100
    });
    assert_eq!(campaign.lab.handle.card_status(), CardStatus::Resting);
    println!("card that never takes commands: longest silence {} ms", campaign.echo.longest_silence(resting.at()).as_millis());
    assert_eq!((campaign.recoveries(&before), campaign.absences(&before)), (4, 0));
    campaign.faulty.mend();
    campaign.recovers("card that took no commands", &before);
}

#[test]
fn a_card_that_stops_producing_completions_is_reset() {
    let campaign = Campaign::new(config());
    let decoy = Arc::new(DmaBuffer::new(1 << 20).unwrap());
    let elsewhere = campaign.card.dma_map(&decoy).unwrap();
    let before = campaign.before();
    {
        let mut card = campaign.card.card();
        card.write_register(regs::ring(regs::RING_BASE_HI, Ring::Completion), (elsewhere.0 >> 32) as u32).unwrap();
        card.write_register(regs::ring(regs::RING_BASE_LO, Ring::Completion), elsewhere.0 as u32).unwrap();
    }
    campaign.wait_until_noticed(&before);
    let frames = campaign.recovers("completions not produced", &before);
    assert!(frames.recoveries >= 1 && frames.absences == 0, "{frames:?}");
}

#[test]
fn a_producer_counter_that_jumps_executes_nothing_that_was_not_written() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.faulty.break_by(Fault::DoorbellJumps(9));
    campaign.wait_until_noticed(&before);
    let frames = campaign.recovers("producer counter that jumps", &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 1));
}

#[test]
fn bus_errors_of_dma_are_reported_and_the_card_reset() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.card.card().set_bus_master(false);
    let noticed = campaign.wait_until_noticed(&before);
    println!("noticed after {} ms", noticed.as_millis());
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    assert!(campaign.card.card().bus_faults() > 0, "the bus refused nothing");
    campaign.card.card().set_bus_master(true);
    campaign.recovers("bus errors of DMA", &before);
}

#[test]
fn interrupts_that_are_lost_cost_time_and_nothing_else() {
    let mut config = config();
    // Without interrupts only the longest sleep brings the daemon back to its rings.
    config.datapath.busy_poll_us = 0;
    let campaign = Campaign::new(config);
    let before = campaign.before();
    campaign.card.connect_interrupts(Vec::new()).unwrap();
    // What goes to the router itself is punted, and so needs the daemon both ways.
    let pinged = campaign.lab.client.command("ping -c 5 -i 0.2 -W 2 192.0.2.1").unwrap();
    assert!(pinged.contains(" 0% packet loss"), "{pinged}");
    assert_eq!((campaign.recoveries(&before), campaign.absences(&before)), (0, 0));
    let frames = campaign.recovers("interrupts lost", &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 0));
}
