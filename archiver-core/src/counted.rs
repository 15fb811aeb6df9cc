//! A number of things, in words: "1 record", "3 records".

use std::fmt;

/// A number of things, with the thing's name in the singular; the plural is made with an s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<'a>(pub u64, pub &'a str);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        let plural = if *number == 1 { "" } else { "s" };
        write!(f, "{number} {thing}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::Counted;

    #[test]
    fn one_thing_is_no_plural() {
        let counted = [0, 1, 2].map(|number| Counted(number, "record").to_string());
        assert_eq!(counted, ["0 records", "1 record", "2 records"]);
    }
}
