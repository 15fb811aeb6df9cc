//! Who keeps which sheet: `custodians.json`. Names tell a coercer whom to visit, so this file is kept with the ceremony record and not published;
//! the manifest holds its salted hash.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Heading, InvalidField, Manifest, parse_field, parse_hex};
use crate::secret::{NoRandomness, random_bytes};
use crate::sharing::SetId;
use crate::threshold::ShareIndex;

const FORMAT: &str = "archiver custodians";
const VERSION: u32 = 1;
const LABEL: &[u8] = b"archiver v1 custodians\0";
/// 255 custodians with three fields of some lines each.
const MOST_BYTES: usize = 1 << 20;

/// One custodian and the sheet that he keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// Which share is his.
    pub share: ShareIndex,
    /// His name.
    pub name: String,
    /// His role.
    pub role: String,
    /// The serial of his envelope.
    pub envelope: String,
}

/// The custodians of one set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodians {
    set_id: SetId,
    salt: [u8; 32],
    entries: Vec<Custodian>,
}

/// Custodians that cannot be written down.
#[derive(Debug, Error)]
pub enum CustodiansError {
    /// No randomness for the salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A name, role or envelope serial is far too long.
    #[error("the {field} of custodian {share} is longer than 65,535 bytes")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// Whose.
        share: ShareIndex,
    },
    /// Serialization failed.
    #[error("custodians.json cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// A `custodians.json` that is not the one of this ceremony.
#[derive(Debug, Error)]
pub enum CustodiansRefused {
    /// Too large to be one.
    #[error("too large: custodians.json has at most 1 MiB")]
    TooLarge,
    /// Not the JSON that is expected.
    #[error("damaged: {0}")]
    Json(#[from] serde_json::Error),
    /// Some other file, or a newer version.
    #[error("is {format:?} version {version}, not {FORMAT:?} version {VERSION}")]
    OtherFormat {
        /// The format named in the file.
        format: String,
        /// The version named in the file.
        version: u32,
    },
    /// A field that cannot be read.
    #[error("damaged: the field {field} is not valid")]
    Field {
        /// The field's name.
        field: &'static str,
    },
    /// Another ceremony's.
    #[error("belongs to another ceremony: it says set {file}, the public folder is set {archive}")]
    OtherSet {
        /// The set named in the file.
        file: SetId,
        /// The manifest's set.
        archive: SetId,
    },
    /// Its salted hash is not the manifest's.
    #[error("was changed: its hash is not the one in custody.json")]
    Changed,
}

impl From<InvalidField> for CustodiansRefused {
    fn from(InvalidField(field): InvalidField) -> Self {
        Self::Field { field }
    }
}

impl Custodians {
    /// Reads `custodians.json` and compares its set id and its salted hash with the manifest's. The hash stands in the manifest's descriptive part, which the
    /// sheets do not authenticate: the names are as good as the manifest's signature, or as the copy that it was taken from.
    ///
    /// # Errors
    /// When the file is damaged, of another format, of another set, or not the one whose hash the manifest holds.
    pub fn verified(json: &[u8], manifest: &Manifest) -> Result<Self, CustodiansRefused> {
        if json.len() > MOST_BYTES {
            return Err(CustodiansRefused::TooLarge);
        }
        let Heading { format, version } = serde_json::from_slice(json)?;
        if format != FORMAT || version != VERSION {
            return Err(CustodiansRefused::OtherFormat { format, version });
        }
        let custodians = serde_json::from_slice::<CustodiansFile>(json)?.parse()?;
        let archive = manifest.sharing.set_id();
        if custodians.set_id != archive {
            return Err(CustodiansRefused::OtherSet {
                file: custodians.set_id,
                archive,
            });
        }
        match custodians.salted_hash() {
            Ok(hash) if hash == manifest.description.custodians_sha256 => Ok(custodians),
            _ => Err(CustodiansRefused::Changed),
        }
    }

    /// Who keeps a share.
    #[must_use]
    pub fn keeper_of(&self, share: ShareIndex) -> Option<&Custodian> {
        self.entries
            .iter()
            .find(|custodian| custodian.share == share)
    }

    /// Joins the custodians of a set, in order of their shares, with a fresh salt.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(set_id: SetId, mut custodians: Vec<Custodian>) -> Result<Self, CustodiansError> {
        custodians.sort_by_key(|custodian| custodian.share);
        Ok(Self {
            set_id,
            salt: random_bytes()?,
            entries: custodians,
        })
    }

    /// The hash that the manifest holds.
    ///
    /// # Errors
    /// When a field is longer than 65,535 bytes.
    pub fn salted_hash(&self) -> Result<[u8; 32], CustodiansError> {
        let mut hash = Sha256::new()
            .chain_update(LABEL)
            .chain_update(self.salt)
            .chain_update(self.set_id.as_bytes());
        for custodian in &self.entries {
            hash.update([custodian.share.get()]);
            let fields = [
                ("name", &custodian.name),
                ("role", &custodian.role),
                ("envelope", &custodian.envelope),
            ];
            for (field, text) in fields {
                let length = u16::try_from(text.len()).map_err(|_| CustodiansError::TooLong {
                    field,
                    share: custodian.share,
                })?;
                hash.update(length.to_be_bytes());
                hash.update(text);
            }
        }
        Ok(hash.finalize().into())
    }

    /// Writes `custodians.json`.
    ///
    /// # Errors
    /// When serialization fails, which it does not for these types.
    pub fn to_json(&self) -> Result<Vec<u8>, CustodiansError> {
        let file = CustodiansFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            set_id: self.set_id.to_string(),
            salt: HEXLOWER.encode(&self.salt),
            custodians: self.entries.iter().map(CustodianEntry::from).collect(),
        };
        let mut json = serde_json::to_vec_pretty(&file)?;
        json.push(b'\n');
        Ok(json)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustodiansFile {
    format: String,
    version: u32,
    set_id: String,
    salt: String,
    custodians: Vec<CustodianEntry>,
}

impl CustodiansFile {
    fn parse(self) -> Result<Custodians, CustodiansRefused> {
        Ok(Custodians {
            set_id: parse_field("set_id", &self.set_id)?,
            salt: parse_hex("salt", &self.salt)?,
            entries: self
                .custodians
                .into_iter()
                .map(CustodianEntry::parse)
                .collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustodianEntry {
    share: u8,
    name: String,
    role: String,
    envelope: String,
}

impl CustodianEntry {
    fn parse(self) -> Result<Custodian, CustodiansRefused> {
        Ok(Custodian {
            share: ShareIndex::new(self.share).ok_or(InvalidField("share"))?,
            name: self.name,
            role: self.role,
            envelope: self.envelope,
        })
    }
}

impl From<&Custodian> for CustodianEntry {
    fn from(custodian: &Custodian) -> Self {
        Self {
            share: custodian.share.get(),
            name: custodian.name.clone(),
            role: custodian.role.clone(),
            envelope: custodian.envelope.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::manifest::tests::manifest;

    fn bo() -> Custodian {
        Custodian {
            share: ShareIndex::new(1).unwrap(),
            name: "Bo Berg".to_owned(),
            role: "CFO".to_owned(),
            envelope: "A-1".to_owned(),
        }
    }

    #[test]
    fn the_hash_binds_every_field_and_the_salt() {
        let set_id = SetId::from_bytes([7; 12]);
        let one = Custodians::new(set_id, vec![bo()]).unwrap();
        let other_salt = Custodians::new(set_id, vec![bo()]).unwrap();
        assert_ne!(
            one.salted_hash().unwrap(),
            other_salt.salted_hash().unwrap()
        );

        // Moving a letter over a field's border changes the hash.
        let moved = Custodian {
            name: "Bo BergC".to_owned(),
            role: "FO".to_owned(),
            ..bo()
        };
        let moved = Custodians {
            entries: vec![moved],
            ..one.clone()
        };
        assert_ne!(one.salted_hash().unwrap(), moved.salted_hash().unwrap());
    }

    /// A manifest and the `custodians.json` whose hash it holds.
    fn written() -> (Manifest, String) {
        let mut manifest = manifest();
        let custodians = Custodians::new(manifest.sharing.set_id(), vec![bo()]).unwrap();
        manifest.description.custodians_sha256 = custodians.salted_hash().unwrap();
        let json = String::from_utf8(custodians.to_json().unwrap()).unwrap();
        (manifest, json)
    }

    #[test]
    fn what_was_written_is_read_and_tells_who_keeps_which_share() {
        let (manifest, json) = written();
        let custodians = Custodians::verified(json.as_bytes(), &manifest).unwrap();
        let keeper = |share| custodians.keeper_of(ShareIndex::new(share).unwrap());
        assert_eq!(keeper(1), Some(&bo()));
        assert_eq!(keeper(2), None);
    }

    #[test]
    fn every_changed_value_is_noticed() {
        let (manifest, json) = written();
        let salt = HEXLOWER.encode(
            &Custodians::verified(json.as_bytes(), &manifest)
                .unwrap()
                .salt,
        );
        for (from, to) in [
            ("Bo Berg", "Bo Burg"),
            ("CFO", "CEO"),
            ("A-1", "A-2"),
            ("\"share\": 1", "\"share\": 2"),
            (salt.as_str(), &"00".repeat(32)),
        ] {
            assert!(json.contains(from), "{from}");
            let changed = json.replacen(from, to, 1);
            assert!(
                matches!(
                    Custodians::verified(changed.as_bytes(), &manifest),
                    Err(CustodiansRefused::Changed)
                ),
                "{from}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_this_ceremonys_is_refused_with_the_reason() {
        let (ours, json) = written();
        let (_, others) = written();
        let refused = |json: &str| {
            Custodians::verified(json.as_bytes(), &ours)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(&others).starts_with("belongs to another ceremony: it says set "));
        assert_eq!(
            refused(&json.replace("\"version\": 1", "\"version\": 2")),
            "is \"archiver custodians\" version 2, not \"archiver custodians\" version 1"
        );
        assert_eq!(
            refused(&json.replace("\"share\": 1", "\"share\": 0")),
            "damaged: the field share is not valid"
        );
        assert!(
            refused(&json.replace("\"role\"", "\"rule\"")).starts_with("damaged: unknown field")
        );
        assert!(refused("").starts_with("damaged: "));
        assert!(refused(&" ".repeat(MOST_BYTES + 1)).starts_with("too large"));
    }
}
