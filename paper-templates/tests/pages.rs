//! The pages as others see them: rendered to pixels with their codes read back, and as text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::Read as _;

use data_encoding::HEXLOWER;
use paper_templates::{
    CeremonyRecord, EnvelopeLabels, Paper, RecordedServer, RecoveryPage, RevocationSheet,
    ShareSheet, ceremony_record, envelope_labels, recovery_page, revocation_sheet, share_sheet,
};
use sha2::{Digest as _, Sha256};
use sheet_scan::{Limits, read_page, render_pdf};

#[path = "pages/sample.rs"]
mod sample;
#[path = "pages/scan.rs"]
mod scan;

use sample::{LABELS, LONG_SHARE, RECOVERY, REVOCATION, SHARE, record};
use scan::squeezed;

const PAPERS: [Paper; 2] = [Paper::A4, Paper::Letter];

fn share_bytes(sheet: &ShareSheet<'_>, paper: Paper) -> Vec<u8> {
    share_sheet(sheet, paper).unwrap().expose_bytes().to_vec()
}

fn share_error(sheet: &ShareSheet<'_>) -> String {
    share_sheet(sheet, Paper::A4).unwrap_err().to_string()
}

fn page_count(pdf: &[u8]) -> usize {
    lopdf::Document::load_mem(pdf).unwrap().get_pages().len()
}

#[test]
fn a_share_reads_back_from_pixels_on_both_papers_real_and_rehearsed() {
    for paper in PAPERS {
        for rehearsal in [false, true] {
            let pdf = share_bytes(&ShareSheet { rehearsal, ..SHARE }, paper);
            for resolution in [200.0, 300.0] {
                let codes = scan::codes(&pdf, resolution);
                assert_eq!(
                    codes,
                    [SHARE.qr_text],
                    "{paper:?}, rehearsal {rehearsal}, {resolution} dpi"
                );
            }
        }
    }
}

#[test]
fn a_share_of_two_scalars_reads_back() {
    let text = format!(
        "ARCHIVER-SHARE-1:{}",
        "AEBAGBAFAYDQQCIKBMGA2DQP".repeat(6).split_at(141).0
    );
    let version_6_fingerprint = "9D4B1A7C02E85F3361B7C0AA54D21F98E3706C5B"
        .repeat(2)
        .split_at(64)
        .0
        .to_owned();
    let sheet = ShareSheet {
        qr_text: &text,
        fingerprint: &version_6_fingerprint,
        rehearsal: true,
        ..SHARE
    };
    for paper in PAPERS {
        assert_eq!(
            scan::codes(&share_bytes(&sheet, paper), 200.0),
            [text.as_str()]
        );
    }
}

#[test]
fn a_share_is_one_page_with_the_longest_texts() {
    for paper in PAPERS {
        assert_eq!(page_count(&share_bytes(&SHARE, paper)), 1);
        assert_eq!(page_count(&share_bytes(&LONG_SHARE, paper)), 1);
    }
}

#[test]
fn the_text_of_a_share_can_be_copied_out_of_the_pdf() {
    let texts = scan::texts(&share_bytes(&LONG_SHARE, Paper::A4)).concat();
    for part in [
        "Share 128 of 255 · any 200 open the archive",
        "REHEARSAL — opens nothing",
        LONG_SHARE.organisation,
        LONG_SHARE.archive,
        LONG_SHARE.custodian,
        LONG_SHARE.role,
        LONG_SHARE.envelope,
        LONG_SHARE.fingerprint,
        LONG_SHARE.set_id,
        "2²⁵² + 27742317777372353535851937790883648493",
    ] {
        assert!(texts.contains(&squeezed(part)), "{part}");
    }
    let (_, body) = SHARE.qr_text.split_at("ARCHIVER-SHARE-1:".len());
    for row in [body.get(..45), body.get(45..)] {
        assert!(texts.contains(row.unwrap()));
    }
    for (letter, row) in ('A'..).zip(SHARE.words) {
        assert!(texts.contains(&format!("{letter}{}", squeezed(row))));
    }
}

#[test]
fn a_real_sheet_does_not_say_rehearsal() {
    assert!(
        !scan::texts(&share_bytes(&SHARE, Paper::A4))
            .concat()
            .to_uppercase()
            .contains("REHEARSAL")
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let manifest = sample::manifest(3);
    for paper in PAPERS {
        assert!(share_bytes(&SHARE, paper) == share_bytes(&SHARE, paper));
        let revocation = || {
            revocation_sheet(&REVOCATION, paper)
                .unwrap()
                .expose_bytes()
                .to_vec()
        };
        assert!(revocation() == revocation());
        let minutes = || ceremony_record(&record(&manifest), paper).unwrap();
        assert!(minutes() == minutes());
        let recovery = || recovery_page(&RECOVERY, paper).unwrap();
        assert!(recovery() == recovery());
        let labels = || envelope_labels(&LABELS, paper).unwrap();
        assert!(labels() == labels());
    }
}

#[test]
fn the_metadata_is_a_title_without_secrets_and_a_producer() {
    let pdf = lopdf::Document::load_mem(&share_bytes(&SHARE, Paper::A4)).unwrap();
    let info = pdf.trailer.get(b"Info").unwrap().as_reference().unwrap();
    let info = pdf.get_dictionary(info).unwrap();
    let keys: Vec<_> = info
        .iter()
        .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
        .collect();
    assert_eq!(keys, ["Title", "Producer"]);
    let title = lopdf::decode_text_string(info.get(b"Title").unwrap()).unwrap();
    assert_eq!(title, "Share 2 of 5, set 7K2Q-ABCD-EFGH-IJKL-MNOP");
}

#[test]
fn a_viewer_is_told_to_print_at_full_scale_on_one_side() {
    let pdf = lopdf::Document::load_mem(&share_bytes(&SHARE, Paper::A4)).unwrap();
    let preferences = pdf
        .catalog()
        .unwrap()
        .get(b"ViewerPreferences")
        .unwrap()
        .as_dict()
        .unwrap();
    assert_eq!(
        preferences.get(b"PrintScaling").unwrap().as_name().unwrap(),
        b"None"
    );
    assert_eq!(
        preferences.get(b"Duplex").unwrap().as_name().unwrap(),
        b"Simplex"
    );
}

#[test]
fn a_character_without_a_glyph_is_refused_with_its_field() {
    let cases = [
        (
            "organisation",
            ShareSheet {
                organisation: "Архив",
                ..SHARE
            },
        ),
        (
            "archive",
            ShareSheet {
                archive: "Архив <a@example.org>",
                ..SHARE
            },
        ),
        (
            "custodian",
            ShareSheet {
                custodian: "Архипова",
                ..SHARE
            },
        ),
        (
            "role",
            ShareSheet {
                role: "Архивар",
                ..SHARE
            },
        ),
        (
            "envelope",
            ShareSheet {
                envelope: "А-17",
                ..SHARE
            },
        ),
        (
            "ceremony",
            ShareSheet {
                ceremony_date: "А",
                ..SHARE
            },
        ),
        (
            "program",
            ShareSheet {
                program: "А",
                ..SHARE
            },
        ),
        (
            "format",
            ShareSheet {
                format: "А",
                ..SHARE
            },
        ),
    ];
    for (field, sheet) in cases {
        let error = share_error(&sheet);
        assert_eq!(
            error,
            format!("{field} holds 'А' (U+0410), which the fonts of the pages do not have")
        );
    }
}

#[test]
fn an_empty_or_blank_field_is_refused_by_name() {
    for (field, sheet) in [
        (
            "organisation",
            ShareSheet {
                organisation: "",
                ..SHARE
            },
        ),
        (
            "custodian",
            ShareSheet {
                custodian: "  ",
                ..SHARE
            },
        ),
        ("role", ShareSheet { role: "", ..SHARE }),
        (
            "envelope",
            ShareSheet {
                envelope: "",
                ..SHARE
            },
        ),
    ] {
        assert_eq!(share_error(&sheet), format!("{field} is empty"));
    }
}

#[test]
fn a_text_that_has_no_room_is_refused_by_name() {
    let long = "Überlieferungsbildung ".repeat(20);
    for (field, sheet) in [
        (
            "organisation",
            ShareSheet {
                organisation: &long,
                ..SHARE
            },
        ),
        (
            "archive",
            ShareSheet {
                archive: &long,
                ..SHARE
            },
        ),
        (
            "custodian",
            ShareSheet {
                custodian: &long,
                ..SHARE
            },
        ),
        (
            "role",
            ShareSheet {
                role: &long,
                ..SHARE
            },
        ),
        (
            "envelope",
            ShareSheet {
                envelope: &long,
                ..SHARE
            },
        ),
    ] {
        assert_eq!(
            share_error(&sheet),
            format!("{field} is too long for its place on the page")
        );
    }
}

#[test]
fn impossible_numbers_are_refused() {
    for (field, sheet) in [
        (
            "threshold",
            ShareSheet {
                threshold: 1,
                ..SHARE
            },
        ),
        (
            "threshold",
            ShareSheet {
                threshold: 6,
                ..SHARE
            },
        ),
        (
            "share index",
            ShareSheet {
                share_index: 0,
                ..SHARE
            },
        ),
        (
            "share index",
            ShareSheet {
                share_index: 6,
                ..SHARE
            },
        ),
    ] {
        assert!(
            share_error(&sheet).starts_with(field),
            "{}",
            share_error(&sheet)
        );
    }
}

#[test]
fn an_error_about_the_share_text_does_not_quote_it() {
    for text in [
        "",
        "AEAQ",
        "ARCHIVER-SHARE-1:aeaqc",
        "ARCHIVER-SHARE-1:ÄEAQC",
    ] {
        let error = share_error(&ShareSheet {
            qr_text: text,
            ..SHARE
        });
        assert_eq!(
            error,
            "share text must be a prefix, a colon and base32, in upper case"
        );
    }
    let endless = format!("ARCHIVER-SHARE-1:{}", "A".repeat(2000));
    let error = share_error(&ShareSheet {
        qr_text: &endless,
        ..SHARE
    });
    assert_eq!(error, "share text is too long for its place on the page");
}

#[test]
fn debug_of_a_sheet_does_not_show_the_share() {
    let shown = format!(
        "{SHARE:?} {:?} {REVOCATION:?}",
        share_sheet(&SHARE, Paper::A4).unwrap()
    );
    assert!(!shown.contains("AEAQC") && !shown.contains("BEGIN PGP"));
}

#[test]
fn a_revocation_certificate_reads_back_and_stands_as_text() {
    for paper in PAPERS {
        for rehearsal in [false, true] {
            let sheet = RevocationSheet {
                rehearsal,
                ..REVOCATION
            };
            let pdf = revocation_sheet(&sheet, paper).unwrap();
            assert_eq!(page_count(pdf.expose_bytes()), 1);
            assert_eq!(
                scan::codes(pdf.expose_bytes(), 200.0),
                [REVOCATION.certificate]
            );
            let text = scan::texts(pdf.expose_bytes()).concat();
            for line in REVOCATION.certificate.lines() {
                assert!(text.contains(&squeezed(line)), "{line}");
            }
        }
    }
}

#[test]
fn a_long_revocation_certificate_stands_as_text_without_a_code() {
    let sheet = RevocationSheet {
        certificate: &sample::long_certificate(),
        ..REVOCATION
    };
    for paper in PAPERS {
        let pdf = revocation_sheet(&sheet, paper).unwrap();
        assert!(scan::codes(pdf.expose_bytes(), 200.0).is_empty());
        assert!(!scan::texts(pdf.expose_bytes()).concat().contains("QRcode"));
    }
}

#[test]
fn a_revocation_certificate_that_is_no_armor_or_too_long_is_refused() {
    let error = |certificate: &str| {
        revocation_sheet(
            &RevocationSheet {
                certificate,
                ..REVOCATION
            },
            Paper::A4,
        )
        .unwrap_err()
        .to_string()
    };
    let malformed =
        "revocation certificate must be OpenPGP armor in lines of at most 76 ASCII characters";
    assert_eq!(error(""), malformed);
    assert_eq!(error("hello"), malformed);
    assert_eq!(
        error(&format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{}",
            "A".repeat(77)
        )),
        malformed
    );
    let endless = format!(
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{}",
        "AAAA\n".repeat(200)
    );
    assert_eq!(
        error(&endless),
        "revocation certificate is too long for its place on the page"
    );
}

#[test]
fn the_record_names_everybody_on_numbered_pages() {
    let manifest = sample::manifest(3);
    let record = record(&manifest);
    for paper in PAPERS {
        let texts = scan::texts(&ceremony_record(&record, paper).unwrap());
        for (number, text) in (1..).zip(&texts) {
            assert!(text.contains(&format!("Page{number}of{}", texts.len())));
        }
        let all = texts.concat();
        for custodian in record.custodians {
            let signer = format!(
                "Custodian of share {}{}",
                custodian.share_index, custodian.name
            );
            for part in [custodian.name, custodian.envelope, &signer] {
                assert!(all.contains(&squeezed(part)), "{part}");
            }
        }
        for part in record.exceptions.iter().chain(&[
            "Leader",
            "First witness",
            "Second witness",
            "not checked",
        ]) {
            assert!(all.contains(&squeezed(part)), "{part}");
        }
        for step in record.steps {
            // The lines of a cell stand between those of its neighbours: look for each word.
            assert!(
                step.action.split(' ').all(|word| all.contains(word)),
                "{}",
                step.action
            );
        }
    }
}

#[test]
fn the_record_has_each_servers_keys_and_lines_for_its_folder() {
    let manifest = sample::manifest(3);
    for paper in PAPERS {
        let all = scan::texts(&ceremony_record(&record(&manifest), paper).unwrap()).concat();
        for server in record(&manifest).servers {
            assert!(all.contains(server.log), "{}", server.log);
            let line = squeezed(&format!("Server {}", server.name));
            assert_eq!(all.matches(&line).count(), 1, "{line}");
        }
        for blank in ["Carriedby", "Installedonthehost", "Mediumwiped"] {
            assert_eq!(all.matches(blank).count(), 2, "{blank}");
        }
    }
    let without = CeremonyRecord {
        servers: &[],
        ..record(&manifest)
    };
    let all = scan::texts(&ceremony_record(&without, Paper::A4).unwrap()).concat();
    assert!(!all.contains("folders") && !all.contains("sealkeys"));
}

#[test]
fn a_record_of_255_custodians_leaves_nobody_out() {
    let names: Vec<String> = (1..=255)
        .map(|i| format!("Custodian Number{i:03}"))
        .collect();
    let custodians: Vec<_> = (1..=255)
        .zip(&names)
        .map(|(share_index, name)| paper_templates::RecordedCustodian {
            share_index,
            name,
            role: "Member of the board",
            envelope: "KV",
        })
        .collect();
    let manifest = sample::manifest(3);
    let record = CeremonyRecord {
        shares: 255,
        threshold: 255,
        custodians: &custodians,
        ..record(&manifest)
    };
    let all = scan::texts(&ceremony_record(&record, Paper::Letter).unwrap()).concat();
    for i in 1..=255 {
        assert_eq!(
            all.matches(&format!("Number{i:03}")).count(),
            2,
            "in the table and at the signature"
        );
    }
}

#[test]
fn the_manifest_reads_back_from_the_record_in_one_code_or_in_several() {
    for commitments in [3, 8, 14, 28] {
        let manifest = sample::manifest(commitments);
        for (paper, rehearsal) in [(Paper::A4, false), (Paper::Letter, true)] {
            let pdf = ceremony_record(
                &CeremonyRecord {
                    rehearsal,
                    ..record(&manifest)
                },
                paper,
            )
            .unwrap();
            let mut codes = scan::codes(&pdf, 200.0);
            codes.sort();
            assert_eq!(codes.len(), manifest.len().div_ceil(600));
            let base32 = |code: &String| code.rsplit(':').next().unwrap().to_owned();
            let decode =
                |text: String| data_encoding::BASE32_NOPAD.decode(text.as_bytes()).unwrap();
            let read: Vec<u8> = codes.iter().map(base32).flat_map(decode).collect();
            assert_eq!(String::from_utf8(read).unwrap(), manifest);
        }
    }
}

#[test]
fn a_manifest_too_long_for_codes_is_recorded_by_its_digest() {
    let manifest = sample::manifest(40);
    let pdf = ceremony_record(&record(&manifest), Paper::A4).unwrap();
    assert!(scan::codes(&pdf, 200.0).is_empty());
    assert!(
        scan::texts(&pdf)
            .concat()
            .contains("toolongforcodesonpaper")
    );
}

#[test]
fn a_record_without_exceptions_says_so() {
    let manifest = sample::manifest(3);
    let pdf = ceremony_record(
        &CeremonyRecord {
            exceptions: &[],
            ..record(&manifest)
        },
        Paper::A4,
    )
    .unwrap();
    assert!(
        scan::texts(&pdf)
            .concat()
            .contains("ExceptionsandwarningsNone.")
    );
}

#[test]
fn a_record_whose_fields_are_wrong_is_refused_by_name() {
    let manifest = sample::manifest(3);
    let error =
        |record: &CeremonyRecord<'_>| ceremony_record(record, Paper::A4).unwrap_err().to_string();
    let record = || record(&manifest);
    for (expected, record) in [
        (
            "custodians must be one for each share, in order of share",
            CeremonyRecord {
                shares: 6,
                ..record()
            },
        ),
        (
            "manifest is empty",
            CeremonyRecord {
                manifest: b"",
                ..record()
            },
        ),
        (
            "commitment 1 must be 64 hexadecimal digits",
            CeremonyRecord {
                commitments: &[record().binary_sha256, "00"],
                ..record()
            },
        ),
        (
            "server mx1, log is empty",
            CeremonyRecord {
                servers: &[RecordedServer {
                    name: "mx1",
                    log: "",
                    days: "",
                }],
                ..record()
            },
        ),
        (
            "exception 1 is empty",
            CeremonyRecord {
                exceptions: &[""],
                ..record()
            },
        ),
        (
            "SHA-256 of the program must be 64 hexadecimal digits",
            CeremonyRecord {
                binary_sha256: "?",
                ..record()
            },
        ),
        (
            "subkey fingerprint must be 40 or 64 hexadecimal digits",
            CeremonyRecord {
                subkey_fingerprint: "",
                ..record()
            },
        ),
        (
            "ended (utc) is empty",
            CeremonyRecord {
                ended: "",
                ..record()
            },
        ),
    ] {
        assert_eq!(error(&record), expected);
    }
}

/// The program in docs/recovery.md.
fn recovery_script() -> &'static str {
    let document = include_str!("../../docs/recovery.md");
    let block = document.split("```python\n").nth(1).unwrap();
    block.split("```").next().unwrap()
}

/// The texts of the codes on the last two pages.
fn recovery_codes(page: &RecoveryPage<'_>, paper: Paper) -> Vec<String> {
    let limits = Limits::default();
    let pages = render_pdf(&recovery_page(page, paper).unwrap(), 200.0, &limits).unwrap();
    let codes = pages
        .iter()
        .rev()
        .take(2)
        .map(|page| read_page(page, &limits));
    codes
        .flat_map(|codes| codes.unwrap())
        .map(|code| code.expose_text().to_owned())
        .collect()
}

#[test]
fn the_recovery_programs_codes_read_back_to_its_exact_bytes() {
    for (paper, rehearsal) in [(Paper::A4, false), (Paper::Letter, true)] {
        let page = RecoveryPage {
            rehearsal,
            ..RECOVERY
        };
        let mut codes = recovery_codes(&page, paper);
        codes.sort_by_key(|code| {
            let part = code.strip_prefix("ARCHIVER-RECOVERY-1:").unwrap();
            part.split('/').next().unwrap().parse::<u32>().unwrap()
        });
        let base32: String = codes
            .iter()
            .map(|code| code.rsplit(':').next().unwrap())
            .collect();
        let packed = data_encoding::BASE32.decode(base32.as_bytes()).unwrap();
        let mut script = String::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_string(&mut script)
            .unwrap();
        assert_eq!(script, recovery_script());
    }
}

#[test]
fn every_line_of_the_recovery_program_stands_on_the_page_behind_its_number() {
    for paper in PAPERS {
        let text = scan::texts(&recovery_page(&RECOVERY, paper).unwrap()).concat();
        let mut rest = text.as_str();
        for (number, line) in (1..).zip(recovery_script().lines()) {
            let digest = HEXLOWER.encode(&Sha256::digest(line));
            let printed = squeezed(&format!("{number} {} {line}", &digest[..4]));
            let place = rest.find(&printed);
            let place = place.unwrap_or_else(|| panic!("line {number}: {line}"));
            rest = &rest[place + printed.len()..];
        }
        assert!(text.contains(&squeezed(&format!("KEY={}", RECOVERY.fingerprint))));
    }
}

#[test]
fn a_recovery_page_whose_fields_are_wrong_is_refused_by_name() {
    let error = |page: &RecoveryPage<'_>| recovery_page(page, Paper::A4).unwrap_err().to_string();
    let organisation = RecoveryPage {
        organisation: "",
        ..RECOVERY
    };
    assert_eq!(error(&organisation), "organisation is empty");
    let fingerprint = RecoveryPage {
        fingerprint: "7278",
        ..RECOVERY
    };
    assert_eq!(
        error(&fingerprint),
        "key fingerprint must be 40 or 64 hexadecimal digits"
    );
}

#[test]
fn each_envelope_has_a_label_with_what_stands_on_its_sheet() {
    for paper in PAPERS {
        let pdf = envelope_labels(&LABELS, paper).unwrap();
        assert_eq!(page_count(&pdf), 2);
        let text = squeezed(&scan::texts(&pdf).concat());
        for custodian in LABELS.custodians {
            let share = format!("Share {} of 255", custodian.share_index);
            for part in [&share, custodian.name, custodian.role, custodian.envelope] {
                assert!(text.contains(&squeezed(part)), "{part}");
            }
        }
        assert!(!text.contains("REHEARSAL"));
        let rehearsal = EnvelopeLabels {
            rehearsal: true,
            ..LABELS
        };
        let text = scan::texts(&envelope_labels(&rehearsal, paper).unwrap()).concat();
        assert!(squeezed(&text).contains("REHEARSAL"));
    }
}
