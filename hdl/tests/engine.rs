//! The engine's own blocks, and the lint over everything wired together.

use fpgaflow_abi::geometry::MAX_FRAME_BYTES;
use fpgaflow_hdl::emit::emit;
use fpgaflow_hdl::engine::{Credits, Engine64, Engine512, GEOMETRY_64, GEOMETRY_512, Tables, sizes};
use fpgaflow_hdl_guard::{Expect, check_block, lint, listing, model, rng};
use rand::RngExt;

fpgaflow_hdl::engine! {
    /// One port, 64 bits: the smallest.
    mod engine64x1 = Tables::COSIMULATED.geometry(64, 1);
}

fpgaflow_hdl::engine! {
    /// Four ports, 512 bits: the largest.
    mod engine512x4 = Tables::COSIMULATED.geometry(512, 4);
}

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

/// Does `work` on a stack that an engine fits: it is made there, every bit of it a byte, and a test's thread has less.
fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(64 << 20).spawn(work).expect("a thread starts").join().expect("the work ends")
}

#[test]
fn nothing_in_the_engine_means_two_things() {
    let findings = on_a_large_stack(|| lint::lint(&Engine64::default(), "engine"));
    assert!(findings.is_empty(), "{}", listing(&findings));
}

#[test]
fn nothing_in_an_engine_of_one_port_means_two_things() {
    let findings = on_a_large_stack(|| lint::lint(&engine64x1::Engine::default(), "engine"));
    assert!(findings.is_empty(), "{}", listing(&findings));
}

#[test]
fn nothing_in_the_largest_engine_means_two_things() {
    let findings = on_a_large_stack(|| lint::lint(&engine512x4::Engine::default(), "engine"));
    assert!(findings.is_empty(), "{}", listing(&findings));
}

/// A fault that no longer fits the block that it is of would be noticed only by `cargo xtask mutate`, which is run by hand.
#[test]
fn every_fault_of_the_list_fits_the_engine() {
    let emitted = on_a_large_stack(|| {
        let narrow = emit(Engine64::default(), "engine").expect("it can be emitted");
        narrow + &emit(Engine512::default(), "engine").expect("it can be emitted")
    });
    let lost: Vec<String> = fpgaflow_faults::list()
        .expect("the list can be read")
        .into_iter()
        .filter(|fault| !emitted.contains(&fault.find))
        .map(|fault| format!("{}: {}", fault.block, fault.name))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn what_follows_from_a_geometry_is_what_its_blocks_need() {
    assert_eq!(GEOMETRY_64.max_frame_bytes, MAX_FRAME_BYTES);
    assert_eq!((GEOMETRY_64.stash, GEOMETRY_64.slots()), (9, 8192), "8 slots, and one for every 8,192 of the table");
    // 1,129 beats of 8 bytes and 142 of 64, and what is under way.
    assert_eq!((sizes::store_aw(&GEOMETRY_64, 64), sizes::store_aw(&GEOMETRY_512, 512)), (11, 8));
    // 256 of the shortest frames fit the stores: of eight beats of 8 bytes, or one of 64. The host's beats have 8 bytes at both widths.
    assert_eq!((sizes::frames_in_store_aw(11, 64), sizes::frames_in_store_aw(8, 512)), (8, 8));
    assert_eq!((sizes::host_frames_aw(11, 64), sizes::host_frames_aw(11, 512)), (8, 11));
    assert_eq!((sizes::frames_aw(64), sizes::frames_aw(512)), (4, 6));
    assert_eq!((sizes::seldom_counters(64), sizes::seldom_counters(512)), (1, 0));
    assert_eq!((sizes::entry_ref_bits(&GEOMETRY_64), sizes::slot_bits(&GEOMETRY_64)), (14, 33));
}
