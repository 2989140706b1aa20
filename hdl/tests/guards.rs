//! The source of the whole engine, scanned.

use std::path::Path;

use fpgaflow_hdl_guard::listing;
use fpgaflow_hdl_guard::source::scan_directory;

#[test]
fn no_block_holds_a_trap_that_leaves_no_trace_in_the_syntax_tree() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert!(source.join("prim/fifo.rs").is_file(), "the scan would pass over nothing");
    let found = scan_directory(&source).expect("our own source is readable Rust");
    assert!(found.is_empty(), "\n{}", listing(&found));
}
