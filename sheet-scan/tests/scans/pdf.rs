//! Documents: drawn ones as we make them, and scanned ones.

use std::time::{Duration, Instant};

use qrcode::{Color, EcLevel, QrCode};
use sheet_scan::{
    CodeText, Kind, Limits, ScanError, Watch, read_codes, read_codes_watched, read_page, render_pdf,
};

use crate::damage as d;
use crate::print::{Dice, share_text, sheet};

/// What stands on a page of a test document.
pub(crate) enum Content<'a> {
    /// A code drawn as filled squares, 3.1 points a module.
    Drawn(&'a str),
    /// A JPEG image that fills the page.
    Scanned {
        jpeg: &'a [u8],
        width: u32,
        height: u32,
    },
    /// An image that fills the page, whatever it holds.
    Image {
        width: u32,
        height: u32,
        form: &'a str,
        data: &'a [u8],
    },
    Nothing,
}

/// A PDF document with A4 pages.
pub(crate) fn document(pages: &[Content<'_>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    let mut object = |pdf: &mut Vec<u8>, head: &str, stream: Option<&[u8]>| {
        offsets.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n", offsets.len()).bytes());
        match stream {
            None => pdf.extend(format!("<< {head} >>\n").bytes()),
            Some(data) => {
                pdf.extend(format!("<< {head} /Length {} >>\nstream\n", data.len()).bytes());
                pdf.extend(data);
                pdf.extend(b"\nendstream\n");
            }
        }
        pdf.extend(b"endobj\n");
    };
    object(&mut pdf, "/Type /Catalog /Pages 2 0 R", None);
    let kids: Vec<String> = (0..pages.len())
        .map(|n| format!("{} 0 R", 3 + 3 * n))
        .collect();
    let head = format!(
        "/Type /Pages /Count {} /Kids [{}]",
        pages.len(),
        kids.join(" ")
    );
    object(&mut pdf, &head, None);
    for (number, content) in pages.iter().enumerate() {
        let (contents, picture) = (4 + 3 * number, 5 + 3 * number);
        let head = format!(
            "/Type /Page /Parent 2 0 R /MediaBox [0 0 595.28 841.89] /Contents {contents} 0 R \
             /Resources << /XObject << /Scan {picture} 0 R >> >>"
        );
        object(&mut pdf, &head, None);
        object(&mut pdf, "", Some(drawing(content).as_bytes()));
        let (head, data) = match content {
            Content::Scanned {
                jpeg,
                width,
                height,
            } => (
                format!(
                    "/Type /XObject /Subtype /Image /Width {width} /Height {height} \
                     /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
                ),
                *jpeg,
            ),
            Content::Image {
                width,
                height,
                form,
                data,
            } => (
                format!("/Type /XObject /Subtype /Image /Width {width} /Height {height} {form}"),
                *data,
            ),
            _ => (String::new(), &b""[..]),
        };
        object(&mut pdf, &head, Some(data));
    }
    let start = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).bytes());
    for offset in &offsets {
        pdf.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = offsets.len() + 1;
    pdf.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\n").bytes());
    pdf.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    pdf
}

fn drawing(content: &Content<'_>) -> String {
    match content {
        Content::Nothing => String::new(),
        Content::Scanned { .. } | Content::Image { .. } => {
            "595.28 0 0 841.89 0 0 cm /Scan Do".to_owned()
        }
        Content::Drawn(text) => {
            let code = QrCode::with_error_correction_level(text, EcLevel::Q).unwrap();
            let side = code.width();
            let dark = code
                .to_colors()
                .into_iter()
                .enumerate()
                .filter(|&(_, c)| c == Color::Dark);
            let squares = dark.map(|(number, _)| {
                let (x, y) = ((number % side) as f64, (number / side) as f64);
                format!("{} {} 3.1 3.1 re ", 60.0 + 3.1 * x, 560.0 - 3.1 * y)
            });
            squares.collect::<String>() + "f"
        }
    }
}

fn texts(pdf: &[u8]) -> Vec<String> {
    let found = read_codes(pdf, &Limits::default()).unwrap();
    found
        .iter()
        .map(|text| text.expose_text().to_owned())
        .collect()
}

#[test]
fn a_drawn_sheet_reads_back() {
    let text = share_text(1);
    assert_eq!(texts(&document(&[Content::Drawn(&text)])), [text]);
}

#[test]
fn a_rendered_page_has_the_size_of_the_paper_and_reads_back_as_pixels_and_as_png() {
    let text = share_text(2);
    let pages = render_pdf(
        &document(&[Content::Drawn(&text)]),
        300.0,
        &Limits::default(),
    )
    .unwrap();
    let [page] = pages.as_slice() else {
        panic!("{} pages", pages.len())
    };
    assert_eq!((page.width(), page.height()), (2480, 3507));
    assert_eq!(page.expose_pixels()[0], 255, "paper is white");
    let found = read_page(page, &Limits::default()).unwrap();
    assert_eq!(found[0].expose_text(), text);
    assert_eq!(texts(&page.to_png().unwrap()), [text]);
}

#[test]
fn a_scanned_document_reads_back() {
    let text = share_text(3);
    let scan = d::skewed(&sheet(200.0, &text), 3.0);
    let (width, height) = scan.dimensions();
    let jpeg = d::jpeg(&scan, 50);
    assert_eq!(
        texts(&document(&[Content::Scanned {
            jpeg: &jpeg,
            width,
            height
        }])),
        [text]
    );
}

#[test]
fn every_page_is_read_and_a_page_without_a_code_is_told() {
    struct Failed(Vec<(usize, bool)>);
    impl Watch for Failed {
        fn page_failed(&mut self, page: usize, why: &ScanError) {
            self.0.push((page, matches!(why, ScanError::Blank)));
        }
    }
    let (one, two) = (share_text(4), share_text(5));
    let pdf = document(&[Content::Drawn(&one), Content::Nothing, Content::Drawn(&two)]);
    let mut failed = Failed(Vec::new());
    let found = read_codes_watched(&pdf, &Limits::default(), &mut failed).unwrap();
    let found: Vec<_> = found.iter().map(CodeText::expose_text).collect();
    assert_eq!(found, [one, two]);
    assert_eq!(failed.0, [(2, true)]);
}

#[test]
fn a_document_without_a_code_says_so() {
    let error = read_codes(&document(&[Content::Nothing]), &Limits::default()).unwrap_err();
    assert!(matches!(error, ScanError::Blank), "{error}");
}

#[test]
fn a_document_that_is_none_is_damaged() {
    let whole = document(&[Content::Drawn("TEXT")]);
    for bytes in [&b"%PDF-1.4\nnothing else"[..], &whole[..30], &document(&[])] {
        let error = read_codes(bytes, &Limits::default()).unwrap_err();
        assert!(
            matches!(
                error,
                ScanError::Damaged {
                    kind: Kind::Pdf,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_locked_document_is_named() {
    let mut pdf = document(&[Content::Drawn("TEXT")]);
    let trailer = pdf
        .windows(12)
        .position(|window| window == b"/Root 1 0 R ")
        .unwrap();
    let lock = format!(
        "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >> ",
        "5a".repeat(32)
    );
    pdf.splice(trailer..trailer, lock.bytes());
    let error = read_codes(&pdf, &Limits::default()).unwrap_err();
    assert!(matches!(error, ScanError::Locked), "{error}");
}

#[test]
fn pages_and_pixels_have_limits() {
    let mut limits = Limits::default();
    limits.pages = 2;
    let pages = [Content::Nothing, Content::Nothing, Content::Nothing];
    let error = read_codes(&document(&pages), &limits).unwrap_err();
    assert!(
        matches!(error, ScanError::TooManyPages { most: 2 }),
        "{error}"
    );
    for dpi in [3000.0, 10_000.0, f32::INFINITY] {
        let error = render_pdf(&document(&pages[..1]), dpi, &limits).unwrap_err();
        assert!(
            matches!(error, ScanError::TooLarge { .. }),
            "{dpi}: {error}"
        );
    }
    for dpi in [0.0, -1.0, f32::NAN] {
        let error = render_pdf(&document(&pages[..1]), dpi, &limits).unwrap_err();
        assert!(matches!(error, ScanError::Damaged { .. }), "{dpi}: {error}");
    }
}

#[test]
fn a_document_without_time_is_out_of_time_on_every_page() {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(1);
    let text = share_text(6);
    let pages: Vec<_> = (0..20).map(|_| Content::Drawn(&text)).collect();
    let started = Instant::now();
    let error = read_codes(&document(&pages), &limits).unwrap_err();
    assert!(matches!(error, ScanError::OutOfTime { .. }), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn corrupted_documents_never_panic_out_and_never_run_on() {
    let original = document(&[Content::Drawn("A SHORT TEXT")]);
    let mut dice = Dice::new(7);
    for round in 0..60 {
        let mut pdf = original.clone();
        for _ in 0..=dice.below(20) {
            let at = dice.below(pdf.len() as u64);
            pdf[at] = dice.throw() as u8;
        }
        let started = Instant::now();
        let _ = render_pdf(&pdf, 72.0, &Limits::default());
        assert!(started.elapsed() < Duration::from_secs(5), "round {round}");
    }
}
