//! Single faults in emitted Verilog: what shows that a proof or a test can fail.
//!
//! A fault is a change of text. It has to fit exactly one place: one that fits none would be "found" by nothing, one that fits
//! several would be many faults at once.

/// A change of one place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What stands there.
    pub find: String,
    /// What is to stand there.
    pub replace: String,
}

/// A change does not fit a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("replace {find:?}: it is there {count} times, not once")]
pub struct NotOnce {
    /// What was looked for.
    pub find: String,
    /// How often it is there.
    pub count: usize,
}

impl Change {
    /// The text with the change made.
    ///
    /// # Errors
    /// When what is to be replaced is not there exactly once.
    pub fn apply(&self, text: &str) -> Result<String, NotOnce> {
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => Err(NotOnce { find: self.find.clone(), count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_fits_one_place_or_none_is_made() {
        let change = |find: &str| Change { find: find.into(), replace: "x".into() };
        assert_eq!(change("b").apply("abc").as_deref(), Ok("axc"));
        assert_eq!(change("b").apply("abcb"), Err(NotOnce { find: "b".into(), count: 2 }));
        assert_eq!(change("d").apply("abc"), Err(NotOnce { find: "d".into(), count: 0 }));
    }
}
