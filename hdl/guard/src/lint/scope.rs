//! The names one block's code can use, and what a name in the code refers to.

use std::collections::{HashMap, HashSet};

/// Loop variables and their values, innermost last.
pub type Loops = Vec<(String, i64)>;

/// Signals, constants and ports of sub-blocks by Verilog name, with their widths; labels of enums.
#[derive(Debug, Default, Clone)]
pub struct Scope {
    widths: HashMap<String, usize>,
    labels: HashSet<String>,
}

/// What a name in the code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A signal or constant: its Verilog name and width.
    Signal(String, usize),
    /// A loop variable, replaced by its value.
    Number,
    /// A state of an enum.
    Label,
    /// Nothing Verilog will know.
    Unknown,
    /// An index that cannot be computed.
    DynamicIndex,
    /// More than one index.
    TwoIndices,
}

impl Scope {
    /// Adds a signal or constant.
    pub fn add(&mut self, name: String, width: usize) {
        self.widths.insert(name, width);
    }

    /// Adds a state of an enum, as Verilog writes it.
    pub fn add_label(&mut self, label: String) {
        self.labels.insert(label);
    }

    /// Looks `text` up, as it stands in rust-hdl's syntax tree (`stage[i-1]$q`, `valid$next`).
    pub fn meaning(&self, text: &str, loops: &Loops) -> Meaning {
        let text = text.trim_start_matches('.').replace("::", "$").replace('.', "$");
        let text = text.trim_end_matches("$next");
        if loops.iter().any(|(name, _)| name == text) {
            return Meaning::Number;
        }
        if self.labels.contains(text) {
            return Meaning::Label;
        }
        let name = match text.split_once('[') {
            None => text.to_owned(),
            Some((base, rest)) => {
                let Some((index, tail)) = rest.split_once(']') else { return Meaning::Unknown };
                if tail.contains('[') {
                    return Meaning::TwoIndices;
                }
                let Some(index) = evaluate(index, loops) else { return Meaning::DynamicIndex };
                format!("{base}${index}{tail}")
            }
        };
        match self.widths.get(&name) {
            Some(width) => Meaning::Signal(name, *width),
            None => Meaning::Unknown,
        }
    }

    /// Whether `name` is a signal or constant of the block itself.
    pub fn is_signal(&self, name: &str) -> bool {
        self.widths.contains_key(name)
    }

    /// Whether `text` is a state of an enum.
    pub fn is_label(&self, text: &str) -> bool {
        self.labels.contains(&text.replace("::", "$"))
    }
}

/// The value of an index: integers, loop variables, `+`, `-`, `*` and parentheses.
fn evaluate(text: &str, loops: &Loops) -> Option<i64> {
    let mut parser = Parser { rest: text, loops };
    let value = parser.sum()?;
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    loops: &'a Loops,
}

impl Parser<'_> {
    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.atom()?;
        while self.take('*') {
            value *= self.atom()?;
        }
        Some(value)
    }

    fn atom(&mut self) -> Option<i64> {
        if self.take('(') {
            let value = self.sum()?;
            return self.take(')').then_some(value);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let from_loop = || self.loops.iter().rev().find(|(name, _)| name == word).map(|(_, value)| *value);
        word.parse().ok().or_else(from_loop)
    }

    fn take(&mut self, c: char) -> bool {
        match self.rest.trim_start().strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_computed_from_loop_variables() {
        let loops = vec![("i".to_owned(), 3), ("j".to_owned(), 2)];
        assert_eq!(evaluate("i-1", &loops), Some(2));
        assert_eq!(evaluate("(4*i)+j", &loops), Some(14));
        assert_eq!(evaluate("7", &loops), Some(7));
        assert_eq!(evaluate("N-1", &loops), None);
        assert_eq!(evaluate("sel$val()", &loops), None);
    }
}
