//! What a path may not lead to: anything but a file or a folder, a link that leads nowhere, and a network file system that is not allowed.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use rustix::fs::StatFs;
use thiserror::Error;

/// What a vault's path leads to instead of a file that can be appended to.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("it is a {0}, and a file belongs there")]
    NotAFile(&'static str),
    #[error("it is a {0}; give --vault the path of a file or of a folder of segments")]
    NoVault(&'static str),
    #[error("it is no folder; make it, or leave out the / at the end for a vault that is one file")]
    NoSegmentFolder,
    #[error(
        "its folder does not exist; make it, owned by the user who runs the hook (the hook never makes folders)"
    )]
    NoFolder,
    #[error(
        "it is a symbolic link that leads nowhere; mend the link, or make the file that it leads to"
    )]
    DanglingLink,
    #[error(
        "it is on a network file system ({0}), where locks and syncs may not hold; move it to a local disk, or give --allow-network-fs"
    )]
    Network(&'static str),
    #[error(
        "{0} belongs to another user; run this as the user who runs the hook, to whom it must belong"
    )]
    OfAnother(String),
    #[error(
        "{0} may be read or written by others than its owner, who could forge the seals of the days to come; run: chmod go-rwx {0}, and tell the auditor since when"
    )]
    Exposed(String),
    #[error("{0} is a link, or has another name too, so that it is not touched")]
    Shared(String),
    #[error("another program has held its lock for more than {} seconds; look for it with: fuser -v {path}", .patience.as_secs())]
    Patience { path: String, patience: Duration },
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

/// What it is, when it is no file.
pub(super) fn kind_if_no_file(kind: fs::FileType) -> Option<&'static str> {
    Some(match kind {
        _ if kind.is_file() => return None,
        _ if kind.is_dir() => "folder",
        _ if kind.is_fifo() => "FIFO",
        _ if kind.is_socket() => "socket",
        _ => "device",
    })
}

/// The name of a network file system, by its magic number in statfs(2). FUSE is not here: it carries local file systems too.
pub(super) fn network_file_system(file_system: &StatFs) -> Option<&'static str> {
    const MAGICS: [(u64, &str); 9] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x564c, "NCP"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
        (0x00c3_6400, "Ceph"),
        (0x0102_1997, "9P"),
    ];
    // 32 bits, which some systems extend with their sign.
    let magic = file_system.f_type.cast_unsigned() & 0xffff_ffff;
    let known = MAGICS.iter().find(|(known, _)| *known == magic);
    known.map(|(_, name)| *name)
}
