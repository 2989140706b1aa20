//! The hand-written blocks of fragments: rust-hdl's simulator against Verilator, both against arrays.

use fpgaflow_abi::fragment::{ROW_BITS, ROWS};
use fpgaflow_hdl::fragment::{Bindings, Outcomes};
use fpgaflow_hdl_guard::{Bench, Expect, check_block, model, rng};
use rand::RngExt;

/// Bits of an entry reference here.
const REF: usize = 5;

#[test]
fn bindings_and_outcomes_are_clean_and_have_no_memory() {
    check_block("bindings", Bindings::<REF>::default, Expect::rams(0));
    check_block("outcomes", Outcomes::<ROW_BITS>::default, Expect::rams(0));
}

/// A row by the contract.
#[derive(Clone, Copy, Default)]
struct Row {
    live: bool,
    entry: u64,
    bound: bool,
}

#[test]
fn a_row_is_live_until_it_is_closed_forgotten_or_its_entry_is_written() {
    let mut rng = rng();
    let mut verilog = model("bindings", Bindings::<REF>::default());
    let mut rust = Bench::new(Bindings::<REF>::default(), |dut| &mut dut.clock);
    let port = |name| verilog.port(name);
    let [forget, row, change_row, open, close, live] = ["forget", "row", "change_row", "open", "close", "live"].map(port);
    let [tie_row, tie, tie_matched, tie_entry] = ["tie_row", "tie", "tie_matched", "tie_entry"].map(port);
    let [written, written_entry] = ["written", "written_entry"].map(port);
    let mut rows = [Row::default(); ROWS];
    let (mut opened, mut killed) = (None, 0);
    for clock in 0..50_000 {
        // Few rows and entries, so that they meet.
        let at: usize = if rng.random_bool(0.8) { rng.random_range(0..3) } else { rng.random_range(0..1 << ROW_BITS) };
        let looked = if rng.random_bool(0.5) { at } else { rng.random_range(0..ROWS) };
        let is_forgotten = rng.random_bool(0.001);
        let opens = !is_forgotten && rng.random_bool(0.4);
        let closes = !opens && rng.random_bool(0.2);
        // A row is tied in the clock of its opening or in the one behind, and in no other.
        let at_once = opened.is_none() && opens && rng.random_bool(0.3);
        let tied_row = if at_once { Some(at) } else { opened };
        let tied = tied_row.unwrap_or_else(|| rng.random_range(0..3));
        let (matched, tied_entry) = (rng.random_bool(0.8), rng.random_range(0..1_u64 << REF));
        let (writes, write) = (rng.random_bool(0.5), rng.random_range(0..1_u64 << REF));
        for (port, value) in [
            (forget, is_forgotten.into()),
            (row, looked as u64),
            (change_row, at as u64),
            (open, opens.into()),
            (close, closes.into()),
            (tie_row, tied as u64),
            (tie, tied_row.is_some().into()),
            (tie_matched, matched.into()),
            (tie_entry, tied_entry),
            (written, writes.into()),
            (written_entry, write),
        ] {
            verilog.set(port, value);
        }
        rust.dut.forget.next = is_forgotten;
        rust.dut.row.next = (looked as u64).into();
        rust.dut.change_row.next = (at as u64).into();
        rust.dut.open.next = opens;
        rust.dut.close.next = closes;
        rust.dut.tie_row.next = (tied as u64).into();
        rust.dut.tie.next = tied_row.is_some();
        rust.dut.tie_matched.next = matched;
        rust.dut.tie_entry.next = tied_entry.into();
        rust.dut.written.next = writes;
        rust.dut.written_entry.next = write.into();
        verilog.eval();
        rust.settle();
        assert_eq!(verilog.get(live) == 1, rows[looked].live, "clock {clock}, Verilog");
        assert_eq!(rust.dut.live.val(), rows[looked].live, "clock {clock}, Rust");

        for (i, row) in rows.iter_mut().enumerate() {
            let is_tied = tied_row == Some(i);
            if writes && row.bound && row.entry == write && !is_tied && row.live {
                row.live = false;
                killed += 1;
            }
        }
        if let Some(tied) = tied_row {
            (rows[tied].bound, rows[tied].entry) = (matched, tied_entry);
        }
        if opens || closes {
            rows[at].live = opens;
        }
        if is_forgotten {
            rows.iter_mut().for_each(|row| row.live = false);
        }
        opened = (opens && !at_once).then_some(at);
        verilog.tick();
        rust.tick();
    }
    assert!(killed > 500, "{killed} rows lost their flow");
}

#[test]
fn a_row_is_allowed_as_was_decided_last() {
    let mut rng = rng();
    let mut verilog = model("outcomes", Outcomes::<ROW_BITS>::default());
    let mut rust = Bench::new(Outcomes::<ROW_BITS>::default(), |dut| &mut dut.clock);
    let [row, decided, forwarded, allowed] = ["row", "decided", "forwarded", "allowed"].map(|name| verilog.port(name));
    let mut rows = [false; ROWS];
    for clock in 0..10_000 {
        let (at, decides, forwards) = (rng.random_range(0..ROWS), rng.random::<bool>(), rng.random::<bool>());
        verilog.set(row, at as u64);
        verilog.set(decided, decides.into());
        verilog.set(forwarded, forwards.into());
        rust.dut.row.next = (at as u64).into();
        rust.dut.decided.next = decides;
        rust.dut.forwarded.next = forwards;
        verilog.eval();
        rust.settle();
        assert_eq!((verilog.get(allowed) == 1, rust.dut.allowed.val()), (rows[at], rows[at]), "clock {clock}");
        if decides {
            rows[at] = forwards;
        }
        verilog.tick();
        rust.tick();
    }
}
