//! From a block to one Verilog text, checked.
//!
//! # Contract
//! The text holds one module a block instance but for flip-flops, which are registers of their module ([`lower`] says how that is
//! done), the top called what the caller says. Every identifier is plain
//! (`s_axis_valid`, not rust-hdl's `s_axis$valid`), so ports carry their conventional names and no simulator has to escape
//! them. Nothing is emitted for a block that fails one of rust-hdl's checks, uses a Verilog keyword as a field name, or has
//! two names that fall together once plain.

mod guards;
mod keywords;
mod lower;
mod statements;

use std::collections::BTreeMap;

use rust_hdl_core::check_connected::check_connected;
use rust_hdl_core::check_error::{CheckError, PathedName};
use rust_hdl_core::check_logic_loops::check_logic_loops;
use rust_hdl_core::check_write_inputs::check_inputs_not_written;
use rust_hdl_core::prelude::*;

use keywords::KEYWORDS;

/// Why a block was not emitted. Signals are named `path.field`, the top being `uut`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing drives these signals.
    #[error("emit {top}: check_connected: nothing drives {}", .signals.join(", "))]
    Unconnected {
        /// The module asked for.
        top: String,
        /// The open signals.
        signals: Vec<String>,
    },
    /// These locals or outputs are read before they are written, in textual order.
    #[error("emit {top}: check_logic_loops: read before written: {}", .signals.join(", "))]
    ReadBeforeWritten {
        /// The module asked for.
        top: String,
        /// The signals.
        signals: Vec<String>,
    },
    /// A block writes its own inputs.
    #[error("emit {top}: check_inputs_not_written: a block writes its own input {}", .signals.join(", "))]
    InputWritten {
        /// The module asked for.
        top: String,
        /// The inputs.
        signals: Vec<String>,
    },
    /// Fields whose names are words of Verilog or SystemVerilog.
    #[error("emit {top}: keywords of SystemVerilog as field names: {}", .signals.join(", "))]
    Keyword {
        /// The module asked for.
        top: String,
        /// The fields.
        signals: Vec<String>,
    },
    /// Two identifiers become one when `$` becomes `_`.
    #[error("emit {top}: {first} and {second} are both called {plain} in Verilog")]
    Ambiguous {
        /// The module asked for.
        top: String,
        /// One identifier, as rust-hdl writes it.
        first: String,
        /// The other.
        second: String,
        /// What both become.
        plain: String,
    },
    /// rust-hdl wrote a statement in a way that is not known here.
    #[error("emit {top}: no statement of rust-hdl: {line}")]
    Statement {
        /// The module asked for.
        top: String,
        /// The line.
        line: String,
    },
}

/// Connects and checks `block` and gives its Verilog with the top module called `top`.
///
/// # Errors
/// One [`Error`] variant for each check that can fail.
pub fn emit<U: Block>(block: U, top: &str) -> Result<String, Error> {
    lower::lower(&emit_unlowered(block, top)?).map_err(|line| Error::Statement { top: top.into(), line })
}

/// The Verilog of `block` with one module for every flip-flop, as rust-hdl writes it: what [`emit`]'s is held against.
///
/// # Errors
/// As [`emit`].
pub fn emit_unlowered<U: Block>(mut block: U, top: &str) -> Result<String, Error> {
    block.connect_all();
    check(&block, top)?;
    let mut defines = ModuleDefines::default();
    block.accept(top, &mut defines);
    plain_identifiers(&defines.defines(), top)
}

fn check(block: &dyn Block, top: &str) -> Result<(), Error> {
    // Not `check_all`: its error does not say which of the three failed.
    check_connected(block).map_err(|e| check_error(e, top))?;
    check_logic_loops(block).map_err(|e| check_error(e, top))?;
    check_inputs_not_written(block).map_err(|e| check_error(e, top))?;
    let mut keywords = KeywordProbe::default();
    block.accept("uut", &mut keywords);
    if keywords.found.is_empty() { Ok(()) } else { Err(Error::Keyword { top: top.into(), signals: keywords.found }) }
}

fn check_error(error: CheckError, top: &str) -> Error {
    let top = top.to_owned();
    let names = |list: Vec<PathedName>| {
        let mut names: Vec<String> =
            list.iter().map(|n| format!("{}.{}", n.path.replace('$', "."), n.name.replace('$', "."))).collect();
        names.sort();
        names
    };
    match error {
        CheckError::OpenSignal(open) => Error::Unconnected { top, signals: names(open.into_values().collect()) },
        CheckError::LogicLoops(list) => Error::ReadBeforeWritten { top, signals: names(list) },
        CheckError::WritesToInputs(list) => Error::InputWritten { top, signals: names(list) },
    }
}

#[derive(Default)]
struct KeywordProbe {
    path: Vec<String>,
    found: Vec<String>,
}

impl KeywordProbe {
    fn look(&mut self, name: &str) {
        if KEYWORDS.binary_search(&name).is_ok() {
            let mut path = self.path.clone();
            path.push(name.to_owned());
            self.found.push(path.join("."));
        }
    }
}

impl Probe for KeywordProbe {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.look(name);
        self.path.push(name.to_owned());
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        // Its signals are called `name_field`: only the whole can be a keyword, and no keyword has that form with ours.
        self.path.push(name.to_owned());
    }

    fn visit_atom(&mut self, name: &str, _signal: &dyn Atom) {
        self.look(name);
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.path.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.path.pop();
    }
}

/// Replaces the `$` inside identifiers by `_`; system tasks such as `$signed` begin with it and stay.
fn plain_identifiers(verilog: &str, top: &str) -> Result<String, Error> {
    let mut modules = Names::default();
    let mut locals = Names::default();
    let mut out = String::with_capacity(verilog.len());
    let mut rest = verilog;
    let mut previous = "";
    while let Some(c) = rest.chars().next() {
        if !is_identifier_start(c) {
            // A number (`8'hff`) or a system task runs to its end untouched, so its letters are not taken for an identifier.
            let end = if c == '$' || c.is_ascii_digit() {
                rest.find(|c: char| !is_identifier(c) && c != '\'').unwrap_or(rest.len())
            } else {
                c.len_utf8()
            };
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let end = rest.find(|c| !is_identifier(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        if previous == "module" {
            modules.add(name, top)?;
        }
        if name == "endmodule" {
            locals = Names::default();
        }
        out.push_str(&locals.add(name, top)?);
        previous = name;
        rest = &rest[end..];
    }
    Ok(out)
}

/// The names of one scope, by what they become.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn add(&mut self, name: &str, top: &str) -> Result<String, Error> {
        let plain = name.replace('$', "_");
        let first = self.0.entry(plain.clone()).or_insert_with(|| name.to_owned());
        if first == name {
            Ok(plain)
        } else {
            Err(Error::Ambiguous { top: top.into(), first: first.clone(), second: name.into(), plain })
        }
    }
}

fn is_identifier_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_identifier(c: char) -> bool {
    is_identifier_start(c) || c.is_ascii_digit() || c == '$'
}
