//! Whose a folder is: what is done with seals is done by the user who runs the hook, who must be able to read and write what is left behind.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// The owner's name, when a folder does not belong to whoever runs this.
pub(crate) fn another_owner(folder: &Path) -> io::Result<Option<String>> {
    let owner = fs::metadata(folder)?.uid();
    let is_ours = owner == rustix::process::geteuid().as_raw();
    Ok((!is_ours).then(|| name_of(owner)))
}

fn name_of(uid: u32) -> String {
    let output = Command::new("id")
        .args(["-un", "--", &uid.to_string()])
        .output();
    let name = output.ok().filter(|output| output.status.success());
    let name = name.and_then(|output| String::from_utf8(output.stdout).ok());
    name.map_or_else(|| format!("'#{uid}'"), |name| name.trim().to_owned())
}
