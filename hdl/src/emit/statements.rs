//! The statements of a combinational block as rust-hdl prints them: read, sorted by what they assign, printed again.
//!
//! rust-hdl prints one statement a line: `target = expression;`, `if (…) begin`, `else if (…) begin`, `else begin`, `end`,
//! `case (…)`, `label:` with `begin` below it, `endcase`. Loops are unrolled, nothing is nested in a line.

use std::collections::{BTreeMap, BTreeSet};

use super::{is_identifier, is_identifier_start};

/// Indentation of a level, as rust-hdl has it.
const INDENT: &str = "    ";

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `target = …;` or `target[…] = …;`.
    Assign {
        /// What is assigned, wholly or in part.
        target: String,
        /// The statement.
        text: String,
    },
    /// `if`, every `else if`, and `else` with an empty condition.
    If(Vec<(String, Vec<Statement>)>),
    /// `case` over a selector: labels and what they do.
    Case(String, Vec<(String, Vec<Statement>)>),
}

/// Reads statements up to the `end` or `endcase` that closes them; `at` is then that line.
///
/// # Errors
/// The line that is no statement.
pub fn read(lines: &[&str], at: &mut usize) -> Result<Vec<Statement>, String> {
    let mut statements = Vec::new();
    loop {
        let line = lines.get(*at).map_or("", |line| line.trim());
        if line == "end" || line == "endcase" {
            return Ok(statements);
        }
        if line.is_empty() && *at < lines.len() {
            *at += 1;
        } else if let Some(condition) = between(line, "if (", ") begin") {
            statements.push(read_if(condition, lines, at)?);
        } else if let Some(selector) = between(line, "case (", ")") {
            statements.push(read_case(selector, lines, at)?);
        } else if let Some(target) = assigned(line) {
            statements.push(Statement::Assign { target: target.to_owned(), text: line.to_owned() });
            *at += 1;
        } else {
            return Err(line.to_owned());
        }
    }
}

fn read_if(condition: &str, lines: &[&str], at: &mut usize) -> Result<Statement, String> {
    let mut arms = Vec::new();
    let mut condition = Some(condition);
    while let Some(this) = condition {
        *at += 1;
        arms.push((this.to_owned(), read(lines, at)?));
        *at += 1;
        let next = lines.get(*at).map_or("", |line| line.trim());
        condition = between(next, "else if (", ") begin").or_else(|| (next == "else begin").then_some(""));
    }
    Ok(Statement::If(arms))
}

fn read_case(selector: &str, lines: &[&str], at: &mut usize) -> Result<Statement, String> {
    let mut arms = Vec::new();
    *at += 1;
    loop {
        let line = lines.get(*at).map_or("", |line| line.trim());
        let begins = lines.get(*at + 1).is_some_and(|next| next.trim() == "begin");
        match line.strip_suffix(':') {
            _ if line == "endcase" => break,
            Some(label) if begins => {
                *at += 2;
                arms.push((label.to_owned(), read(lines, at)?));
                *at += 1;
            }
            _ => return Err(line.to_owned()),
        }
    }
    *at += 1;
    Ok(Statement::Case(selector.to_owned(), arms))
}

fn between<'a>(line: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix(suffix)
}

/// The target of a line that is an assignment.
fn assigned(line: &str) -> Option<&str> {
    let (left, _) = line.strip_suffix(';')?.split_once(" = ")?;
    let end = left.find(|c| !is_identifier(c)).unwrap_or(left.len());
    let (target, select) = left.split_at(end);
    let whole = select.is_empty() || (select.starts_with('[') && select.ends_with(']'));
    (whole && target.starts_with(is_identifier_start)).then_some(target)
}

/// The identifiers in an expression.
pub fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    // Words: a number such as 8'hff is one, and begins with a digit.
    text.split(|c| !is_identifier(c) && c != '\'').filter(|word| word.starts_with(is_identifier_start))
}

/// What a block's statements assign and read, and in which order.
#[derive(Debug, Default)]
pub struct Order {
    place: usize,
    /// Everything assigned, in the order of first assignments.
    targets: Vec<String>,
    last_write: BTreeMap<String, usize>,
    /// Name, place, and what depends on the value read there.
    reads: Vec<(String, usize, BTreeSet<String>)>,
}

impl Order {
    /// The order of `statements`.
    pub fn of(statements: &[Statement]) -> Self {
        let mut order = Self::default();
        order.walk(statements);
        order
    }

    /// Whether anything in the block reads `name`.
    pub fn reads(&self, name: &str) -> bool {
        self.reads.iter().any(|(read, _, _)| read == name)
    }

    /// The targets in groups that do not need each other's intermediate values: who reads a target before it has its last value is in
    /// its group.
    pub fn groups(&self) -> Vec<BTreeSet<String>> {
        let mut groups: Vec<BTreeSet<String>> = self.targets.iter().map(|target| BTreeSet::from([target.clone()])).collect();
        for (name, place, dependents) in &self.reads {
            if self.last_write.get(name).is_none_or(|last| last < place) {
                continue;
            }
            let mut together = dependents.clone();
            together.insert(name.clone());
            let first = groups.iter().position(|group| !group.is_disjoint(&together)).expect("every target is in a group");
            for at in (first + 1..groups.len()).rev() {
                if !groups[at].is_disjoint(&together) {
                    let group = groups.remove(at);
                    groups[first].extend(group);
                }
            }
        }
        groups
    }

    fn walk(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.place += 1;
            match statement {
                Statement::Assign { target, text } => {
                    let dependents = BTreeSet::from([target.clone()]);
                    // The target itself is not read by being assigned; a select's index is, and so is the target on the right.
                    let (left, right) = text.split_once(" = ").expect("an assignment has two sides");
                    self.read(&left[target.len()..], &dependents);
                    self.read(right, &dependents);
                    if !self.last_write.contains_key(target) {
                        self.targets.push(target.clone());
                    }
                    self.last_write.insert(target.clone(), self.place);
                }
                Statement::If(arms) => {
                    let dependents = targets(std::slice::from_ref(statement));
                    arms.iter().for_each(|(condition, _)| self.read(condition, &dependents));
                    arms.iter().for_each(|(_, body)| self.walk(body));
                }
                Statement::Case(selector, arms) => {
                    self.read(selector, &targets(std::slice::from_ref(statement)));
                    arms.iter().for_each(|(_, body)| self.walk(body));
                }
            }
        }
    }

    fn read(&mut self, text: &str, dependents: &BTreeSet<String>) {
        for name in identifiers(text) {
            self.reads.push((name.to_owned(), self.place, dependents.clone()));
        }
    }
}

/// Everything that `statements` assign.
fn targets(statements: &[Statement]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for statement in statements {
        match statement {
            Statement::Assign { target, .. } => drop(found.insert(target.clone())),
            Statement::If(arms) | Statement::Case(_, arms) => arms.iter().for_each(|(_, body)| found.extend(targets(body))),
        }
    }
    found
}

/// The part of `statements` that assigns `wanted`.
pub fn slice(statements: &[Statement], wanted: &BTreeSet<String>) -> Vec<Statement> {
    let arms_of = |arms: &[(String, Vec<Statement>)]| -> Vec<(String, Vec<Statement>)> {
        arms.iter().map(|(condition, body)| (condition.clone(), slice(body, wanted))).collect()
    };
    let part = |statement: &Statement| match statement {
        Statement::Assign { target, .. } => wanted.contains(target).then(|| statement.clone()),
        Statement::If(arms) => {
            let mut arms = arms_of(arms);
            while arms.pop_if(|(_, body)| body.is_empty()).is_some() {}
            (!arms.is_empty()).then_some(Statement::If(arms))
        }
        Statement::Case(selector, arms) => {
            let arms = arms_of(arms);
            arms.iter().any(|(_, body)| !body.is_empty()).then(|| Statement::Case(selector.clone(), arms))
        }
    };
    statements.iter().filter_map(part).collect()
}

/// Prints `statements`, `depth` levels in; `assign` prints an assignment.
pub fn print(statements: &[Statement], depth: usize, assign: &dyn Fn(&str) -> String, out: &mut String) {
    let indent = INDENT.repeat(depth);
    for statement in statements {
        match statement {
            Statement::Assign { text, .. } => *out += &format!("{indent}{}\n", assign(text)),
            Statement::If(arms) => {
                for (index, (condition, body)) in arms.iter().enumerate() {
                    let otherwise = if index > 0 { "else " } else { "" };
                    let test = if condition.is_empty() { String::new() } else { format!("if ({condition}) ") };
                    *out += &format!("{indent}{otherwise}{test}begin\n");
                    print(body, depth + 1, assign, out);
                    *out += &format!("{indent}end\n");
                }
            }
            Statement::Case(selector, arms) => {
                *out += &format!("{indent}case ({selector})\n");
                for (label, body) in arms {
                    *out += &format!("{indent}{INDENT}{label}: begin\n");
                    print(body, depth + 2, assign, out);
                    *out += &format!("{indent}{INDENT}end\n");
                }
                *out += &format!("{indent}endcase\n");
            }
        }
    }
}
