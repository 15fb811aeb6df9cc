//! Makes sample pages, on both papers, with ordinary and with long texts, in the folder named on the command line.

use std::path::Path;
use std::{env, fs};

use paper_templates::{
    CeremonyRecord, Paper, RecoveryPage, RevocationSheet, ceremony_record, envelope_labels,
    recovery_page, revocation_sheet, share_sheet,
};

#[path = "../tests/pages/sample.rs"]
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args().nth(1).ok_or("usage: sample_pages FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let (small, large) = (sample::manifest(3), sample::manifest(18));
    let certificate = sample::long_certificate();
    for (paper, name) in [(Paper::A4, "a4"), (Paper::Letter, "letter")] {
        let write =
            |page: &str, bytes: &[u8]| fs::write(folder.join(format!("{page}-{name}.pdf")), bytes);
        write("share", share_sheet(&sample::SHARE, paper)?.expose_bytes())?;
        write("labels", &envelope_labels(&sample::LABELS, paper)?)?;
        write(
            "share-long",
            share_sheet(&sample::LONG_SHARE, paper)?.expose_bytes(),
        )?;
        write(
            "revocation",
            revocation_sheet(&sample::REVOCATION, paper)?.expose_bytes(),
        )?;
        let long = RevocationSheet {
            certificate: &certificate,
            rehearsal: true,
            ..sample::REVOCATION
        };
        write(
            "revocation-long",
            revocation_sheet(&long, paper)?.expose_bytes(),
        )?;
        write("recovery", &recovery_page(&sample::RECOVERY, paper)?)?;
        let rehearsal = RecoveryPage {
            rehearsal: true,
            ..sample::RECOVERY
        };
        write("recovery-rehearsal", &recovery_page(&rehearsal, paper)?)?;
        write("record", &ceremony_record(&sample::record(&small), paper)?)?;
        let rehearsal = CeremonyRecord {
            rehearsal: true,
            exceptions: &[],
            ..sample::record(&large)
        };
        write("record-rehearsal", &ceremony_record(&rehearsal, paper)?)?;
    }
    Ok(())
}
