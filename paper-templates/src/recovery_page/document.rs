//! What the recovery page takes out of `docs/recovery.md`, so that paper and document never differ.
//!
//! The document is in the binary as it is in the repository: its first Python block is the program, its
//! second the lines that check a typed program, the indented lines of its prose are commands.

const DOCUMENT: &str = include_str!("../../../docs/recovery.md");

/// Where the document's example stands for the fingerprint of the archive at hand.
pub(super) const EXAMPLE_FINGERPRINT: &str = "72787D59B28D73BDE05556B66A835F25F5F54617";

const COMMAND_INDENT: &str = "       ";

/// The program that turns sheets into the passphrase.
pub(super) fn script() -> &'static str {
    python_block(0)
}

/// The lines that print what stands before each line of the program.
pub(super) fn checker() -> &'static str {
    python_block(1)
}

/// The commands in the section under a heading, in order.
pub(super) fn commands(heading: &str) -> Vec<&'static str> {
    let below = |line: &&str| !(line.starts_with('#') && line.ends_with(heading));
    DOCUMENT
        .lines()
        .skip_while(below)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix(COMMAND_INDENT))
        .collect()
}

fn python_block(number: usize) -> &'static str {
    let block = DOCUMENT.split("```python\n").nth(number + 1);
    block
        .and_then(|block| block.split("```").next())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_holds_what_the_page_prints() {
        assert!(
            script().starts_with("#!/usr/bin/env python3\n") && script().ends_with("\nmain()\n")
        );
        assert_eq!(checker().lines().count(), 3);
        for (heading, command) in [
            ("2. The passphrase", "python3 recover.py "),
            ("3. The mails", "gpg $unlock --import "),
            ("Typing it from the recovery page", "sort -uV codes.txt "),
            ("Wipe what is left", "gpgconf "),
        ] {
            assert!(
                commands(heading)
                    .iter()
                    .any(|line| line.starts_with(command)),
                "{command} under {heading}"
            );
        }
        assert!(
            commands("2. The passphrase")
                .iter()
                .any(|line| line.contains(EXAMPLE_FINGERPRINT))
        );
    }
}
