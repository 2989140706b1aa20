//! A lint over rust-hdl's own syntax tree: the code `#[hdl_gen]` made of each `update()`, block by block.

mod coverage;
mod scope;
mod width;

use std::collections::BTreeSet;

use rust_hdl_core::ast::{
    Verilog, VerilogBlock, VerilogBlockOrConditional, VerilogConditional, VerilogExpression as Expression, VerilogMatch,
    VerilogStatement as Statement,
};
use rust_hdl_core::prelude::*;

use self::coverage::Coverage;
use self::scope::{Loops, Meaning, Scope};
use self::width::Checker;
use crate::finding::{Finding, Trap};

/// Looks at `block` and every block in it. The findings name the block by its path from `top`.
pub fn lint(block: &dyn Block, top: &str) -> Vec<Finding> {
    let mut probe = LintProbe::default();
    block.accept(top, &mut probe);
    probe.found.into_iter().collect()
}

#[derive(Default)]
struct LintProbe {
    /// Blocks from the top to where the probe is.
    open: Vec<(String, Scope)>,
    namespace: Vec<String>,
    found: BTreeSet<Finding>,
}

impl Probe for LintProbe {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.namespace.clear();
        self.open.push((name.to_owned(), Scope::default()));
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.namespace.push(name.to_owned());
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let mut path = self.namespace.clone();
        path.push(name.to_owned());
        let name = path.join("$");
        let depth = self.open.len();
        let block = self.open[depth - 1].0.clone();
        let descriptor = signal.descriptor();
        // A parent sees the ports of its sub-blocks as `<sub-block>$<port>`.
        if depth > 1 && signal.kind().is_parameter() {
            let parent = &mut self.open[depth - 2].1;
            parent.add(format!("{block}${name}"), signal.bits());
            add_labels(parent, &descriptor);
        }
        let scope = &mut self.open[depth - 1].1;
        scope.add(name, signal.bits());
        add_labels(scope, &descriptor);
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.namespace.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, node: &dyn Block) {
        let place = self.open.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
        let (_, scope) = self.open.pop().expect("every scope that ends has begun");
        if let Verilog::Combinatorial(code) = node.hdl() {
            let mut walk = Walk { scope: &scope, loops: vec![], found: vec![] };
            let mut coverage = Coverage::default();
            walk.block(&code, &mut coverage);
            for (name, bit) in coverage.gaps() {
                let detail = format!("`{name}` bit {bit} is not written on every path; assign a default first");
                walk.found.push((Trap::Latch, detail));
            }
            let findings = walk.found.into_iter();
            self.found.extend(findings.map(|(trap, detail)| Finding { trap, place: place.clone(), detail }));
        }
    }
}

fn add_labels(scope: &mut Scope, descriptor: &TypeDescriptor) {
    match &descriptor.kind {
        TypeKind::Enum(labels) => labels.iter().for_each(|label| scope.add_label(label.replace("::", "$"))),
        TypeKind::Composite(fields) => fields.iter().for_each(|field| add_labels(scope, &field.kind)),
        _ => {}
    }
}

/// A walk through the statements of one block, loops unrolled as the generator unrolls them.
struct Walk<'a> {
    scope: &'a Scope,
    loops: Loops,
    found: Vec<(Trap, String)>,
}

impl Walk<'_> {
    fn block(&mut self, code: &VerilogBlock, coverage: &mut Coverage) {
        for statement in code {
            self.statement(statement, coverage);
        }
    }

    fn statement(&mut self, statement: &Statement, coverage: &mut Coverage) {
        match statement {
            Statement::Assignment(target, value) => {
                if let Some((name, width)) = self.target(target) {
                    self.check(|checker| checker.assigned(value, width));
                    coverage.write(&name, width);
                }
            }
            Statement::SliceAssignment { base, width, offset, replacement } => {
                if let Some((name, full)) = self.target(base) {
                    self.check(|checker| checker.assigned(replacement, *width));
                    self.check(|checker| checker.observed(offset));
                    coverage.write_part(&name, full, constant(offset), *width);
                }
            }
            Statement::If(conditional) => self.conditional(conditional, coverage),
            Statement::Match(m) => self.matching(m, coverage),
            Statement::Loop(l) => {
                if self.scope.is_signal(&l.index) {
                    let detail =
                        format!("`{}` is a signal and a loop variable; in the loop Verilog gets the number for both", l.index);
                    self.found.push((Trap::LoopVariable, detail));
                }
                for value in l.from.as_usize()..l.to.as_usize() {
                    self.loops.push((l.index.clone(), value as i64));
                    self.block(&l.block, coverage);
                    self.loops.pop();
                }
            }
            Statement::Macro(statements) => self.block(statements, coverage),
            Statement::Comment(_) | Statement::Link(_) => {}
        }
    }

    fn conditional(&mut self, c: &VerilogConditional, coverage: &mut Coverage) {
        self.check(|checker| checker.observed(&c.test));
        let mut then = coverage.clone();
        self.block(&c.then, &mut then);
        let mut otherwise = coverage.clone();
        match &c.otherwise {
            VerilogBlockOrConditional::Block(block) => self.block(block, &mut otherwise),
            VerilogBlockOrConditional::Conditional(statement) => self.statement(statement, &mut otherwise),
            VerilogBlockOrConditional::None => {}
        }
        *coverage = Coverage::join(&[then, otherwise]);
    }

    fn matching(&mut self, m: &VerilogMatch, coverage: &mut Coverage) {
        self.check(|checker| checker.observed(&m.test));
        let mut paths = vec![];
        let mut complete = false;
        for case in &m.cases {
            let is_number = case.condition.starts_with(|c: char| c.is_ascii_digit());
            complete |= case.condition == "default";
            if !is_number && case.condition != "default" && !self.scope.is_label(&case.condition) {
                let detail = format!("`{}` in a match is no number and no state; Verilog does not know it", case.condition);
                self.found.push((Trap::Leak, detail));
            }
            let mut path = coverage.clone();
            self.block(&case.block, &mut path);
            paths.push(path);
        }
        // Without `_ =>` the cases are complete only if there is one for every value of the signal.
        if let Expression::Signal(name) = &m.test
            && let Meaning::Signal(_, width) = self.scope.meaning(name, &self.loops)
        {
            complete |= u32::try_from(width).is_ok_and(|width| 1_usize.checked_shl(width) == Some(m.cases.len()));
        }
        if !complete {
            paths.push(coverage.clone());
        }
        *coverage = Coverage::join(&paths);
    }

    /// Name and width of what is assigned to; a name that is none is reported.
    fn target(&mut self, target: &Expression) -> Option<(String, usize)> {
        let Expression::Signal(text) = target else {
            self.found.push((Trap::Untranslatable, format!("`{}` cannot be assigned to", width::print(target))));
            return None;
        };
        if let Meaning::Signal(name, width) = self.scope.meaning(text, &self.loops) {
            return Some((name, width));
        }
        self.check(|checker| checker.assigned(target, 0));
        None
    }

    fn check(&mut self, check: impl FnOnce(&mut Checker)) {
        let mut checker = Checker { scope: self.scope, loops: &self.loops, found: vec![] };
        check(&mut checker);
        self.found.append(&mut checker.found);
    }
}

/// The value of a literal.
fn constant(e: &Expression) -> Option<usize> {
    match e {
        Expression::Literal(literal) => Some(literal.as_usize()),
        Expression::Paren(e) => constant(e),
        _ => None,
    }
}
