//! What stands on the page docs/mail-server.md.

const PAGE: &str = include_str!("../../../docs/mail-server.md");

/// The block in this language whose first line is a comment that names `file`.
pub(crate) fn recipe(language: &str, file: &str) -> &'static str {
    let first = format!("# {file}\n");
    blocks(language)
        .find(|block| block.starts_with(&first))
        .unwrap_or_else(|| panic!("the page has no {language} block for {file}"))
}

/// All commands that the page has an administrator run, in the page's order.
pub(crate) fn commands() -> Vec<&'static str> {
    blocks("sh").collect()
}

/// The commands under one of the page's headings.
pub(crate) fn commands_under(heading: &str) -> String {
    let start = PAGE.find(&format!("\n## {heading}\n"));
    let section = &PAGE[start.unwrap_or_else(|| panic!("no heading {heading}")) + 1..];
    let end = section.find("\n## ").unwrap_or(section.len());
    blocks_in(&section[..end], "sh").collect()
}

/// The line by which a mail server starts `program`.
pub(crate) fn command_line(program: &str) -> &'static str {
    let indented = PAGE.lines().filter_map(|line| line.strip_prefix("    "));
    let mut found = indented.filter(|line| line.starts_with(program));
    found.next().expect("a command line on the page")
}

/// Whether the page shows this text, `…` standing for what differs each time.
pub(crate) fn shows(text: &str) -> bool {
    PAGE.contains(text)
}

fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    blocks_in(PAGE, language)
}

fn blocks_in(text: &'static str, language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let starts: Vec<usize> = text.match_indices(&fence).map(|(at, _)| at).collect();
    starts.into_iter().map(move |at| {
        let body = &text[at + fence.len()..];
        &body[..body.find("```").expect("the block ends")]
    })
}
