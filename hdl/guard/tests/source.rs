//! The source scan finds a seeded instance of each trap it is for, and nothing in ordinary Rust.

use std::fs;

use fpgaflow_hdl_guard::Trap;
use fpgaflow_hdl_guard::source::{scan_directory, scan_text};

/// Traps in the body of an `update()`.
fn traps(body: &str) -> Vec<Trap> {
    let text = format!("impl Logic for X {{ #[hdl_gen] fn update(&mut self) {{ {body} }} }}");
    scan_text(&text, "x.rs").expect("the body is Rust").iter().map(|finding| finding.trap).collect()
}

#[test]
fn trap_5_an_inclusive_range_is_found() {
    assert_eq!(traps("for i in 0..=3 { self.y[i].next = self.a[i].val(); }"), [Trap::InclusiveRange]);
    assert_eq!(traps("for i in 0..4 { self.y[i].next = self.a[i].val(); }"), []);
}

#[test]
fn trap_6_a_match_guard_is_found() {
    assert_eq!(traps("match self.s.val() { 1 if self.f.val() => self.y.next = true, _ => {} }"), [Trap::MatchGuard]);
    assert_eq!(traps("match self.s.val() { 1 => self.y.next = true, _ => {} }"), []);
}

#[test]
fn trap_7_a_function_named_like_a_cast_is_found() {
    assert_eq!(traps("self.y.next = bits_reversed(self.a.val());"), [Trap::CastName]);
    assert_eq!(traps("self.y.next = bit_cast_saturating::<8, 16>(self.a.val());"), [Trap::CastName]);
    assert_eq!(traps("self.y.next = BitsOrder::swap(self.a.val());"), [Trap::CastName]);
    assert_eq!(traps("self.y.next = bit_cast::<8, 16>(self.a.val()); self.z.next = bits::<8>(1);"), []);
}

#[test]
fn trap_9_an_array_of_arrays_is_found() {
    let block = "#[derive(LogicBlock)] struct X { way: [[Signal<In, Bit>; 4]; 2] }";
    let found = scan_text(block, "x.rs").expect("Rust");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].trap, Trap::TwoDimensions);
    let plain = "#[derive(Debug)] struct X { table: [[u8; 4]; 2] }";
    assert_eq!(scan_text(plain, "x.rs").expect("Rust"), []);
}

#[test]
fn what_rust_hdl_refuses_is_found_with_its_name() {
    for (body, what) in [
        ("let x = self.a.val(); self.y.next = x;", "`let`"),
        ("self.y.next = if self.f.val() { self.a.val() } else { self.b.val() };", "`if` as a value"),
        ("self.y.next = match self.s.val() { _ => self.a.val() };", "`match` as a value"),
        ("match self.s.val() { 1 | 2 => self.y.next = true, _ => {} }", "a pattern with `|`"),
        ("self.y.next = parity(self.a.val());", "a call of `parity`"),
        ("self.y.next = Self::parity(self.a.val());", "a call of `parity`"),
        ("self.y.next += self.a.val();", "a compound assignment"),
        ("self.y.next = self.a.val() as u8;", "`as`"),
        ("self.y.next = self.a.val() % 3;", "`%`"),
        ("for i in (0..3).rev() { }", ""),
        ("self.y[3] = self.a.val();", "an indexed assignment"),
        ("{ self.y.next = self.a.val(); }", "a bare block"),
        ("if self.f.val() { return; }", "`return`"),
        ("self.y.next.set_bit(3, true);", "`.set_bit()`"),
    ] {
        let text = format!("impl Logic for X {{ #[hdl_gen] fn update(&mut self) {{ {body} }} }}");
        let found = scan_text(&text, "x.rs").expect("the body is Rust");
        if what.is_empty() {
            assert_eq!(found, [], "bounds of a loop are Rust's: {body}");
        } else {
            assert!(found.iter().any(|finding| finding.detail.starts_with(what)), "{body}: {found:?}");
        }
    }
}

#[test]
fn an_index_that_is_no_loop_variable_is_found() {
    assert_eq!(traps("self.y.next = self.a[N - 1].val();"), [Trap::DynamicIndex]);
    assert_eq!(traps("self.y.next = self.a[self.s.val().index()].val();"), [Trap::DynamicIndex]);
    assert_eq!(traps("for i in 1..N { self.y[i].next = self.a[i - 1].val(); }"), []);
}

#[test]
fn ordinary_functions_may_do_what_they_like() {
    let text = "impl X { fn model(&mut self) { let x = table[N % 3] as u8; for i in 0..=3 { self.n += bits_of(i); } } }";
    assert_eq!(scan_text(text, "x.rs").expect("Rust"), []);
}

#[test]
fn a_directory_is_scanned_to_the_bottom_and_findings_name_file_and_line() {
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("scan");
    fs::create_dir_all(root.join("deep")).expect("a directory of ours");
    let text = "impl Logic for X {\n    #[hdl_gen]\n    fn update(&mut self) {\n        for i in 0..=3 {}\n    }\n}\n";
    fs::write(root.join("deep/x.rs"), text).expect("a file of ours");
    let found = scan_directory(&root).expect("the directory is readable");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place, "deep/x.rs:4");
}
