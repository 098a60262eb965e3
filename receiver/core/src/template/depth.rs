//! How deep blocks and expressions of a piece may lie within each other. Whoever parses, renders or drops it calls itself for
//! every level, and would end the program with its stack.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Blocks within each other, each `else if` counted as one more, and expressions in parentheses.
pub(super) const LEVELS: usize = 100;

/// What is said of a text in which they lie deeper.
pub(super) const TOO_DEEP: &str = "blocks or expressions lie too deep within each other";

/// What opens or closes something: a tag, with what it begins with; its end; parentheses.
static SIGNS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{+~?\s*(#|\^\s*[^\s}~]|/|else\s+[^\s}~])?|\}\}|\(|\)").ok());

/// What is open at some place.
#[derive(Default)]
struct Open {
    /// Of each block, how many levels it makes.
    blocks: Vec<usize>,
    levels: usize,
    in_tag: bool,
    parentheses: usize,
}

/// Where a piece goes too deep, in bytes, if it does.
pub(super) fn too_deep(source: &str) -> Option<usize> {
    let signs = SIGNS.as_ref()?;
    let mut open = Open::default();
    let found = signs.captures_iter(source).find(|sign| {
        open.take(sign);
        open.levels > LEVELS || open.parentheses > LEVELS
    });
    found.and_then(|sign| sign.get(0)).map(|sign| sign.start())
}

impl Open {
    fn take(&mut self, sign: &Captures<'_>) {
        match (sign.get_match().as_str(), sign.get(1).map(|first| first.as_str())) {
            ("(", _) => self.parentheses += usize::from(self.in_tag),
            (")", _) => self.parentheses = self.parentheses.saturating_sub(1),
            ("}}", _) => (self.in_tag, self.parentheses) = (false, 0),
            (tag, first) => {
                self.in_tag = true;
                let is_raw = first.is_none() && tag.starts_with("{{{{");
                self.begin(if is_raw { Some(tag) } else { first });
            }
        }
    }

    fn begin(&mut self, first: Option<&str>) {
        match first {
            None => {}
            Some("/") => self.levels -= self.blocks.pop().unwrap_or_default(),
            Some(more) if more.starts_with("else") => {
                if let Some(block) = self.blocks.last_mut() {
                    *block += 1;
                    self.levels += 1;
                }
            }
            Some(_) => {
                self.blocks.push(1);
                self.levels += 1;
            }
        }
    }
}
