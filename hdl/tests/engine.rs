//! The engine's own blocks, and the lint over everything wired together.

use fpgaflow_hdl::engine::{Credits, Engine64};
use fpgaflow_hdl_guard::{Expect, check_block, lint, listing, model, rng};
use rand::RngExt;

#[test]
fn credits_are_clean() {
    check_block("credits", Credits::<6, 7>::default, Expect::rams(0));
}

#[test]
fn credits_never_let_in_more_frames_than_there_is_room_for() {
    const ROOM: u64 = 1 << 3;
    let mut m = model("credits", Credits::<3, 4>::default());
    let [reset, taken, returned, credit] = ["reset", "taken", "returned", "credit"].map(|name| m.port(name));
    let mut rng = rng();
    m.set(reset, 1);
    m.tick();
    m.set(reset, 0);
    let (mut out, mut fullest, mut all_back) = (0_u64, 0, 0);
    for clock in 0..20_000 {
        // Long stretches in which one side is much faster, so that both ends are reached.
        let eager = if clock / 500 % 2 == 0 { 0.9 } else { 0.1 };
        let take = m.get(credit) == 1 && rng.random_bool(eager);
        let give_back = out > 0 && rng.random_bool(1.0 - eager);
        m.set(taken, take.into());
        m.set(returned, give_back.into());
        m.tick();
        out = out + u64::from(take) - u64::from(give_back);
        assert!(out <= ROOM, "clock {clock}: {out} frames are out");
        fullest = fullest.max(out);
        all_back += u64::from(out == 0);
    }
    assert!(fullest >= ROOM - 1, "only {fullest} of {ROOM} places were ever used");
    assert!(all_back > 0, "the frames never all came back");
}

#[test]
fn nothing_in_the_engine_means_two_things() {
    // An engine is made on the stack, every bit of it a byte: more than a test's thread has.
    let lint = || lint::lint(&Engine64::default(), "engine");
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(lint).expect("a thread starts");
    let findings = thread.join().expect("the lint ends");
    assert!(findings.is_empty(), "{}", listing(&findings));
}
