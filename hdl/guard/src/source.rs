//! A scan of the source for traps that leave no trace in rust-hdl's syntax tree.
//!
//! Looks at every function marked `#[hdl_gen]` and every struct that derives `LogicBlock` or `LogicInterface`. Code inside
//! `macro_rules!` is tokens and is not seen here; the lint over the syntax tree sees what it expands to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::{Finding, Trap};

/// Why a scan gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read.
    #[error("read {}: {source}", .path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// Why it could not be.
        source: io::Error,
    },
    /// A file is not Rust.
    #[error("parse {}: {source}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: syn::Error,
    },
}

/// Calls that `#[hdl_gen]` recognises by how they begin; anything longer is mistaken for them.
const CASTS: &[&str] = &["bits", "Bits", "bit_cast", "unsigned_cast", "signed_bit_cast", "signed_cast"];

/// Methods whose calls `#[hdl_gen]` refuses, though the type has them.
const REFUSED_METHODS: &[&str] = &["rev", "set_bit", "set_bits"];

/// Scans every `.rs` file below `directory`.
///
/// # Errors
/// [`Error`] names the file.
pub fn scan_directory(directory: &Path) -> Result<Vec<Finding>, Error> {
    let mut found = vec![];
    for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
        let entry = entry.map_err(|e| Error::Read { path: directory.to_owned(), source: e.into() })?;
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
            let shown = path.strip_prefix(directory).unwrap_or(path);
            let findings = scan_text(&text, &shown.display().to_string());
            found.extend(findings.map_err(|source| Error::Parse { path: path.to_owned(), source })?);
        }
    }
    Ok(found)
}

/// Scans one file's text; findings name it `file`.
///
/// # Errors
/// If it does not parse as Rust.
pub fn scan_text(text: &str, file: &str) -> syn::Result<Vec<Finding>> {
    let mut scan = Scan { file, kernel: false, loops: vec![], found: vec![] };
    scan.visit_file(&syn::parse_file(text)?);
    Ok(scan.found)
}

struct Scan<'a> {
    file: &'a str,
    /// Inside a function that becomes Verilog.
    kernel: bool,
    loops: Vec<String>,
    found: Vec<Finding>,
}

impl Scan<'_> {
    fn report(&mut self, trap: Trap, at: &impl Spanned, detail: impl Into<String>) {
        let place = format!("{}:{}", self.file, at.span().start().line);
        self.found.push(Finding { trap, place, detail: detail.into() });
    }

    fn refuse(&mut self, at: &impl Spanned, what: &str) {
        self.report(Trap::Untranslatable, at, format!("{what} does not translate"));
    }

    /// `if` and `match` are statements: their value must not be used.
    fn value(&mut self, e: &syn::Expr) {
        match e {
            syn::Expr::If(_) => self.refuse(e, "`if` as a value"),
            syn::Expr::Match(_) => self.refuse(e, "`match` as a value"),
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if derives(&item.attrs, &["LogicBlock", "LogicInterface"]) {
            for field in &item.fields {
                if let syn::Type::Array(outer) = &field.ty
                    && matches!(*outer.elem, syn::Type::Array(_))
                {
                    self.report(Trap::TwoDimensions, field, "an array of arrays; flatten it");
                }
            }
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let outer = std::mem::replace(&mut self.kernel, item.attrs.iter().any(|a| a.path().is_ident("hdl_gen")));
        visit::visit_impl_item_fn(self, item);
        self.kernel = outer;
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if self.kernel {
            self.refuse(local, "`let`");
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_for_loop(&mut self, e: &'ast syn::ExprForLoop) {
        if self.kernel
            && let syn::Expr::Range(range) = &*e.expr
            && matches!(range.limits, syn::RangeLimits::Closed(_))
        {
            self.report(Trap::InclusiveRange, range, "`..=` is emitted as `..`: the last round is missing");
        }
        // The bounds are evaluated in Rust: nothing in them is emitted.
        let name = match &*e.pat {
            syn::Pat::Ident(name) => name.ident.to_string(),
            _ => String::new(),
        };
        self.loops.push(name);
        self.visit_block(&e.body);
        self.loops.pop();
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if self.kernel {
            if let Some((_, guard)) = &arm.guard {
                self.report(Trap::MatchGuard, &**guard, "the guard is dropped: put an `if` into the arm");
            }
            if matches!(arm.pat, syn::Pat::Or(_)) {
                self.refuse(&arm.pat, "a pattern with `|`");
            }
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if self.kernel
            && let syn::Expr::Path(path) = &*call.func
        {
            let segments: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let (first, last) = (segments.first().cloned().unwrap_or_default(), segments.last().cloned().unwrap_or_default());
            let like = CASTS.iter().find(|cast| first.starts_with(**cast));
            if let Some(cast) = like
                && !CASTS.contains(&first.as_str())
            {
                let detail = format!("`{first}` begins like `{cast}` and is taken for a cast: the call vanishes");
                self.report(Trap::CastName, call, detail);
            } else if like.is_none() && segments.len() > 1 && !["link", "join"].contains(&last.as_str()) {
                self.refuse(call, &format!("a call of `{last}`"));
            } else if like.is_none() && segments.len() == 1 {
                self.refuse(call, &format!("a call of `{first}`"));
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if self.kernel && REFUSED_METHODS.contains(&name.as_str()) {
            self.refuse(call, &format!("`.{name}()`"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_index(&mut self, e: &'ast syn::ExprIndex) {
        if self.kernel {
            let mut names = Names::default();
            names.visit_expr(&e.index);
            if let Some(name) = names.0.iter().find(|name| !self.loops.contains(name)) {
                let detail = format!("`{name}` in an index is no loop variable: the generator panics");
                self.report(Trap::DynamicIndex, e, detail);
            }
        }
        visit::visit_expr_index(self, e);
    }

    fn visit_expr_binary(&mut self, e: &'ast syn::ExprBinary) {
        use syn::BinOp::{
            AddAssign, BitAndAssign, BitOrAssign, BitXorAssign, DivAssign, MulAssign, Rem, RemAssign, ShlAssign, ShrAssign,
            SubAssign,
        };
        if self.kernel {
            match e.op {
                AddAssign(_) | SubAssign(_) | MulAssign(_) | DivAssign(_) | RemAssign(_) | BitXorAssign(_) | BitAndAssign(_)
                | BitOrAssign(_) | ShlAssign(_) | ShrAssign(_) => self.refuse(e, "a compound assignment"),
                Rem(_) => self.refuse(e, "`%`"),
                _ => {}
            }
            self.value(&e.left);
            self.value(&e.right);
        }
        visit::visit_expr_binary(self, e);
    }

    fn visit_expr_assign(&mut self, e: &'ast syn::ExprAssign) {
        if self.kernel {
            self.value(&e.right);
            if matches!(*e.left, syn::Expr::Index(_)) {
                self.refuse(e, "an indexed assignment");
            }
        }
        visit::visit_expr_assign(self, e);
    }

    fn visit_expr_cast(&mut self, e: &'ast syn::ExprCast) {
        if self.kernel {
            self.refuse(e, "`as`");
        }
        visit::visit_expr_cast(self, e);
    }

    fn visit_expr_return(&mut self, e: &'ast syn::ExprReturn) {
        if self.kernel {
            self.refuse(e, "`return`");
        }
        visit::visit_expr_return(self, e);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if self.kernel
            && let syn::Stmt::Expr(syn::Expr::Block(block), _) = statement
        {
            self.refuse(block, "a bare block");
        }
        visit::visit_stmt(self, statement);
    }

    // Generic arguments are evaluated in Rust: `get_bits::<{ F.width as usize }>` is no cast in Verilog.
    fn visit_angle_bracketed_generic_arguments(&mut self, _arguments: &'ast syn::AngleBracketedGenericArguments) {}
}

/// The plain names in an expression.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.0.extend(path.path.segments.last().map(|segment| segment.ident.to_string()));
    }
}

fn derives(attributes: &[syn::Attribute], wanted: &[&str]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
        // A derive list always parses: rustc has accepted the file.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= wanted.iter().any(|name| meta.path.is_ident(name));
            Ok(())
        });
    }
    found
}
