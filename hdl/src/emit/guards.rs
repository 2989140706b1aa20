//! Conditions written so that the value before stands in one place.
//!
//! `if (a) begin if (b) q <= x; end` leaves `q` as it was in two places: with `a` and not `b`, and without `a`. Each is a
//! multiplexer, and of three such statements behind each other the value before has eight. Synthesis does not find its way back: yosys makes
//! no clock enable of it, and four lookup tables a bit where one would do. `if (a && b) q <= x;` says the same in one place.
//!
//! # Contract
//! Statements of one target in and out: they assign the same value. Where the first always assigns it, none assigns a part of it and no condition
//! reads it, every `if` that comes out keeps the value before in one place at most. A `case` stays as it is.

use super::statements::{Statement, identifiers};

/// `part`, which assigns `target` alone, with every `if` that keeps the value before in several places taken apart.
pub fn guard(part: Vec<Statement>, target: &str) -> Vec<Statement> {
    // Without a value at first, arms that assign together would no longer be seen to do so.
    let begins = part.first().is_some_and(|first| keeps(first) == 0);
    if !begins || !part.iter().all(|statement| is_plain(statement, target)) {
        return part;
    }
    part.into_iter().flat_map(|statement| guarded(statement, "")).collect()
}

/// Whether `statement` assigns all of `target` wherever it does, and no condition in it reads `target`.
fn is_plain(statement: &Statement, target: &str) -> bool {
    let is_free = |text: &str| !identifiers(text).any(|name| name == target);
    let all_plain = |arms: &[(String, Vec<Statement>)]| arms.iter().all(|(_, body)| body.iter().all(|s| is_plain(s, target)));
    match statement {
        Statement::Assign { text, .. } => text.starts_with(&format!("{target} = ")),
        Statement::If(arms) => arms.iter().all(|(condition, _)| is_free(condition)) && all_plain(arms),
        Statement::Case(selector, arms) => is_free(selector) && all_plain(arms),
    }
}

/// In how many places `statement` keeps the value before it.
fn keeps(statement: &Statement) -> usize {
    let arms_keep = |arms: &[(String, Vec<Statement>)]| -> usize { arms.iter().map(|(_, body)| body_keeps(body)).sum() };
    match statement {
        Statement::Assign { .. } => 0,
        Statement::If(arms) => {
            let has_else = arms.last().is_some_and(|(condition, _)| condition.is_empty());
            arms_keep(arms) + usize::from(!has_else)
        }
        // As if no label were the default one.
        Statement::Case(_, arms) => arms_keep(arms) + 1,
    }
}

/// In how many places `body` keeps the value before it: in none when a statement of it always assigns, else where its first does.
fn body_keeps(body: &[Statement]) -> usize {
    if body.iter().any(|statement| keeps(statement) == 0) { 0 } else { body.first().map_or(1, keeps) }
}

/// `statement` where `condition` holds; everywhere if that is empty.
fn guarded(statement: Statement, condition: &str) -> Vec<Statement> {
    let statement = match statement {
        Statement::If(arms) => Statement::If(
            arms.into_iter().map(|(test, body)| (test, body.into_iter().flat_map(|s| guarded(s, "")).collect())).collect(),
        ),
        other => other,
    };
    let kept = keeps(&statement);
    match statement {
        Statement::If(arms) if kept > 1 || (kept > 0 && !condition.is_empty()) => {
            let mut before = condition.to_owned();
            let mut out = Vec::new();
            for (test, body) in arms {
                let this = both(&before, &test);
                if body_keeps(&body) == 0 {
                    out.push(Statement::If(vec![(this, body)]));
                } else {
                    out.extend(body.into_iter().flat_map(|s| guarded(s, &this)));
                }
                before = both(&before, &format!("!({test})"));
            }
            out
        }
        other if condition.is_empty() => vec![other],
        other => vec![Statement::If(vec![(condition.to_owned(), vec![other])])],
    }
}

fn both(a: &str, b: &str) -> String {
    match (a, b) {
        ("", one) | (one, "") => one.to_owned(),
        (a, b) => format!("({a}) && ({b})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::statements::{print, read};
    use super::*;

    /// What becomes of `text`, a line a statement.
    fn guarded_text(text: &str) -> String {
        let lines: Vec<&str> = text.lines().chain(["end"]).collect();
        let statements = read(&lines, &mut 0).expect("statements of rust-hdl");
        let mut out = String::new();
        print(&guard(statements, "q"), 0, &str::to_owned, &mut out);
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn conditions_within_each_other_become_one() {
        let nested = "q = p;\nif (a) begin\nif (b) begin\nif (c) begin\nq = x;\nend\nend\nend";
        assert_eq!(guarded_text(nested), "q = p; if ((a) && ((b) && (c))) begin q = x; end");
    }

    #[test]
    fn arms_that_keep_the_value_exclude_each_other() {
        let arms = "q = p;\nif (a) begin\nif (b) begin\nq = x;\nend\nend\nelse if (c) begin\nq = y;\nend\nelse begin\nif (d) begin\nq = z;\nend\nend";
        let due = "q = p; if ((a) && (b)) begin q = x; end if ((!(a)) && (c)) begin q = y; end \
                   if (((!(a)) && (!(c))) && (d)) begin q = z; end";
        assert_eq!(guarded_text(arms), due);
    }

    #[test]
    fn what_keeps_the_value_in_one_place_stays() {
        let one = "q = p;\nif (a) begin\nq = x;\nif (b) begin\nq = y;\nend\nend\nelse if (c) begin\nq = z;\nend";
        assert_eq!(guarded_text(one), one.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn parts_conditions_that_read_the_target_and_what_begins_without_a_value_stay() {
        for text in [
            "q = p;\nif (a) begin\nif (b) begin\nq[(0)+:(2)] = x;\nend\nend",
            "q = p;\nif (a) begin\nif (q) begin\nq = x;\nend\nend",
            "if (a) begin\nif (b) begin\nq = x;\nend\nelse begin\nq = y;\nend\nend\nelse begin\nq = z;\nend",
        ] {
            assert_eq!(guarded_text(text), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
