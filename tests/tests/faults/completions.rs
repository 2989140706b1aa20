//! Completions that no sane card writes: none is believed, the card is reset, and its flows go on.

use std::time::Duration;

use fpgaflow_tests::Forgery;

use crate::campaign::{Campaign, config};

/// Forges until the daemon has seen one: the card may write over a forgery before that.
fn is_not_believed(fault: &str, forgery: Forgery) {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    campaign.lab.wait_until("a forgery to be seen", || {
        campaign.faulty.forge(forgery);
        std::thread::sleep(Duration::from_millis(5));
        campaign.recoveries(&before) > 0
    });
    let frames = campaign.recovers(fault, &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 1));
}

#[test]
fn a_completion_with_a_bad_crc() {
    is_not_believed("completion with a bad CRC", Forgery::BadCrc);
}

#[test]
fn a_completion_with_a_wrong_cookie() {
    is_not_believed("completion with a wrong cookie", Forgery::WrongCookie);
}

#[test]
fn a_completion_with_a_length_beyond_the_buffer() {
    is_not_believed("completion with a length beyond the buffer", Forgery::LengthBeyondBuffer);
}

#[test]
fn a_completion_whose_consumer_is_beyond_the_producer() {
    is_not_believed("consumer beyond producer", Forgery::ConsumerBeyondProducer);
}

#[test]
fn a_completion_of_a_kind_that_does_not_exist() {
    is_not_believed("completion of an unknown kind", Forgery::UnknownKind);
}

#[test]
fn a_completion_from_a_port_that_does_not_exist() {
    is_not_believed("completion from an unknown port", Forgery::UnknownPort);
}

#[test]
fn a_completion_with_a_reason_that_does_not_exist() {
    is_not_believed("completion with an unknown reason", Forgery::UnknownReason);
}

#[test]
fn a_completion_of_the_wrong_phase_is_as_good_as_none() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    let answers = campaign.echo.answers();
    for _ in 0..100 {
        campaign.faulty.forge(Forgery::OutOfTurn);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(campaign.echo.answers() > answers, "the stream goes on");
    let frames = campaign.recovers("completion of the wrong phase", &before);
    assert_eq!((frames.absences, frames.recoveries), (0, 0));
}
