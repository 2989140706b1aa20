//! Copies of what drives many cells, made between synthesis and placement.
//!
//! A wide register is enabled or chosen by one signal; its wires to hundreds of cells cost more than all logic before it, and neither yosys nor
//! nextpnr gives it a second driver. So a lookup table or a flip-flop with more than [`MOST_LOADS`] loads gets copies with the same inputs, each for
//! as many loads as stand next to each other by name: those of neighbouring bits. A copy of a flip-flop starts with its value, so the design does what it did.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Loads that one driver keeps.
const MOST_LOADS: usize = 64;
/// Cells that are copied, and their output.
const COPIED: [(&str, &str); 2] = [("LUT4", "Z"), ("TRELLIS_FF", "Q")];
/// Clocks have wires of their own: a pin of one is no load.
const CLOCK_PIN: &str = "CLK";
/// Passes: copies add loads to what drives them, which the next pass looks at.
const PASSES: usize = 2;

/// yosys' `write_json`, as far as this looks at it.
#[derive(Debug, Deserialize, Serialize)]
struct Netlist {
    modules: BTreeMap<String, Module>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Module {
    ports: BTreeMap<String, Port>,
    cells: BTreeMap<String, Cell>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What the module has outside.
#[derive(Debug, Deserialize, Serialize)]
struct Port {
    bits: Vec<Bit>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Cell {
    #[serde(rename = "type")]
    kind: String,
    port_directions: BTreeMap<String, String>,
    connections: BTreeMap<String, Vec<Bit>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
enum Bit {
    Net(u64),
    Constant(String),
}

/// A pin that a net leads to. Ordered so that neighbours by name are neighbours.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    order: Vec<Part>,
    cell: String,
    pin: String,
    at: usize,
}

/// Part of a name: `q_9` comes before `q_10`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Number(u64),
}

/// The netlist `json` with copies in its module `top`, and how many there are.
///
/// # Errors
/// When it is no netlist of yosys, or has no such module.
pub fn copied(json: &str, top: &str) -> Result<(String, usize)> {
    let mut netlist: Netlist = serde_json::from_str(json).context("read yosys' netlist")?;
    let module = netlist.modules.get_mut(top).with_context(|| format!("yosys' netlist: there is no module {top}"))?;
    let mut made = 0;
    for pass in 0..PASSES {
        made += module.copy_drivers(pass);
    }
    Ok((serde_json::to_string(&netlist).context("write the netlist")?, made))
}

impl Module {
    fn copy_drivers(&mut self, pass: usize) -> usize {
        let outside: BTreeSet<u64> = self.ports.values().flat_map(|port| nets(&port.bits)).collect();
        let mut loads = self.loads();
        let mut free =
            1 + self.cells.values().flat_map(|cell| cell.connections.values()).flat_map(|bits| nets(bits)).max().unwrap_or(0);
        let mut made = 0;
        for (driver, pin, net) in self.drivers() {
            let Some(mut loads) = loads.remove(&net).filter(|loads| loads.len() > MOST_LOADS && !outside.contains(&net)) else {
                continue;
            };
            loads.sort();
            let drivers = loads.len().div_ceil(MOST_LOADS);
            for (i, share) in loads.chunks(loads.len().div_ceil(drivers)).enumerate().skip(1) {
                let mut copy = self.cells[&driver].clone();
                copy.connections.insert(pin.to_owned(), vec![Bit::Net(free)]);
                self.cells.insert(format!("{driver}$copy{pass}_{i}"), copy);
                for load in share {
                    let cell = self.cells.get_mut(&load.cell).expect("a load is a cell");
                    cell.connections.get_mut(&load.pin).expect("of which it is a pin")[load.at] = Bit::Net(free);
                }
                free += 1;
                made += 1;
            }
        }
        made
    }

    /// The cells that may be copied: name, output, net.
    fn drivers(&self) -> Vec<(String, &'static str, u64)> {
        let of = |(name, cell): (&String, &Cell)| {
            let (_, pin) = COPIED.into_iter().find(|(kind, _)| cell.kind == *kind)?;
            let net = nets(cell.connections.get(pin)?).next()?;
            Some((name.clone(), pin, net))
        };
        self.cells.iter().filter_map(of).collect()
    }

    /// Every net's loads.
    fn loads(&self) -> BTreeMap<u64, Vec<Load>> {
        let mut loads: BTreeMap<u64, Vec<Load>> = BTreeMap::new();
        for (name, cell) in &self.cells {
            let is_input =
                |pin: &str| pin != CLOCK_PIN && cell.port_directions.get(pin).is_some_and(|direction| direction == "input");
            for (pin, bits) in cell.connections.iter().filter(|(pin, _)| is_input(pin)) {
                for (at, bit) in bits.iter().enumerate() {
                    if let &Bit::Net(net) = bit {
                        let load = Load { order: parts(name), cell: name.clone(), pin: pin.clone(), at };
                        loads.entry(net).or_default().push(load);
                    }
                }
            }
        }
        loads
    }
}

fn nets(bits: &[Bit]) -> impl Iterator<Item = u64> {
    bits.iter().filter_map(|bit| if let &Bit::Net(net) = bit { Some(net) } else { None })
}

/// A name's text and numbers.
fn parts(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for run in name.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        let run = String::from_utf8_lossy(run).into_owned();
        parts.push(run.parse().map_or(Part::Text(run), Part::Number));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flip-flop that enables `loads` others, of which the last one's output is a port; all in one clock, net 2.
    fn netlist(loads: u64) -> String {
        let cell = |enable: u64, q: u64| {
            format!(
                r#"{{"hide_name": 0, "type": "TRELLIS_FF", "parameters": {{"GSR": "DISABLED"}}, "attributes": {{}},
                   "port_directions": {{"CE": "input", "CLK": "input", "DI": "input", "Q": "output"}},
                   "connections": {{"CE": [{enable}], "CLK": [2], "DI": ["1"], "Q": [{q}]}}}}"#
            )
        };
        let cells: String = (0..loads).map(|i| format!(r#", "row_q_{i}": {}"#, cell(4, 5 + i))).collect();
        format!(
            r#"{{"creator": "a test", "modules": {{"top": {{"attributes": {{}}, "netnames": {{}},
               "ports": {{"clock": {{"direction": "input", "bits": [2]}}, "go": {{"direction": "input", "bits": [3]}},
                          "out": {{"direction": "output", "bits": [{}]}}}},
               "cells": {{"enable_q": {}{cells}}}}}}}}}"#,
            4 + loads,
            cell(3, 4),
        )
    }

    fn read(json: &str) -> Module {
        let mut netlist: Netlist = serde_json::from_str(json).expect("it is a netlist");
        netlist.modules.remove("top").expect("it has the module")
    }

    #[test]
    fn a_driver_of_many_is_copied_and_every_load_keeps_one() {
        let (json, made) = copied(&netlist(150), "top").expect("a netlist");
        assert_eq!(made, 2);
        let module = read(&json);
        let mut enabled: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (name, cell) in module.cells.iter().filter(|(name, _)| name.starts_with("row")) {
            enabled.entry(nets(&cell.connections["CE"]).next().expect("it is enabled")).or_default().push(name.clone());
        }
        let drivers = module.drivers();
        assert_eq!(enabled.len(), 3);
        for (net, rows) in &enabled {
            assert_eq!(rows.len(), 50);
            let [(driver, _, _)] = &drivers.iter().filter(|(_, _, q)| q == net).collect::<Vec<_>>()[..] else {
                panic!("net {net} has not one driver");
            };
            assert!(driver.starts_with("enable_q"), "{driver} drives net {net}");
            assert_eq!(module.cells[driver].connections["CE"], [Bit::Net(3)]);
            assert_eq!(module.cells[driver].rest["parameters"]["GSR"], "DISABLED");
        }
        // Neighbours by number share a driver.
        assert!(enabled.values().any(|rows| (0..50).all(|i| rows.contains(&format!("row_q_{i}")))));
    }

    #[test]
    fn a_driver_of_few_stays_alone_and_the_rest_of_the_netlist_as_it_is() {
        let before = netlist(MOST_LOADS as u64);
        let (json, made) = copied(&before, "top").expect("a netlist");
        assert_eq!(made, 0);
        let value = |json: &str| serde_json::from_str::<Value>(json).expect("it is JSON");
        assert_eq!(value(&json), value(&before));
    }

    #[test]
    fn a_netlist_without_the_module_is_refused_by_name() {
        let error = copied(&netlist(1), "bottom").expect_err("there is none");
        assert!(error.to_string().contains("bottom"), "{error}");
    }
}
