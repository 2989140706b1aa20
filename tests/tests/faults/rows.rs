//! Rows of the card's tables that go bad: no fault of the card, and mended without a reset.

use fpgaflow_abi::key::Family;
use fpgaflow_abi::regs::TableRow;
use fpgaflow_abi::slot::EntryRef;

use crate::campaign::{Campaign, config};

#[test]
fn entries_that_go_bad_are_written_anew_and_the_stream_goes_on() {
    let campaign = Campaign::new(config());
    let before = campaign.before();
    // The stream is the first flow of the card: both of its directions.
    let [there, back] = [0, 1].map(|index| TableRow::Entry(EntryRef::of(Family::V4, index)));
    for (flips, (row, bit)) in (1..).zip([(there, 0), (back, 200), (there, 305), (back, 17)]) {
        campaign.card.card().flip(row, bit).unwrap();
        campaign.lab.wait_until("the row to be mended", || campaign.lab.handle.frames().repairs == flips);
        campaign.wait_until_the_card_forwards();
    }
    let frames = campaign.recovers("four bad rows", &before);
    assert_eq!((frames.repairs, frames.recoveries, frames.absences), (4, 0, 0));
}
