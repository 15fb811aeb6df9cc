//! The user who runs the hook, by name and numbers.

use std::process::Command;

use thiserror::Error;

const USUAL: &str = "archiver";

/// A user of this system.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// This process may start others as that user.
    pub(crate) is_root_acting: bool,
}

/// Why nobody can be named.
#[derive(Debug, Error)]
pub(crate) enum UserError {
    #[error(
        "there is no user {0}; make one with: useradd --system --user-group --home-dir /var/lib/archiver --shell /usr/sbin/nologin {0}"
    )]
    Unknown(String),
    #[error("this runs as {0}, who can prove nothing for {1}; run it as root, or as {1}")]
    Another(String, String),
    #[error("the hook must not run as root; name another user with --user")]
    Root,
}

impl User {
    /// The user with this name. Without one: whoever runs this, or, when that is root, the usual user.
    pub(crate) fn who_runs_the_hook(name: Option<&str>) -> Result<Self, UserError> {
        let me = rustix::process::geteuid().as_raw();
        let my_name = id(&["-un"]).unwrap_or_else(|| me.to_string());
        let name = match name {
            Some(name) => name.to_owned(),
            None if me == 0 => USUAL.to_owned(),
            None => my_name.clone(),
        };
        let number = |what| id(&[what, "--", &name]).and_then(|id| id.parse().ok());
        let (Some(uid), Some(gid)) = (number("-u"), number("-g")) else {
            return Err(UserError::Unknown(name));
        };
        match uid {
            0 => Err(UserError::Root),
            uid if me != 0 && uid != me => Err(UserError::Another(my_name, name)),
            uid => Ok(Self {
                name,
                uid,
                gid,
                is_root_acting: me == 0,
            }),
        }
    }
}

/// Asks id(1), which knows users of every kind, also of a directory service.
fn id(args: &[&str]) -> Option<String> {
    let output = Command::new("id").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
