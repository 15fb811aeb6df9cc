//! The manifest `custody.json`, public, and `custodians.json`, kept with the ceremony record (`docs/format.md` §5).
//!
//! The manifest says by what sheets are verified. It is believed only as far as its recomputed set id is the one on the sheets.

mod custodians;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::field::{InvalidPoint, Point};
use crate::identity::UtcTime;
use crate::sharing::{Purpose, SetId, SharingPart, SharingTerms, WrongCommitmentCount};
use crate::threshold::{InvalidThreshold, Threshold};

pub use custodians::{Custodian, Custodians, CustodiansError, CustodiansRefused};

const FORMAT: &str = "archiver custody manifest";
const VERSION: u32 = 1;
const MOST_BYTES: usize = 1 << 20;

/// The manifest of one ceremony. Public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What the sheets authenticate.
    pub sharing: SharingPart,
    /// What is said besides; not authenticated by the sheets.
    pub description: Description,
}

/// The descriptive part of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Whose archive it is.
    pub organisation: String,
    /// The archive key's user id.
    pub archive: String,
    /// When the ceremony was held.
    pub ceremony_time: UtcTime,
    /// The program that held it, with its version.
    pub program: String,
    /// The salted hash of `custodians.json`.
    pub custodians_sha256: [u8; 32],
}

/// A manifest that cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Too large to be a manifest.
    #[error("too large: a manifest has at most 1 MiB")]
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
    /// An impossible threshold.
    #[error("not valid: {0}")]
    Threshold(#[from] InvalidThreshold),
    /// A commitment that is no point of prime order.
    #[error("not valid: commitment {position} is {source}")]
    Commitment {
        /// Which commitment, from 0.
        position: usize,
        /// What is wrong with it.
        source: InvalidPoint,
    },
    /// The number of commitments does not fit the threshold.
    #[error("not valid: {0}")]
    CommitmentCount(#[from] WrongCommitmentCount),
    /// The set id in the file is not the one that its fields give.
    #[error("was changed: it says set {stated}, its fields give set {computed}")]
    SetId {
        /// The set id in the file.
        stated: SetId,
        /// The set id of its fields.
        computed: SetId,
    },
}

impl Manifest {
    /// Reads `custody.json` and recomputes its set id.
    ///
    /// # Errors
    /// When the file is damaged, of another format, contradicts itself, or names another set id than its fields give.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        if json.len() > MOST_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let Heading { format, version } = serde_json::from_slice(json)?;
        if format != FORMAT || version != VERSION {
            return Err(ManifestError::OtherFormat { format, version });
        }
        let file: ManifestFile = serde_json::from_slice(json)?;
        let stated: SetId = parse_field("set_id", &file.set_id)?;
        let sharing = file.sharing.parse()?;
        let computed = sharing.set_id();
        if stated != computed {
            return Err(ManifestError::SetId { stated, computed });
        }
        Ok(Self {
            sharing,
            description: file.description.parse()?,
        })
    }

    /// Writes `custody.json`.
    ///
    /// # Errors
    /// When serialization fails, which it does not for these types.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        let file = ManifestFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            set_id: self.sharing.set_id().to_string(),
            sharing: SharingFile::from(&self.sharing),
            description: DescriptionFile::from(&self.description),
        };
        let mut json = serde_json::to_vec_pretty(&file)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// A field of the JSON, by its name, that cannot be read.
struct InvalidField(&'static str);

impl From<InvalidField> for ManifestError {
    fn from(InvalidField(field): InvalidField) -> Self {
        Self::Field { field }
    }
}

fn parse_field<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, InvalidField> {
    text.parse().map_err(|_| InvalidField(field))
}

fn parse_hex<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], InvalidField> {
    HEXLOWER
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(InvalidField(field))
}

/// The first look at a file: is it what we read, in the version that we read?
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
    format: String,
    version: u32,
    set_id: String,
    sharing: SharingFile,
    description: DescriptionFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharingFile {
    profile: String,
    rehearsal: bool,
    threshold: usize,
    shares: usize,
    primary_fingerprint: String,
    encryption_fingerprint: String,
    commitments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal_keys_sha256: Option<String>,
}

impl SharingFile {
    fn parse(&self) -> Result<SharingPart, ManifestError> {
        let commitments = self.commitments.iter().enumerate();
        let commitments = commitments
            .map(|(position, text)| {
                Point::from_bytes(&parse_hex("commitments", text)?)
                    .map_err(|source| ManifestError::Commitment { position, source })
            })
            .collect::<Result<_, _>>()?;
        Ok(SharingPart::new(self.terms()?, commitments)?)
    }

    fn terms(&self) -> Result<SharingTerms, ManifestError> {
        let purpose = if self.rehearsal {
            Purpose::Rehearsal
        } else {
            Purpose::Archive
        };
        let seal_keys = self.seal_keys_sha256.as_deref();
        Ok(SharingTerms {
            profile: parse_field("profile", &self.profile)?,
            purpose,
            threshold: Threshold::new(self.threshold, self.shares)?,
            primary: parse_field("primary_fingerprint", &self.primary_fingerprint)?,
            encryption: parse_field("encryption_fingerprint", &self.encryption_fingerprint)?,
            seal_keys_sha256: seal_keys
                .map(|hash| parse_hex("seal_keys_sha256", hash))
                .transpose()?,
        })
    }
}

impl From<&SharingPart> for SharingFile {
    fn from(sharing: &SharingPart) -> Self {
        Self {
            profile: sharing.profile().to_string(),
            rehearsal: sharing.purpose() == Purpose::Rehearsal,
            threshold: sharing.threshold().k().into(),
            shares: sharing.threshold().n().into(),
            primary_fingerprint: sharing.primary_fingerprint().to_string(),
            encryption_fingerprint: sharing.encryption_fingerprint().to_string(),
            commitments: sharing
                .commitments()
                .iter()
                .map(|commitment| HEXLOWER.encode(&commitment.to_bytes()))
                .collect(),
            seal_keys_sha256: sharing.seal_keys_sha256().map(|hash| HEXLOWER.encode(hash)),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescriptionFile {
    organisation: String,
    archive: String,
    ceremony_time: String,
    program: String,
    custodians_sha256: String,
}

impl DescriptionFile {
    fn parse(self) -> Result<Description, ManifestError> {
        Ok(Description {
            ceremony_time: parse_field("ceremony_time", &self.ceremony_time)?,
            custodians_sha256: parse_hex("custodians_sha256", &self.custodians_sha256)?,
            organisation: self.organisation,
            archive: self.archive,
            program: self.program,
        })
    }
}

impl From<&Description> for DescriptionFile {
    fn from(description: &Description) -> Self {
        Self {
            organisation: description.organisation.clone(),
            archive: description.archive.clone(),
            ceremony_time: description.ceremony_time.to_string(),
            program: description.program.clone(),
            custodians_sha256: HEXLOWER.encode(&description.custodians_sha256),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::field::X25519Secret;
    use crate::identity::Fingerprint;
    use crate::secret::SecretBytes;
    use crate::sharing::Profile;
    use crate::split::Dealing;

    pub(super) fn manifest() -> Manifest {
        manifest_with(Some([4; 32]))
    }

    fn manifest_with(seal_keys_sha256: Option<[u8; 32]>) -> Manifest {
        let secret = X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes());
        let terms = SharingTerms {
            profile: Profile::Classic,
            purpose: Purpose::Archive,
            threshold: Threshold::new(2, 3).unwrap(),
            primary: Fingerprint::V4([1; 20]),
            encryption: Fingerprint::V4([2; 20]),
            seal_keys_sha256,
        };
        let dealing = Dealing::deal(&secret, &terms).unwrap();
        Manifest {
            sharing: dealing.sharing().clone(),
            description: Description {
                organisation: "Example AG".to_owned(),
                archive: "Archiver <archiver@example.org>".to_owned(),
                ceremony_time: UtcTime::from_unix(1_795_552_117).unwrap(),
                program: "custodian 0.1.0".to_owned(),
                custodians_sha256: [3; 32],
            },
        }
    }

    fn changed(from: &str, to: &str) -> ManifestError {
        let json = String::from_utf8(manifest().to_json().unwrap()).unwrap();
        assert!(json.contains(from), "{from}");
        Manifest::parse(json.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn a_manifest_survives_its_file_with_seal_keys_and_without() {
        for seal_keys in [Some([4; 32]), None] {
            let manifest = manifest_with(seal_keys);
            let json = manifest.to_json().unwrap();
            assert_eq!(Manifest::parse(&json).unwrap(), manifest);
            let text = String::from_utf8(json).unwrap();
            assert_eq!(text.contains("seal_keys_sha256"), seal_keys.is_some());
        }
    }

    #[test]
    fn the_seal_keys_cannot_be_left_out_unnoticed() {
        let mut json: serde_json::Value =
            serde_json::from_slice(&manifest().to_json().unwrap()).unwrap();
        let sharing = json["sharing"].as_object_mut().unwrap();
        assert!(sharing.remove("seal_keys_sha256").is_some());
        let error = Manifest::parse(json.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, ManifestError::SetId { .. }), "{error}");
    }

    #[test]
    fn a_changed_field_of_the_sharing_part_contradicts_the_set_id() {
        for (from, to) in [
            ("\"rehearsal\": false", "\"rehearsal\": true"),
            ("\"shares\": 3", "\"shares\": 4"),
            ("0101010101", "0101010102"),
            ("0202020202", "0202020203"),
            ("0404040404", "0404040405"),
        ] {
            assert!(
                matches!(changed(from, to), ManifestError::SetId { .. }),
                "{from}"
            );
        }
    }

    #[test]
    fn damage_is_named() {
        assert!(matches!(
            changed("\"threshold\": 2", "\"threshold\": 1"),
            ManifestError::Threshold(_)
        ));
        assert!(matches!(
            changed("\"threshold\": 2", "\"threshold\": 3"),
            ManifestError::CommitmentCount(_)
        ));
        assert!(matches!(
            changed("\"version\": 1", "\"version\": 2"),
            ManifestError::OtherFormat { .. }
        ));
        assert!(matches!(
            changed("custody manifest", "custodians"),
            ManifestError::OtherFormat { .. }
        ));
        assert!(matches!(
            changed("classic", "clasic"),
            ManifestError::Field { field: "profile" }
        ));
        assert!(matches!(
            changed("0404040404", "04040404"),
            ManifestError::Field {
                field: "seal_keys_sha256"
            }
        ));
        assert!(matches!(
            changed("\"shares\": 3,", "\"shares\": 3, \"shares\": 3,"),
            ManifestError::Json(_)
        ));
        assert!(matches!(
            changed("\"shares\": 3,", "\"shares\": 3, \"extra\": 3,"),
            ManifestError::Json(_)
        ));
        assert!(matches!(Manifest::parse(b""), Err(ManifestError::Json(_))));
        assert!(matches!(
            Manifest::parse(&vec![b' '; MOST_BYTES + 1]),
            Err(ManifestError::TooLarge)
        ));
    }

    #[test]
    fn a_commitment_outside_the_prime_order_group_is_named() {
        let manifest = manifest();
        let first = HEXLOWER.encode(&manifest.sharing.commitments()[1].to_bytes());
        let json = String::from_utf8(manifest.to_json().unwrap()).unwrap();
        let forged = json.replace(&first, &"00".repeat(32));
        let error = Manifest::parse(forged.as_bytes()).unwrap_err();
        assert!(matches!(
            error,
            ManifestError::Commitment {
                position: 1,
                source: InvalidPoint::NotPrimeOrder
            }
        ));
    }
}
