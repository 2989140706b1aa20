//! From the Verilog that rust-hdl writes to Verilog as a person would write it.
//!
//! rust-hdl writes one `always` block for all that a module computes, and a module for every flip-flop, with nets for its input, its
//! output and its clock. Simulators take that for loops that are none, compute and copy what no clock changes, and people do not like
//! to read it.
//!
//! # Contract
//! - What a module computes is in one `always` block a signal, or in an `assign` where one statement says it all: a block that reads
//!   nothing would never be executed (IEEE 1364-2005, 9.7.5). Signals whose intermediate values others need stay together.
//! - A flip-flop is a register of the module that has it, assigned where its input was: `if (enable) count_q <= …`. `count_d` is
//!   gone, unless something else reads it.
//! - Nothing else changes: ports, instances, memories and hand-written modules are as they were, and so is what the design does.

use std::collections::{BTreeMap, BTreeSet};

use super::guards::guard;
use super::statements::{Order, Statement, print, read, slice};

/// First line of what a module computes.
const BLOCK: &str = "    always @(*) begin";

/// Lowers a text of whole modules.
///
/// # Errors
/// A line of a combinational block that is no statement of rust-hdl.
pub fn lower(verilog: &str) -> Result<String, String> {
    let modules: Vec<&str> = split_modules(verilog);
    let flip_flops: BTreeMap<&str, &str> = modules.iter().filter_map(|text| flip_flop(text)).collect();
    let mut gone = BTreeSet::new();
    let mut lowered = Vec::new();
    for text in modules {
        lowered.push(lower_module(text, &flip_flops, &mut gone)?);
    }
    Ok(lowered.into_iter().filter(|text| !gone.contains(name_of(text))).collect())
}

/// The text cut in front of every `module`.
fn split_modules(verilog: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = verilog.match_indices("\nmodule ").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    starts.push(verilog.len());
    starts.windows(2).map(|pair| &verilog[pair[0]..pair[1]]).collect()
}

/// The name of the module that `text` begins with; empty when there is none.
fn name_of(text: &str) -> &str {
    text.strip_prefix("module ").and_then(|rest| rest.split_once('(')).map_or("", |(name, _)| name)
}

/// Name and initial value of a module that is rust-hdl's flip-flop.
fn flip_flop(text: &str) -> Option<(&str, &str)> {
    let name = name_of(text);
    let ports = text.strip_prefix("module ")?.strip_prefix(name)?;
    let body = ports.strip_prefix("(d,q,clock);")?;
    let (_, custom) = body.split_once("// Update code (custom)")?;
    let (_, initial) = custom.split_once("q = ")?;
    let (initial, rest) = initial.split_once(';')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    words.starts_with(&["end", "always", "@(posedge", "clock)", "begin", "q", "<=", "d;", "end"]).then_some((name, initial))
}

fn lower_module<'a>(text: &'a str, flip_flops: &BTreeMap<&str, &str>, gone: &mut BTreeSet<&'a str>) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(begin) = lines.iter().position(|line| *line == BLOCK) else { return Ok(text.to_owned()) };
    let mut end = begin + 1;
    let mut statements = read(&lines, &mut end)?;

    // Flip-flops whose clock is the module's.
    let mut registers = BTreeMap::new();
    let mut instances = BTreeSet::new();
    for (at, line) in lines[..begin].iter().enumerate() {
        let Some((module, name)) = line.trim().strip_suffix('(').and_then(|line| line.split_once(' ')) else { continue };
        let Some(initial) = flip_flops.get(module) else { continue };
        let clock = Statement::Assign { target: format!("{name}_clock"), text: format!("{name}_clock = clock;") };
        if let Some(place) = statements.iter().position(|statement| *statement == clock) {
            statements.remove(place);
            registers.insert(name, *initial);
            gone.insert(module);
            // Instance, three ports, and the bracket that closes it.
            instances.extend(at..at + 5);
        }
    }

    let order = Order::of(&statements);
    let mut body = String::new();
    let mut without_input = BTreeSet::new();
    let mut assigned = BTreeSet::new();
    for (name, initial) in &registers {
        body += &format!("    initial {name}_q = {initial};\n");
    }
    for group in order.groups() {
        let part = slice(&statements, &group);
        let only = group.first().filter(|_| group.len() == 1);
        let part = if let Some(target) = only { guard(part, target) } else { part };
        let register = only.and_then(|target| target.strip_suffix("_d"));
        match register.filter(|name| registers.contains_key(name)) {
            Some(name) if !order.reads(&format!("{name}_d")) && is_whole(&part, name) => {
                without_input.insert(name.to_owned());
                body += &clocked(&part, name);
            }
            _ => match part.as_slice() {
                [Statement::Assign { target, text }] if text.starts_with(&format!("{target} = ")) => {
                    assigned.insert(target.clone());
                    body += &format!("    assign {text}\n");
                }
                _ => body += &combinational(&part),
            },
        }
    }
    for name in registers.keys().filter(|name| !without_input.contains(**name)) {
        body += &format!("    always @(posedge clock) {name}_q <= {name}_d;\n");
    }

    let mut out = String::with_capacity(text.len());
    for (at, line) in lines.iter().enumerate() {
        if at == begin {
            out += &body;
        }
        if !(begin..=end).contains(&at) && !instances.contains(&at) {
            out += &declaration(line, &registers, &without_input, &assigned);
        }
    }
    Ok(out)
}

/// Whether the input of a flip-flop begins with a value for all of it, so that nothing but the flip-flop keeps any.
fn is_whole(part: &[Statement], name: &str) -> bool {
    matches!(part.first(), Some(Statement::Assign { text, .. }) if text.starts_with(&format!("{name}_d = ")))
}

fn combinational(part: &[Statement]) -> String {
    let mut out = "    always @(*) begin\n".to_owned();
    print(part, 2, &str::to_owned, &mut out);
    out + "    end\n"
}

/// The register `name`, assigned what was its input; to keep its value it needs no words.
fn clocked(part: &[Statement], name: &str) -> String {
    let keeps = format!("{name}_d = {name}_q;");
    let part = match part {
        [Statement::Assign { text, .. }, rest @ ..] if *text == keeps => rest,
        all => all,
    };
    let assign = |text: &str| {
        let (left, right) = text.split_once(" = ").expect("an assignment has two sides");
        format!("{name}_q{} <= {right}", &left[name.len() + 2..])
    };
    if part.is_empty() {
        return String::new();
    }
    let mut out = "    always @(posedge clock) begin\n".to_owned();
    print(part, 2, &assign, &mut out);
    out + "    end\n"
}

/// A line outside the block as it is to be: a flip-flop's output is a register, its input and clock are not there, and what is assigned
/// continuously is a wire.
fn declaration(
    line: &str,
    registers: &BTreeMap<&str, &str>,
    without_input: &BTreeSet<String>,
    assigned: &BTreeSet<String>,
) -> String {
    let name = line.trim().strip_suffix(';').and_then(|line| line.rsplit(' ').next()).unwrap_or("");
    let is_register = |suffix| name.strip_suffix(suffix).is_some_and(|name| registers.contains_key(name));
    let is_declared = |kind: &str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(kind));
    if is_declared("reg ") && (is_register("_clock") || name.strip_suffix("_d").is_some_and(|name| without_input.contains(name)))
    {
        return String::new();
    }
    if assigned.contains(name) && (is_declared("reg ") || is_declared("output reg ")) {
        return format!("{}\n", line.replacen("reg ", "wire ", 1));
    }
    match line.strip_prefix("    wire ") {
        Some(rest) if is_register("_q") => format!("    reg {rest}\n"),
        _ => format!("{line}\n"),
    }
}
