//! Turns page models into PDF bytes. The one module that names printpdf and lopdf.
//!
//! It refuses a page about which the library warns. The bytes depend on the marks and the title alone: no
//! date, no random identifier. Only the title stands in the document's metadata; it carries no secret.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lopdf::{Document, Object, StringFormat, dictionary};
use printpdf::{
    Color, FontId, Greyscale, LinePoint, Mm, Op, PaintMode, ParsedFont, PdfDocument, PdfFont,
    PdfFontHandle, PdfPage, PdfSaveOptions, Point, Polygon, PolygonRing, Pt, TextItem, TextMatrix,
    WindingOrder,
};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::code::Code;
use crate::fonts::{Face, MM_PER_POINT};
use crate::page::{Ink, Mark, Page, Style};
use crate::{Paper, PaperError};

const PRODUCER: &str = "archiver custody toolkit";
const OVERPRINT: &str = "REHEARSAL";

/// The width of every character that a TrueType program has, in thousandths of the type size, as this
/// module writes it into the PDF. Empty when the program cannot be read.
pub(crate) fn advances(program: &[u8]) -> BTreeMap<char, u16> {
    let Some(font) = ParsedFont::from_bytes(program, 0, &mut Vec::new()) else {
        return BTreeMap::new();
    };
    let advance = |(code, glyph): (&u32, &u16)| {
        let units = u32::from(font.get_glyph_width(*glyph)?);
        let thousandths = (units * 1000).checked_div(u32::from(font.units_per_em))?;
        Some((char::from_u32(*code)?, u16::try_from(thousandths).ok()?))
    };
    font.codepoint_to_glyph.iter().filter_map(advance).collect()
}

/// The PDF of these pages. `title` is shown by viewers and print queues: it must not be secret.
pub(crate) fn pdf(pages: &[Page], title: &str) -> Result<Zeroizing<Vec<u8>>, PaperError> {
    let mut document = PdfDocument::new(title);
    for face in Face::ALL {
        let font = ParsedFont::from_bytes(face.program(), 0, &mut Vec::new())
            .ok_or_else(|| refused(&format!("{} is no font", face.name())))?;
        document
            .resources
            .fonts
            .map
            .insert(font_id(face), PdfFont::new(font));
    }
    document.pages = pages.iter().map(pdf_page).collect();

    let mut warnings = Vec::new();
    let mut tree = Tree(document.to_lopdf_document(&PdfSaveOptions::default(), &mut warnings));
    document
        .pages
        .iter_mut()
        .for_each(|page| wipe(&mut page.ops));
    if let Some(warning) = warnings.first() {
        return Err(refused(&warning.msg));
    }
    describe(&mut tree.0, title).map_err(|error| refused(&error.to_string()))?;
    save(&mut tree.0)
}

/// The PDF's object tree, whose streams are wiped when it is dropped.
struct Tree(Document);

impl Drop for Tree {
    fn drop(&mut self) {
        for object in self.0.objects.values_mut() {
            if let Object::Stream(stream) = object {
                stream.content.zeroize();
            }
        }
    }
}

fn refused(reason: &str) -> PaperError {
    PaperError::Writer {
        reason: reason.to_owned(),
    }
}

fn font_id(face: Face) -> FontId {
    FontId(face.name().to_owned())
}

fn pdf_page(page: &Page) -> PdfPage {
    let ops = page
        .marks
        .iter()
        .flat_map(|mark| ops(mark, page.paper))
        .collect();
    PdfPage::new(Mm(page.paper.width()), Mm(page.paper.height()), ops)
}

fn ops(mark: &Mark, paper: Paper) -> Vec<Op> {
    match mark {
        Mark::Text { x, y, style, text } => {
            let at = TextMatrix::Translate(pt(*x), pt(paper.height() - y));
            text_ops(at, style.face, style.size, grey(style.ink), text)
        }
        Mark::Bar {
            x,
            y,
            width,
            height,
            ink,
        } => filled(
            grey(*ink),
            vec![rectangle(paper, *x, *y, *x + width, *y + height)],
        ),
        Mark::Code { x, y, code } => code_ops(paper, *x, *y, code),
        Mark::Overprint => overprint(paper),
    }
}

fn pt(millimetres: f32) -> Pt {
    Mm(millimetres).into()
}

/// 0 is black, 1 is white.
fn grey(ink: Ink) -> f32 {
    match ink {
        Ink::Black => 0.0,
        Ink::Grey => 0.38,
    }
}

fn color(grey: f32) -> Op {
    Op::SetFillColor {
        col: Color::Greyscale(Greyscale::new(grey, None)),
    }
}

fn text_ops(matrix: TextMatrix, face: Face, size: f32, grey: f32, text: &str) -> Vec<Op> {
    vec![
        color(grey),
        Op::StartTextSection,
        Op::SetFont {
            font: PdfFontHandle::External(font_id(face)),
            size: Pt(size),
        },
        Op::SetTextMatrix { matrix },
        Op::ShowText {
            items: vec![TextItem::Text(text.to_owned())],
        },
        Op::EndTextSection,
    ]
}

/// One filled path, so that neighbours leave no hairline between them.
fn filled(grey: f32, rings: Vec<PolygonRing>) -> Vec<Op> {
    let polygon = Polygon {
        rings,
        mode: PaintMode::Fill,
        winding_order: WindingOrder::NonZero,
    };
    vec![color(grey), Op::DrawPolygon { polygon }]
}

fn rectangle(paper: Paper, left: f32, top: f32, right: f32, bottom: f32) -> PolygonRing {
    let corner = |x: f32, y: f32| LinePoint {
        p: Point {
            x: pt(x),
            y: pt(paper.height() - y),
        },
        bezier: false,
    };
    PolygonRing {
        points: vec![
            corner(left, top),
            corner(right, top),
            corner(right, bottom),
            corner(left, bottom),
        ],
    }
}

/// The code on a white ground as wide as its quiet zone: readers take even a light overprint for modules.
fn code_ops(paper: Paper, x: f32, y: f32, code: &Code) -> Vec<Op> {
    const WHITE: f32 = 1.0;
    let quiet = code.quiet_zone();
    let side = code.side();
    let ground = rectangle(
        paper,
        x - quiet,
        y - quiet,
        x + side + quiet,
        y + side + quiet,
    );
    let module = code.module();
    let across = |modules: u8| x + f32::from(modules) * module;
    let down = |modules: u8| y + f32::from(modules) * module;
    let runs = code.dark_runs();
    let dark = runs.map(|(row, start, end)| {
        rectangle(paper, across(start), down(row), across(end), down(row + 1))
    });
    let mut ops = filled(WHITE, vec![ground]);
    ops.extend(filled(grey(Ink::Black), dark.collect()));
    ops
}

/// REHEARSAL from the lower left to the upper right corner, so light that text over it reads well.
fn overprint(paper: Paper) -> Vec<Op> {
    const LIGHT: f32 = 0.88;
    const SPAN: f32 = 0.80;
    /// Height of a capital of the semibold face, as a part of the type size.
    const CAPITAL: f32 = 0.714;
    let diagonal = paper.width().hypot(paper.height());
    let (rise, run) = (paper.height() / diagonal, paper.width() / diagonal);
    let style = Style::new(Face::Semibold, 100.0);
    let size = style.size * diagonal * SPAN / style.width(OVERPRINT);
    let half_width = diagonal * SPAN / 2.0;
    let half_height = size * CAPITAL * MM_PER_POINT / 2.0;
    let x = paper.width() / 2.0 - half_width * run + half_height * rise;
    let y = paper.height() / 2.0 - half_width * rise - half_height * run;
    let matrix = TextMatrix::Raw([run, rise, -rise, run, pt(x).0, pt(y).0]);
    text_ops(matrix, Face::Semibold, size, LIGHT, OVERPRINT)
}

/// Sets what printpdf leaves open or random: the identifier, the metadata, and how the page is printed.
fn describe(tree: &mut Document, title: &str) -> lopdf::Result<()> {
    // /PrintScaling came with PDF 1.6.
    "1.6".clone_into(&mut tree.version);
    let id = Object::String(
        Sha256::digest(title.as_bytes()).to_vec(),
        StringFormat::Hexadecimal,
    );
    tree.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let info = tree.trailer.get(b"Info")?.as_reference()?;
    let text = lopdf::text_string;
    tree.set_object(
        info,
        dictionary! { "Title" => text(title), "Producer" => text(PRODUCER) },
    );
    let root = tree.trailer.get(b"Root")?.as_reference()?;
    let catalog = tree.get_object_mut(root)?.as_dict_mut()?;
    catalog.set("Lang", text("en"));
    catalog.set(
        "ViewerPreferences",
        dictionary! { "PrintScaling" => "None", "Duplex" => "Simplex", "DisplayDocTitle" => true },
    );
    Ok(())
}

/// Writes into a buffer of exactly the right length, so that no piece of a secret page stays behind in
/// a buffer that was outgrown.
fn save(tree: &mut Document) -> Result<Zeroizing<Vec<u8>>, PaperError> {
    compress_fonts(tree);
    let failed = |error: io::Error| refused(&error.to_string());
    let mut length = Length(0);
    tree.save_to(&mut length).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    tree.save_to(&mut *bytes).map_err(failed)?;
    Ok(bytes)
}

/// Packs the fonts. A page's own stream stays as it is: packing would leave an unwiped copy of it.
fn compress_fonts(tree: &mut Document) {
    let contents: Vec<_> = tree
        .get_pages()
        .values()
        .flat_map(|page| tree.get_page_contents(*page))
        .collect();
    for (id, object) in &mut tree.objects {
        if let Object::Stream(stream) = object {
            stream.allows_compression = !contents.contains(id);
        }
    }
    tree.compress();
}

/// Counts bytes instead of keeping them.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wipe(ops: &mut [Op]) {
    for op in ops {
        match op {
            Op::ShowText { items } => items.iter_mut().for_each(|item| {
                if let TextItem::Text(text) = item {
                    text.zeroize();
                }
            }),
            Op::DrawPolygon { polygon } => {
                for point in polygon.rings.iter_mut().flat_map(|ring| &mut ring.points) {
                    point.p.x.0.zeroize();
                    point.p.y.0.zeroize();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_into_one_buffer_that_is_never_outgrown() {
        let mut page = Page::new(Paper::A4, true);
        page.text(20.0, 20.0, Style::new(Face::Regular, 10.0), "Share");
        let bytes = pdf(&[page], "title").unwrap();
        assert_eq!(bytes.len(), bytes.capacity());
    }

    #[test]
    fn a_program_that_is_no_font_has_no_characters() {
        assert!(advances(b"no font").is_empty());
        assert!(
            Face::ALL
                .iter()
                .all(|face| advances(face.program()).len() > 300)
        );
    }

    #[test]
    fn operators_keep_no_text_and_no_module_after_wiping() {
        let at = TextMatrix::Translate(Pt(0.0), Pt(0.0));
        let mut ops = text_ops(at, Face::Mono, 10.0, 0.0, "SECRET");
        ops.extend(filled(
            0.0,
            vec![rectangle(Paper::A4, 20.0, 20.0, 21.0, 21.0)],
        ));
        wipe(&mut ops);
        for op in ops {
            match op {
                Op::ShowText { items } => assert_eq!(items, [TextItem::Text(String::new())]),
                Op::DrawPolygon { polygon } => {
                    let points = polygon.rings.iter().flat_map(|ring| &ring.points);
                    assert!(
                        points
                            .into_iter()
                            .all(|point| point.p.x == Pt(0.0) && point.p.y == Pt(0.0))
                    );
                }
                _ => {}
            }
        }
    }
}
