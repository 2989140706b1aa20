//! Does an expression mean in Verilog what it means in Rust?
//!
//! In Rust every operation on `Bits<N>` wraps at `N` bits. Verilog computes the operands of arithmetic and bitwise operators at
//! the width of the widest of them or of the context, and a literal is 32 bits wide. Where the context is wider than `N`, an
//! addition leaves a carry above bit `N`, a subtraction a borrow, an inversion ones: the value is *dirty*. That is harmless
//! until something looks at those bits: a comparison, a right shift, a reduction, a cast to more bits, a condition. This
//! module computes both widths for every expression and reports a dirty value exactly where it is looked at.

use rust_hdl_core::ast::{VerilogExpression as Expression, VerilogLiteral, VerilogOp as Op, VerilogOpUnary as Unary};

use super::scope::{Loops, Meaning, Scope};
use crate::finding::Trap;

/// Width of a number without a width in Verilog.
const UNSIZED: usize = 32;

/// Checks the expressions of one block.
pub struct Checker<'a> {
    /// The names of the block.
    pub scope: &'a Scope,
    /// The loops around the expression.
    pub loops: &'a Loops,
    /// What was found, with the expression as Verilog.
    pub found: Vec<(Trap, String)>,
}

/// What Verilog makes of an expression in some context.
#[derive(Debug, Clone, Copy)]
struct Value {
    /// Bits in Rust; `None` for a number that takes the width of what it meets.
    rust: Option<usize>,
    /// Bits above the Rust width can be set.
    dirty: bool,
}

impl Checker<'_> {
    /// An expression assigned to something of `width` bits: its low bits count.
    pub fn assigned(&mut self, e: &Expression, width: usize) {
        self.precedence(e);
        let context = width.max(self.own_width(e));
        self.value(e, context);
    }

    /// A condition, an index or the operand of a `case`: every bit counts.
    pub fn observed(&mut self, e: &Expression) {
        self.precedence(e);
        self.looked_at(e, self.own_width(e), Trap::Width, "is looked at as a whole");
    }

    /// Width of `e` where nothing around it matters ("self-determined" in IEEE 1364).
    fn own_width(&self, e: &Expression) -> usize {
        match e {
            Expression::Signal(name) => match self.scope.meaning(name, self.loops) {
                Meaning::Signal(_, width) => width,
                _ => UNSIZED,
            },
            Expression::Literal(literal) => literal_width(literal),
            // Emitted as `((e) & bits'h…)`.
            Expression::Cast(e, bits) => self.own_width(e).max(*bits),
            Expression::Signed(e) | Expression::Unsigned(e) | Expression::Paren(e) => self.own_width(e),
            Expression::Binary(l, op, r) => match kind(op) {
                Kind::Compare | Kind::Logical => 1,
                Kind::Shift => self.own_width(l),
                Kind::Bitwise | Kind::Arithmetic => self.own_width(l).max(self.own_width(r)),
            },
            Expression::Unary(Unary::Not | Unary::Neg, e) => self.own_width(e),
            Expression::Unary(..) | Expression::Index(..) => 1,
            Expression::Slice(_, width, _) => *width,
            // Emitted as `(e & ~(1 << (i)) | ((v) << (i)))`.
            Expression::IndexReplace(e, _, v) => self.own_width(e).max(self.own_width(v)).max(UNSIZED),
        }
    }

    /// Bits of `e` in Rust.
    fn rust_width(&self, e: &Expression) -> Option<usize> {
        match e {
            Expression::Signal(name) => match self.scope.meaning(name, self.loops) {
                Meaning::Signal(_, width) => Some(width),
                _ => None,
            },
            Expression::Literal(literal) => (literal_width(literal) == 1).then_some(1),
            Expression::Cast(_, bits) => Some(*bits),
            Expression::Signed(e) | Expression::Unsigned(e) | Expression::Paren(e) => self.rust_width(e),
            Expression::Binary(l, op, r) => match kind(op) {
                Kind::Compare | Kind::Logical => Some(1),
                Kind::Shift => self.rust_width(l),
                Kind::Bitwise | Kind::Arithmetic => self.rust_width(l).or_else(|| self.rust_width(r)),
            },
            Expression::Unary(Unary::Not | Unary::Neg, e) => self.rust_width(e),
            Expression::Unary(..) | Expression::Index(..) => Some(1),
            Expression::Slice(_, width, _) => Some(*width),
            Expression::IndexReplace(e, ..) => self.rust_width(e),
        }
    }

    /// Walks `e` as Verilog computes it at `context` bits.
    fn value(&mut self, e: &Expression, context: usize) -> Value {
        let rust = self.rust_width(e);
        let wider = rust.is_some_and(|width| context > width);
        let clean = Value { rust, dirty: false };
        match e {
            Expression::Signal(name) => {
                self.name(name);
                clean
            }
            Expression::Literal(_) => clean,
            Expression::Paren(e) => self.value(e, context),
            Expression::Signed(inner) | Expression::Unsigned(inner) => {
                self.looked_at(inner, self.own_width(inner), Trap::Width, "changes its sign");
                clean
            }
            Expression::Cast(inner, bits) => {
                let value = self.value(inner, context.max(self.own_width(e)));
                if value.dirty && value.rust.is_some_and(|width| *bits > width) {
                    self.report(Trap::WideningCast, e, "takes bits along that Rust has cut off; cast the operands");
                }
                clean
            }
            Expression::Binary(l, op, r) => self.binary(l, op, r, e, context),
            Expression::Unary(Unary::Not | Unary::Neg, inner) => {
                self.value(inner, context);
                Value { rust, dirty: wider }
            }
            Expression::Unary(op, inner) => {
                let own = self.own_width(inner);
                self.looked_at(inner, own, Trap::Reduction, "is reduced");
                let over_more = matches!(op, Unary::All) && self.rust_width(inner).is_none_or(|width| own > width);
                if over_more {
                    self.report(Trap::Reduction, e, "asks for ones in bits Rust does not have");
                }
                clean
            }
            Expression::Index(base, index) | Expression::Slice(base, _, index) => {
                self.select_base(base, e);
                self.observed_inner(index);
                clean
            }
            Expression::IndexReplace(base, index, bit) => {
                self.value(base, context.max(self.own_width(e)));
                self.observed_inner(index);
                self.looked_at(bit, context.max(self.own_width(e)), Trap::Width, "is shifted into place");
                clean
            }
        }
    }

    fn binary(&mut self, l: &Expression, op: &Op, r: &Expression, e: &Expression, context: usize) -> Value {
        let rust = self.rust_width(e);
        let wider = rust.is_some_and(|width| context > width);
        match kind(op) {
            Kind::Compare => {
                let common = self.own_width(l).max(self.own_width(r));
                self.looked_at(l, common, Trap::Width, "is compared");
                self.looked_at(r, common, Trap::Width, "is compared");
                Value { rust, dirty: false }
            }
            Kind::Logical => {
                self.observed_inner(l);
                self.observed_inner(r);
                Value { rust, dirty: false }
            }
            Kind::Shift => {
                self.observed_inner(r);
                if matches!(op, Op::Shr) {
                    self.looked_at(l, context, Trap::Width, "is shifted right");
                    Value { rust, dirty: false }
                } else {
                    self.value(l, context);
                    Value { rust, dirty: wider }
                }
            }
            Kind::Arithmetic => {
                self.value(l, context);
                self.value(r, context);
                Value { rust, dirty: wider }
            }
            Kind::Bitwise => {
                let (l, r) = (self.value(l, context).dirty, self.value(r, context).dirty);
                let dirty = if matches!(op, Op::BitAnd) { l && r } else { l || r };
                Value { rust, dirty }
            }
        }
    }

    /// Walks `e` at `context` bits and reports it if something above its Rust width can be set.
    fn looked_at(&mut self, e: &Expression, context: usize, trap: Trap, how: &str) {
        let value = self.value(e, context);
        if value.dirty {
            let rust = value.rust.map_or_else(String::new, |width| format!(", Rust at {width}"));
            self.report(trap, e, &format!("{how} but computed at {context} bits{rust}; assign it to a sized Local first"));
        }
    }

    fn observed_inner(&mut self, e: &Expression) {
        self.looked_at(e, self.own_width(e), Trap::Width, "is looked at as a whole");
    }

    fn name(&mut self, name: &str) {
        let trap = match self.scope.meaning(name, self.loops) {
            Meaning::Signal(..) | Meaning::Number | Meaning::Label => return,
            Meaning::Unknown => (Trap::Leak, "is no signal of this block; use a Constant field"),
            Meaning::DynamicIndex => (Trap::DynamicIndex, "needs an index from literals and loop variables"),
            Meaning::TwoIndices => (Trap::TwoDimensions, "has two indices; flatten the array"),
        };
        self.found.push((trap.0, format!("`{name}` {}", trap.1)));
    }

    /// Verilog selects bits from names only.
    fn select_base(&mut self, base: &Expression, e: &Expression) {
        if matches!(base, Expression::Signal(_)) {
            self.value(base, self.own_width(base));
        } else {
            self.report(Trap::SelectBase, e, "selects bits of an expression; assign it to a Local first");
        }
    }

    /// Does Verilog group the operators as Rust did? Only parentheses written in the source are emitted.
    fn precedence(&mut self, e: &Expression) {
        if let Expression::Binary(l, op, r) = e {
            let own = strength(op);
            let left = matches!(&**l, Expression::Binary(_, op, _) if strength(op) < own);
            let right = matches!(&**r, Expression::Binary(_, op, _) if strength(op) <= own);
            if left || right {
                self.report(Trap::Precedence, e, "is grouped differently in Verilog; parenthesise it");
            }
        }
        for inner in children(e) {
            self.precedence(inner);
        }
    }

    fn report(&mut self, trap: Trap, e: &Expression, what: &str) {
        self.found.push((trap, format!("`{}` {what}", print(e))));
    }
}

enum Kind {
    Arithmetic,
    Bitwise,
    Shift,
    Compare,
    Logical,
}

fn kind(op: &Op) -> Kind {
    match op {
        Op::Add | Op::Sub | Op::Mul => Kind::Arithmetic,
        Op::BitAnd | Op::BitOr | Op::BitXor => Kind::Bitwise,
        Op::Shl | Op::Shr => Kind::Shift,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => Kind::Compare,
        Op::LogicalAnd | Op::LogicalOr => Kind::Logical,
    }
}

/// How strongly Verilog's operator binds (IEEE 1364-2005, table 5-4).
fn strength(op: &Op) -> u8 {
    match op {
        Op::Mul => 10,
        Op::Add | Op::Sub => 9,
        Op::Shl | Op::Shr => 8,
        Op::Lt | Op::Le | Op::Gt | Op::Ge => 7,
        Op::Eq | Op::Ne => 6,
        Op::BitAnd => 5,
        Op::BitXor => 4,
        Op::BitOr => 3,
        Op::LogicalAnd => 2,
        Op::LogicalOr => 1,
    }
}

fn symbol(op: &Op) -> &'static str {
    match op {
        Op::Mul => "*",
        Op::Add => "+",
        Op::Sub => "-",
        Op::Shl => "<<",
        Op::Shr => ">>",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::BitAnd => "&",
        Op::BitXor => "^",
        Op::BitOr => "|",
        Op::LogicalAnd => "&&",
        Op::LogicalOr => "||",
    }
}

fn children(e: &Expression) -> Vec<&Expression> {
    match e {
        Expression::Signal(_) | Expression::Literal(_) => vec![],
        Expression::Cast(e, _)
        | Expression::Signed(e)
        | Expression::Unsigned(e)
        | Expression::Paren(e)
        | Expression::Unary(_, e) => vec![e],
        Expression::Binary(a, _, b) | Expression::Index(a, b) | Expression::Slice(a, _, b) => vec![a, b],
        Expression::IndexReplace(a, b, c) => vec![a, b, c],
    }
}

/// A literal tells its width only when printed: `32'h5`.
fn literal_width(literal: &VerilogLiteral) -> usize {
    let text = literal.to_string();
    text.split('\'').next().and_then(|width| width.parse().ok()).unwrap_or(UNSIZED)
}

/// The expression close to how it is emitted.
pub fn print(e: &Expression) -> String {
    match e {
        Expression::Signal(name) => name.clone(),
        Expression::Literal(literal) => literal.to_string(),
        Expression::Cast(e, bits) => format!("bit_cast::<{bits}>({})", print(e)),
        Expression::Signed(e) => format!("$signed({})", print(e)),
        Expression::Unsigned(e) => format!("$unsigned({})", print(e)),
        Expression::Paren(e) => format!("({})", print(e)),
        Expression::Binary(l, op, r) => format!("{} {} {}", print(l), symbol(op), print(r)),
        Expression::Unary(op, e) => {
            let symbol = match op {
                Unary::Not => "~",
                Unary::Neg => "-",
                Unary::All => "&",
                Unary::Any => "|",
                Unary::Xor => "^",
            };
            format!("{symbol}{}", print(e))
        }
        Expression::Index(e, i) => format!("{}[{}]", print(e), print(i)),
        Expression::Slice(e, width, at) => format!("{}[{} +: {width}]", print(e), print(at)),
        Expression::IndexReplace(e, i, v) => format!("{}.replace_bit({}, {})", print(e), print(i), print(v)),
    }
}
