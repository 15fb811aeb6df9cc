//! `custodians.json`, for answering sheets with their custodians' names. Believed only when its hash is the manifest's.

use std::io::{self, Read as _};
use std::path::Path;

use archiver_core::manifest::{Custodians, CustodiansRefused, Manifest};
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::regular_file::open_regular;

/// No `custodians.json` is larger.
const MOST_BYTES: u64 = 1 << 20;

/// A `custodians.json` that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CustodiansFileError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{path} {source}")]
    Refused {
        path: String,
        source: CustodiansRefused,
    },
}

impl Explained for CustodiansFileError {
    fn hint(&self) -> String {
        "name with --custodians the file record/custodians.json of this ceremony, or leave it out: then sheets are answered without names".to_owned()
    }

    fn exit(&self) -> Exit {
        Exit::Input
    }
}

/// Reads the file, if one is named.
pub(crate) fn custodians_of(
    path: Option<&Path>,
    manifest: &Manifest,
) -> Result<Option<Custodians>, CustodiansFileError> {
    let Some(path) = path else { return Ok(None) };
    let unreadable = |source| CustodiansFileError::Unreadable {
        path: shown(path),
        source,
    };
    let mut json = Vec::new();
    let (file, _) = open_regular(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut json)
        .map_err(unreadable)?;
    let custodians = Custodians::verified(&json, manifest);
    custodians
        .map(Some)
        .map_err(|source| CustodiansFileError::Refused {
            path: shown(path),
            source,
        })
}
