//! The attack on a replaced public folder: commitments under the attacker's key that a true sheet satisfies.
//!
//! Who may write to the public folder knows all Yₓ = yₓ·B from the true commitments. For one x he chooses C′₀ = a·B and C′₁ = (Yₓ − C′₀)/x, so
//! that the true share x satisfies yₓ·B = C′₀ + x·C′₁. Only the set id on the sheet gives him away.

use archiver_core::field::Point;
use archiver_core::frame::{encode, from_qr_text};
use archiver_core::manifest::Manifest;
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::sharing::{SharingPart, SharingTerms};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;

/// A forged public folder.
#[derive(Debug)]
pub struct Forged {
    /// File names and contents.
    pub files: Vec<(&'static str, Vec<u8>)>,
    sharing: SharingPart,
}

/// Forges a public folder for k = 2 that the true share `x` satisfies.
#[must_use]
pub fn forge_public_folder(true_manifest: &[u8], x: u8) -> Forged {
    let truth = Manifest::parse(true_manifest).expect("the true manifest");
    let time = truth.description.ceremony_time;
    let attacker = ArchiveKey::generate_classic("Archiver <archiver@example.org>", time)
        .expect("a key")
        .key;
    let [c0, c1] = [0, 1].map(|j| decompress(&truth.sharing.commitments()[j]));
    let secret = attacker
        .x25519_secret()
        .expect("the attacker's secret")
        .reduced()
        .to_bytes();
    let constant = EdwardsPoint::mul_base(&scalar(secret.expose_bytes()));
    let slope = (c0 + c1 * Scalar::from(x) - constant) * Scalar::from(x).invert();
    let terms = SharingTerms {
        primary: attacker.primary_fingerprint(),
        encryption: attacker.encryption_fingerprint(),
        ..*truth.sharing.terms()
    };
    let sharing = SharingPart::new(
        terms,
        [constant, slope]
            .map(|point| Point::from_bytes(&point.compress().to_bytes()).expect("a point"))
            .to_vec(),
    )
    .expect("two commitments");
    let manifest = Manifest {
        sharing: sharing.clone(),
        description: truth.description,
    };
    let json = manifest.to_json().expect("a manifest");
    let signature = attacker.sign_detached(&json, time).expect("a signature");
    let certificate = attacker.certificate_armored().expect("a certificate");
    let files = vec![
        ("archive.cert.asc", certificate),
        ("custody.json", json),
        ("custody.json.asc", signature),
    ];
    Forged { files, sharing }
}

impl Forged {
    /// Whether a true sheet satisfies Feldman's equation with the forged commitments.
    #[must_use]
    pub fn satisfied_by(&self, sheet_text: &str) -> bool {
        let frame = encode(&from_qr_text(sheet_text).expect("a true sheet"));
        let frame = frame.expose_bytes();
        let y = scalar(frame[20..52].try_into().expect("32 bytes"));
        let [c0, c1] = [0, 1].map(|j| decompress(&self.sharing.commitments()[j]));
        EdwardsPoint::mul_base(&y) == c0 + c1 * Scalar::from(frame[5])
    }
}

fn decompress(point: &Point) -> EdwardsPoint {
    CompressedEdwardsY(point.to_bytes())
        .decompress()
        .expect("a point")
}

fn scalar(bytes: &[u8; 32]) -> Scalar {
    Scalar::from_canonical_bytes(*bytes).expect("a canonical scalar")
}
