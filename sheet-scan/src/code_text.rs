//! The text of a QR code, held as the secret it usually is.
//!
//! Refuses to be copied, compared, printed or serialized: who wants the text has to say so.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// The text of one QR code, wiped from memory when dropped.
///
/// It may be a custodian's share or the web address on an advertisement: whose it is, the caller
/// finds out by parsing it.
pub struct CodeText(Zeroizing<String>);

impl CodeText {
    /// The text itself, a secret.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
    }

    /// Takes a code's bytes as UTF-8, or as Latin-1 where they are not; the QR standard allows both
    /// (ISO/IEC 18004, 7.3.5).
    pub(crate) fn from_code_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self(Zeroizing::new(text.to_owned())),
            Err(_) => Self::from_latin_1(bytes),
        }
    }

    /// Takes over a text that a reader made.
    pub(crate) fn from_text(mut text: String) -> Self {
        let copy = Self(Zeroizing::new(text.clone()));
        text.zeroize();
        copy
    }

    /// Adds this text to the list unless it stands there already.
    pub(crate) fn join(self, found: &mut Vec<CodeText>) {
        if found.iter().all(|other| *other.0 != *self.0) {
            found.push(self);
        }
    }

    fn from_latin_1(bytes: &[u8]) -> Self {
        // Room for two bytes a character, so that the text never moves and leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
        text.extend(bytes.iter().map(|&byte| char::from(byte)));
        Self(text)
    }
}

impl fmt::Debug for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeText(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> CodeText {
        CodeText::from_code_bytes(bytes)
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_taken_as_latin_1() {
        assert_eq!(text("Zürich".as_bytes()).expose_text(), "Zürich");
        assert_eq!(text(b"Z\xfcrich").expose_text(), "Zürich");
    }

    #[test]
    fn a_text_joins_a_list_only_once() {
        let mut found = Vec::new();
        for bytes in [b"one", b"two", b"one"] {
            text(bytes).join(&mut found);
        }
        let found: Vec<_> = found.iter().map(CodeText::expose_text).collect();
        assert_eq!(found, ["one", "two"]);
    }

    #[test]
    fn debug_does_not_tell_the_text() {
        assert_eq!(format!("{:?}", text(b"share")), "CodeText(<redacted>)");
    }

    /// Does not compile once the type gains one of the traits: the method would be ambiguous.
    #[test]
    fn a_text_cannot_be_cloned_printed_or_compared() {
        trait Lacks<Which> {
            fn holds() {}
        }
        struct Any;
        struct Cloned;
        struct Printed;
        struct Compared;
        impl<T> Lacks<Any> for T {}
        impl<T: Clone> Lacks<Cloned> for T {}
        impl<T: fmt::Display> Lacks<Printed> for T {}
        impl<T: PartialEq> Lacks<Compared> for T {}
        <CodeText as Lacks<_>>::holds();
    }
}
