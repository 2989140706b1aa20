//! The engine's Verilog as a board's device wants it: each RAM in the place and by the means that the board chooses. Ports and clocks stay what
//! they are, so it is the engine that is simulated.
//!
//! Texts are found by what `fpgaflow-hdl` says that it emits, line by line, and never by a pattern that could drift from it.

use fpgaflow_hdl::prim::{RamShape, RamVariant, ecp5_blocks};

use crate::boards::{Board, Family};
use crate::memory::{Memory, Place};
use crate::text::{self, Declared};

/// `verilog` for the device of `board`.
///
/// # Errors
/// The first line of a memory that is no RAM of `fpgaflow_hdl::prim`.
pub(crate) fn for_board(verilog: &str, board: &Board) -> Result<String, String> {
    let lines: Vec<&str> = verilog.lines().collect();
    let mut out = String::with_capacity(verilog.len());
    let mut at = 0;
    while at < lines.len() {
        if let Some((shape, length)) = ram(&lines[at..])? {
            let memory = Memory { path: String::new(), width: shape.width, words: shape.words, lut: false };
            indent(&mut out, &shape.body(variant(board, board.place_of(&memory))));
            at += length;
        } else {
            out.push_str(lines[at]);
            out.push('\n');
            at += 1;
        }
    }
    if board.device.family == Family::Ecp5 {
        out.push_str(&ecp5_blocks());
    }
    Ok(out)
}

fn variant(board: &Board, place: Place) -> RamVariant {
    match (board.device.family, place) {
        (Family::Ecp5, Place::Block) => RamVariant::Ecp5,
        _ => RamVariant::Inferred(place.style()),
    }
}

/// The RAM whose text `lines` begin with, and how many lines that is. A memory that asks for lookup tables itself stays as it is.
fn ram(lines: &[&str]) -> Result<Option<(RamShape, usize)>, String> {
    let [first, second, ..] = lines else { return Ok(None) };
    let Some(Declared { width, words, lut: false }) = text::memory(first, second) else { return Ok(None) };
    let found = [false, true].into_iter().find_map(|registered| {
        let shape = RamShape { width, words, registered };
        begins_with(lines, &shape.body(RamVariant::GENERIC)).map(|length| (shape, length))
    });
    found.map(Some).ok_or_else(|| format!("a memory that is no RAM of fpgaflow-hdl: {}", second.trim()))
}

/// The number of lines of `body`, if `lines` begin with them, whatever their indentation and empty lines of either.
fn begins_with(lines: &[&str], body: &str) -> Option<usize> {
    let mut taken = 0;
    for expected in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        taken += lines[taken..].iter().take_while(|line| line.trim().is_empty()).count();
        if lines.get(taken)?.trim() != expected {
            return None;
        }
        taken += 1;
    }
    Some(taken)
}

fn indent(out: &mut String, body: &str) {
    for line in body.lines() {
        out.push_str("    ");
        out.push_str(line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{ALVEO_U50, ECP5_45F};

    fn module(words: usize, registered: bool) -> String {
        let body = RamShape { width: 40, words, registered }.body(RamVariant::GENERIC);
        format!("module a(clock);\n\n{body}endmodule\n")
    }

    #[test]
    fn each_device_has_its_ram() {
        let ecp5 = for_board(&module(512, true), &ECP5_45F).expect("known texts");
        assert_eq!(ecp5.matches("fpgaflow_ebr_36 #(.REGMODE(\"OUTREG\"))").count(), 1, "two blocks of 36 in one loop: {ecp5}");
        assert!(!ecp5.contains("ram_style"), "{ecp5}");
        let shallow = for_board(&module(64, false), &ECP5_45F).expect("known texts");
        assert_eq!(shallow.matches("ram_style = \"distributed\"").count(), 1, "{shallow}");
        let ultra = for_board(&module(4096, true).replace("39:0", "303:0"), &ALVEO_U50).expect("known texts");
        assert_eq!(ultra.matches("ram_style = \"ultra\"").count(), 1, "{ultra}");
    }

    #[test]
    fn a_memory_of_unknown_text_is_refused() {
        let text = module(512, true).replace("if (fresh) ", "");
        let error = for_board(&text, &ALVEO_U50).expect_err("it is not the text of a RAM");
        assert!(error.contains("reg [39:0] mem [0:511];"), "{error}");
    }
}
