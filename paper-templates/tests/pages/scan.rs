//! What a scanner and a reader of text make of a page.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

/// The texts of all QR codes on all pages, as a reader finds them at this resolution.
pub(crate) fn codes(pdf: &[u8], dots_per_inch: f32) -> Vec<String> {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let scale = dots_per_inch / 72.0;
    let pixmap_settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let cache = RenderCache::new();
    let mut found = Vec::new();
    for page in pdf.pages().iter() {
        let pixels = render(
            page,
            &cache,
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &pixmap_settings,
        );
        let (width, height) = (usize::from(pixels.width()), usize::from(pixels.height()));
        let data = pixels.data_as_u8_slice();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            data[4 * (y * width + x)]
        });
        found.extend(
            image
                .detect_grids()
                .iter()
                .filter_map(|grid| grid.decode().ok())
                .map(|(_, text)| text),
        );
    }
    found
}

/// The text of each page, blanks and line ends removed.
pub(crate) fn texts(pdf: &[u8]) -> Vec<String> {
    let document = lopdf::Document::load_mem(pdf).expect("a PDF");
    let text = |number: &u32| document.extract_text(&[*number]).expect("text");
    document
        .get_pages()
        .keys()
        .map(text)
        .map(|text| squeezed(&text))
        .collect()
}

/// A text without blanks and line ends.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
