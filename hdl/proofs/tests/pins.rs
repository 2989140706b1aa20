//! Every pin of the engine comes straight from a block whose handshake is proven: nothing in between could break it.

use std::collections::BTreeMap;

use fpgaflow_hdl::emit::emit;
use fpgaflow_hdl::engine::Engine64;
use fpgaflow_proofs::properties;

const TOP: &str = "engine";
/// Pins, the ends of the names of the modules that drive them, and the property about them; none for constants and for a
/// ready, which may fall.
const DRIVERS: [(&str, &str, Option<&str>); 12] = [
    ("s_axis_rx_", "_rx_N", None),
    ("m_axis_tx_", "_tx_N_out", Some("axis_out")),
    ("s_axil_", "_host_regs_bus", Some("axi_lite")),
    ("m_axi_awid", "_host", None),
    ("m_axi_awsize", "_host", None),
    ("m_axi_awburst", "_host", None),
    ("m_axi_arid", "_host", None),
    ("m_axi_arsize", "_host", None),
    ("m_axi_arburst", "_host", None),
    ("m_axi_ar", "_host_reads", Some("read_master")),
    ("m_axi_rready", "_host_reads", Some("read_master")),
    ("irq_", "_host_interrupts", Some("irq")),
];
const WRITES: (&str, Option<&str>) = ("_host_writes", Some("write_master"));

type Modules<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn modules(verilog: &str) -> Modules<'_> {
    let mut all = Modules::new();
    let mut name = "";
    for line in verilog.lines() {
        if let Some(rest) = line.strip_prefix("module ") {
            name = rest.split('(').next().unwrap_or(rest);
        }
        all.entry(name).or_default().push(line.trim());
    }
    all
}

fn outputs<'a>(module: &[&'a str]) -> Vec<&'a str> {
    let name = |line: &&'a str| line.strip_prefix("output ")?.strip_suffix(';')?.split_whitespace().last();
    module.iter().filter_map(name).collect()
}

/// The module in which `pin` of `module` is more than the output of a block inside.
fn driver(modules: &Modules, module: &str, pin: &str) -> String {
    let lines = &modules[module];
    let assigned = format!("assign {pin} = ");
    let net = lines.iter().find_map(|line| line.strip_prefix(&assigned)?.strip_suffix(';')).unwrap_or(pin);
    let connected = format!("({net})");
    let mut child = "";
    for line in lines {
        if let Some((name, _)) = line.strip_suffix('(').and_then(|line| line.split_once(' ')) {
            child = name;
        }
        let inner = line.strip_prefix('.').and_then(|line| line.trim_end_matches(',').strip_suffix(&connected));
        if let Some(inner) = inner.filter(|inner| modules.get(child).is_some_and(|lines| outputs(lines).contains(inner))) {
            return driver(modules, child, inner);
        }
    }
    module.to_owned()
}

#[test]
fn every_pin_of_the_engine_comes_straight_from_a_block_whose_handshake_is_proven() {
    let emitted = std::thread::Builder::new().stack_size(64 << 20).spawn(|| emit(Engine64::default(), TOP));
    let verilog = emitted.expect("a thread starts").join().expect("the engine is made").expect("the engine is clean");
    let modules = modules(&verilog);
    let proven: Vec<String> = properties().expect("every file is one").into_iter().map(|property| property.name).collect();
    let pins = outputs(&modules[TOP]);
    assert!(pins.len() > 30, "{pins:?}");
    for pin in pins {
        let listed = DRIVERS.iter().find(|(start, ..)| pin.starts_with(start));
        let (end, property) = listed.map_or(WRITES, |(_, end, property)| (end, *property));
        let port: String = pin.chars().filter(char::is_ascii_digit).collect();
        let expected = format!("{TOP}{end}")
            .replace('N', &port)
            .replace("_rx_", "_datapath_receive_ports_")
            .replace("_tx_", "_datapath_tx_");
        let found = driver(&modules, TOP, pin);
        // The last register of write data and of a transmit port is a skid inside; it is their own.
        assert!(found == expected || found.starts_with(&format!("{expected}_")), "{pin}: {found}, not {expected}");
        assert!(property.is_none_or(|property| proven.iter().any(|name| name == property)), "{pin}: no property {property:?}");
    }
}
