//! Who keeps which sheet: `custodians.json`. Names tell a coercer whom to visit, so this file is kept with the ceremony record and not published;
//! the manifest holds its salted hash.

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::secret::{NoRandomness, random_bytes};
use crate::sharing::SetId;
use crate::threshold::ShareIndex;

const FORMAT: &str = "archiver custodians";
const VERSION: u32 = 1;
const LABEL: &[u8] = b"archiver v1 custodians\0";

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

impl Custodians {
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

#[derive(Serialize)]
struct CustodiansFile {
    format: String,
    version: u32,
    set_id: String,
    salt: String,
    custodians: Vec<CustodianEntry>,
}

#[derive(Serialize)]
struct CustodianEntry {
    share: u8,
    name: String,
    role: String,
    envelope: String,
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

    #[test]
    fn the_hash_binds_every_field_and_the_salt() {
        let set_id = SetId::from_bytes([7; 12]);
        let bo = Custodian {
            share: ShareIndex::new(1).unwrap(),
            name: "Bo Berg".to_owned(),
            role: "CFO".to_owned(),
            envelope: "A-1".to_owned(),
        };
        let one = Custodians::new(set_id, vec![bo.clone()]).unwrap();
        let other_salt = Custodians::new(set_id, vec![bo.clone()]).unwrap();
        assert_ne!(
            one.salted_hash().unwrap(),
            other_salt.salted_hash().unwrap()
        );

        // Moving a letter over a field's border changes the hash.
        let moved = Custodian {
            name: "Bo BergC".to_owned(),
            role: "FO".to_owned(),
            ..bo
        };
        let moved = Custodians {
            entries: vec![moved],
            ..one.clone()
        };
        assert_ne!(one.salted_hash().unwrap(), moved.salted_hash().unwrap());
    }
}
