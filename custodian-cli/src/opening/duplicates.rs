//! Which mails came before, byte for byte. Nothing is dropped for it: duplicates are only marked.

use std::collections::HashMap;

use super::row::Row;

/// The first record of each mail, by the start of the mail's SHA-256: 17 to 34 bytes a mail. (The whole digest stands in the
/// manifest.)
#[derive(Debug, Default)]
pub(super) struct Duplicates(HashMap<[u8; 12], u32>);

impl Duplicates {
    /// The record with the same mail before this one, if any. An equal digest means an equal Message-ID.
    pub(super) fn earlier(&mut self, row: &Row) -> Option<u64> {
        let (digest, ..) = row.mail_sha256()?.split_first_chunk::<12>()?;
        let record = u32::try_from(row.record?).ok()?;
        let first = *self.0.entry(*digest).or_insert(record);
        (first != record).then_some(u64::from(first))
    }
}
