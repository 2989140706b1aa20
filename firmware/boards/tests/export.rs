//! What is exported: its ports, its memories, and that tools take it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use fpgaflow_abi::entry::{ENTRY_BITS_V4, ENTRY_BITS_V6};
use fpgaflow_boards::{BOARDS, Board, Export, Family, Memory, Place, Proof, TOP};
use fpgaflow_hdl_guard::synth::check_synth;
use fpgaflow_hdl_guard::{DP16KD, Expect};

/// Every board's export, made once.
fn exports() -> &'static [Export] {
    static EXPORTS: OnceLock<Vec<Export>> = OnceLock::new();
    EXPORTS.get_or_init(|| BOARDS.iter().map(|board| board.export().unwrap_or_else(|error| panic!("{error}"))).collect())
}

/// Runs a tool in `directory`, and gives what it said.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).current_dir(directory).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("run {program}: {error}; on Debian: apt-get install {program}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

/// The pins of a board by name, each with direction and width: written here from the contract, not taken from the engine.
fn pins(board: &Board) -> BTreeMap<String, (&'static str, usize)> {
    let width = usize::from(board.geometry.width_bits);
    let mut pins = BTreeMap::new();
    let mut add = |bus: &str, list: &[(&str, &'static str, usize)]| {
        for (name, direction, bits) in list {
            pins.insert(format!("{bus}{name}"), (*direction, *bits));
        }
    };
    add("", &[("clock", "input", 1), ("reset", "input", 1)]);
    add("irq_", &[("valid", "output", 1), ("vector", "output", 2), ("ready", "input", 1)]);
    for port in 0..board.geometry.ports {
        let beat = |out: &'static str, back: &'static str| {
            [("tdata", out, width), ("tkeep", out, width / 8), ("tlast", out, 1), ("tvalid", out, 1), ("tready", back, 1)]
        };
        add(&format!("s_axis_rx_{port}_"), &beat("input", "output"));
        add(&format!("s_axis_rx_{port}_"), &[("tuser", "input", 1)]);
        add(&format!("m_axis_tx_{port}_"), &beat("output", "input"));
    }
    let master = [
        ("awid", "output", 1),
        ("arid", "output", 1),
        ("awlen", "output", 8),
        ("arlen", "output", 8),
        ("awsize", "output", 3),
        ("arsize", "output", 3),
        ("awburst", "output", 2),
        ("arburst", "output", 2),
        ("wlast", "output", 1),
        ("rlast", "input", 1),
    ];
    add("m_axi_", &master);
    for (bus, ask, answer, address, data) in [("s_axil_", "input", "output", 12, 32), ("m_axi_", "output", "input", 64, 64)] {
        for channel in ["aw", "w", "ar"] {
            add(bus, &[(&format!("{channel}valid"), ask, 1), (&format!("{channel}ready"), answer, 1)]);
        }
        for channel in ["b", "r"] {
            add(
                bus,
                &[
                    (&format!("{channel}valid"), answer, 1),
                    (&format!("{channel}ready"), ask, 1),
                    (&format!("{channel}resp"), answer, 2),
                ],
            );
        }
        add(
            bus,
            &[
                ("awaddr", ask, address),
                ("araddr", ask, address),
                ("wdata", ask, data),
                ("wstrb", ask, data / 8),
                ("rdata", answer, data),
            ],
        );
    }
    pins
}

#[test]
fn an_exported_top_has_exactly_the_pins_of_its_board_as_yosys_sees_them() {
    for export in exports() {
        let directory = tempfile::tempdir().expect("a directory");
        // The top alone: what is behind its ports is not looked at here.
        let (top, _) = export.verilog.split_once("endmodule").expect("there is a module");
        fs::write(directory.path().join("top.v"), format!("{top}endmodule\n")).expect("write the Verilog");
        run(directory.path(), "yosys", &["-q", "-p", "read_verilog top.v; write_json top.json"]);
        let json = fs::read_to_string(directory.path().join("top.json")).expect("read the netlist");
        let netlist: serde_json::Value = serde_json::from_str(&json).expect("yosys writes JSON");
        let ports = netlist["modules"][TOP]["ports"].as_object().expect("the module has ports");
        let found: BTreeMap<String, (&str, usize)> = ports
            .iter()
            .map(|(name, port)| {
                let direction = port["direction"].as_str().expect("a port has a direction");
                (name.clone(), (direction, port["bits"].as_array().expect("a port has bits").len()))
            })
            .collect();
        assert_eq!(found, pins(&export.board), "{}", export.board.name);
    }
}

/// What an export names and does not have: the block RAM of its device, for which there is a model.
fn blocks(export: &Export) -> &'static str {
    if export.board.device.family == Family::Ecp5 { DP16KD } else { "" }
}

/// Memories of an export that synthesis is to infer: all but the blocks of an ECP5, which are named.
fn inferred(export: &Export) -> Vec<&Memory> {
    let is_named = |memory: &Memory| export.board.device.family == Family::Ecp5 && export.board.place_of(memory) == Place::Block;
    export.memories.iter().filter(|memory| !is_named(memory)).collect()
}

#[test]
fn an_exported_top_is_clean_to_verilator() {
    for export in exports() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("top.v"), format!("{}{}", export.verilog, blocks(export))).expect("write the Verilog");
        // Widths and loops through parts of a vector are rust-hdl's business, whose guards look at them; every other warning is an error.
        let quiet = ["-Wno-WIDTH", "-Wno-UNOPTFLAT", "-Wno-CASEINCOMPLETE"];
        let said = run(directory.path(), "verilator", &[&["--lint-only"], &quiet[..], &["--top-module", TOP, "top.v"]].concat());
        assert_eq!(said, "", "{}", export.board.name);
    }
}

/// Words of the identity registers, of which yosys makes a memory that is only read.
const ROM_BITS: usize = 16 * 32;

#[test]
fn yosys_finds_no_latch_and_the_memories_of_the_account() {
    for export in exports() {
        let memories = inferred(export);
        let bits: usize = memories.iter().map(|memory| memory.bits()).sum();
        let planned = Expect::rams(memories.len() + 1).with_bits(bits + ROM_BITS);
        let black_boxes = if blocks(export).is_empty() { String::new() } else { format!("(* blackbox *)\n{}", blocks(export)) };
        let text = export.verilog.clone() + &black_boxes;
        check_synth(&text, TOP, planned).unwrap_or_else(|error| panic!("{}: {error}", export.board.name));
    }
}

#[test]
fn every_device_holds_the_memories_of_its_board() {
    for export in exports() {
        let (used, device) = (export.used(), export.board.device);
        println!("{}: {used:?} of {device:?}", export.board.name);
        assert!(used.fits(&device), "{}: {used:?} of {device:?}", export.board.name);
        assert_eq!(export.verilog.matches("ram_style").count(), inferred(export).len(), "every memory has a place");
        // Blocks that are named: loops of so many.
        let named: usize = export
            .verilog
            .split("genvar i;")
            .skip(1)
            .map(|text| {
                let (_, bound) = text.split_once("i < ").expect("a loop has a bound");
                bound.split(';').next().and_then(|bound| bound.parse::<usize>().ok()).expect("a bound is a number")
            })
            .sum();
        assert_eq!(named, if blocks(export).is_empty() { 0 } else { used.blocks }, "{}: the account", export.board.name);
    }
}

/// Bits of the counters of an entry.
const COUNTER_BITS: usize = 152;

/// How many copies of them there are: at 512 bits one for the counts and one for requests.
fn counter_copies(board: &Board) -> usize {
    if board.geometry.width_bits == 512 { 2 } else { 1 }
}

#[test]
fn what_is_said_not_to_fit_does_not() {
    let blocks = |width, words, place| Memory { path: String::new(), width, words, lut: false }.blocks(place);
    let counters = |words| blocks(COUNTER_BITS, words, Place::Block);
    for export in exports() {
        let counted = export.memories.iter().filter(|memory| memory.path.contains("counters") && memory.width == COUNTER_BITS);
        assert_eq!(counted.count(), 2 * counter_copies(&export.board), "two families");
    }
    let says = |name: &str, figure: &str| {
        let board = Board::find(name).expect("the board exists");
        let said = board.proofs.iter().any(|proof| matches!(proof, Proof::NotDone(what) if what.contains(figure)));
        assert!(said, "{name}: {figure}");
    };
    let with = |words| blocks(ENTRY_BITS_V4, words, Place::Block) + counters(words);
    let ecp5 = exports().iter().find(|export| export.board.name == "ecp5-45f").expect("the board exists");
    let rest = ecp5.used().blocks - with(ecp5.board.geometry.entries_v4 as usize);
    assert!(with(4096) + rest > ecp5.board.device.blocks, "they would fit");
    says("ecp5-45f", &format!("{} blocks of 108, and the rest takes {rest}", with(4096)));
    let entries = blocks(ENTRY_BITS_V4, 32768, Place::Ultra) + blocks(ENTRY_BITS_V6, 8192, Place::Ultra);
    says("kcu3p", &format!("{entries} UltraRAM blocks of 48, counters {} of 720", 2 * (counters(32768) + counters(8192))));
}

#[test]
fn every_bus_has_its_attributes_for_the_packager() {
    for export in exports() {
        let board = &export.board;
        let (wrapper, _) = export.verilog.split_once("endmodule").expect("the wrapper comes first");
        let mut buses = Vec::new();
        for port in 0..board.geometry.ports {
            buses.push(format!("s_axis_rx_{port}"));
        }
        for port in 0..board.geometry.ports {
            buses.push(format!("m_axis_tx_{port}"));
        }
        buses.extend(["s_axil".to_owned(), "m_axi".to_owned()]);
        let clock = format!("ASSOCIATED_BUSIF {}, ASSOCIATED_RESET reset, FREQ_HZ {}", buses.join(":"), board.geometry.clock_hz);
        assert!(wrapper.contains(&clock), "{}: {wrapper}", board.name);
        assert!(wrapper.contains("XIL_INTERFACENAME reset, POLARITY ACTIVE_HIGH"), "{}", board.name);
        for bus in &buses {
            assert_eq!(wrapper.matches(&format!("XIL_INTERFACENAME {bus},")).count(), 1, "{}: {bus}", board.name);
            let pins = pins(board).into_keys().filter(|pin| pin.rsplit_once('_').is_some_and(|(of, _)| of == bus)).count();
            assert_eq!(wrapper.matches(&format!(":1.0 {bus} ")).count(), pins, "{}: {bus}", board.name);
        }
    }
}

#[test]
fn a_page_says_every_pin_and_every_memory() {
    for export in exports() {
        let page = export.page();
        for pin in pins(&export.board).keys() {
            assert!(page.contains(&format!("| `{pin}` |")), "{}: {pin}", export.board.name);
        }
        for memory in &export.memories {
            assert!(page.contains(&format!("| `{}` | {} | {} |", memory.path, memory.width, memory.words)), "{}", memory.path);
        }
    }
}

#[test]
fn a_block_is_found_by_its_path_and_a_wrong_name_is_told_with_those_that_are_there() {
    let export = &exports()[0];
    let block = export.block("datapath.flows").expect("every engine has it");
    assert!(block.module.ends_with("_datapath_flows"), "{}", block.module);
    assert_eq!(block.ports.iter().filter(|port| port.name == "clock").count(), 1);
    let error = export.block("datapath.flow").expect_err("there is no such block").to_string();
    assert!(error.contains("\"flow\"") && error.contains("flows"), "{error}");
}
