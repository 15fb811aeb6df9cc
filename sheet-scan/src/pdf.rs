//! Renders the pages of a PDF document to grey pixels.
//!
//! The renderer offers no way to stop it, so it works in a thread of its own, with room for deep
//! recursion; who waits for it waits until the deadline only. A thread that was given up ends with
//! the page it is at.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::object::Object;
use hayro::hayro_syntax::object::dict::keys::{HEIGHT, WIDTH};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use zeroize::{Zeroize, Zeroizing};

use crate::colour::luma;
use crate::contain::contain;
use crate::decode::size_in_jpeg;
use crate::limits::Deadline;
use crate::source::Source;
use crate::{GreyPage, Kind, Limits, ScanError};

/// Renders every page of a PDF document, at a resolution in dots per inch.
///
/// # Errors
///
/// When the document is damaged, locked with a password, or larger than the limits allow, and when
/// a page takes longer than they allow.
pub fn render_pdf(bytes: &[u8], dpi: f32, limits: &Limits) -> Result<Vec<GreyPage>, ScanError> {
    let mut document = Document::open(bytes, limits)?;
    (0..document.pages)
        .map(|page| document.render(page, dpi, limits.deadline()))
        .collect()
}

/// An open document: the near end of the thread that renders it.
pub(crate) struct Document {
    pages: usize,
    orders: Sender<Order>,
    /// A page took too long: the thread may never come back to its orders.
    stuck: bool,
}

impl Document {
    /// Opens a document; its bytes are copied, and wiped with the document.
    pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Self, ScanError> {
        let limits = *limits;
        let bytes = Zeroizing::new(bytes.to_vec());
        let (orders, incoming) = mpsc::channel();
        let (answer, count) = mpsc::channel();
        thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || match open(bytes, limits) {
                Err(error) => drop(answer.send(Err(error))),
                Ok(pdf) => {
                    drop(answer.send(Ok(pdf.pages().len())));
                    serve(&pdf, limits, &incoming);
                }
            })
            .map_err(|_| CRASHED)?;
        let pages = wait(&count, limits.deadline())?;
        Ok(Self {
            pages,
            orders,
            stuck: false,
        })
    }

    /// Renders one page, counted from zero. After a page that took too long, all others do.
    fn render(&mut self, page: usize, dpi: f32, deadline: Deadline) -> Result<GreyPage, ScanError> {
        if self.stuck {
            return Err(deadline.error());
        }
        let (answer, rendered) = mpsc::channel();
        self.orders
            .send(Order { page, dpi, answer })
            .map_err(|_| CRASHED)?;
        let outcome = wait(&rendered, deadline);
        self.stuck = matches!(outcome, Err(ScanError::OutOfTime { .. }));
        outcome
    }
}

/// Resolutions at which a page of a document is looked at, in dots per inch, one after the other.
const RESOLUTIONS: [f32; 2] = [200.0, 300.0];

impl Source for Document {
    fn pages(&self) -> usize {
        self.pages
    }

    fn showings(&self) -> usize {
        RESOLUTIONS.len()
    }

    fn show(
        &mut self,
        page: usize,
        showing: usize,
        deadline: Deadline,
    ) -> Result<GreyPage, ScanError> {
        let dpi = RESOLUTIONS.get(showing).copied().unwrap_or_default();
        self.render(page, dpi, deadline)
    }
}

/// A page to render, and where to send it: an answer that comes too late reaches nobody.
struct Order {
    page: usize,
    dpi: f32,
    answer: Sender<Result<GreyPage, ScanError>>,
}

/// Virtual memory for the thread's stack; pages nest forms, patterns and masks.
const STACK: usize = 64 * 1024 * 1024;

const CRASHED: ScanError = ScanError::Crashed("PDF renderer");

fn wait<T>(answers: &Receiver<Result<T, ScanError>>, deadline: Deadline) -> Result<T, ScanError> {
    answers
        .recv_timeout(deadline.left())
        .unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => deadline.error(),
                RecvTimeoutError::Disconnected => CRASHED,
            })
        })
}

fn open(bytes: Zeroizing<Vec<u8>>, limits: Limits) -> Result<Pdf, ScanError> {
    let pdf = contain(|| Pdf::new(Arc::new(bytes))).map_err(|_| CRASHED)?;
    let pdf = pdf.map_err(|error| match error {
        LoadPdfError::Decryption(_) => ScanError::Locked,
        LoadPdfError::Invalid => damaged("its structure cannot be followed"),
    })?;
    contain(|| admit_images(&pdf, limits)).unwrap_or(Err(CRASHED))?;
    match pdf.pages().len() {
        0 => Err(damaged("it has no page")),
        pages if pages > limits.pages => Err(ScanError::TooManyPages { most: limits.pages }),
        _ => Ok(pdf),
    }
}

/// Refuses a document with an image that is too large. The renderer would make room for all of it,
/// however little of it there is.
fn admit_images(pdf: &Pdf, limits: Limits) -> Result<(), ScanError> {
    for object in pdf.objects() {
        let Object::Stream(stream) = object else {
            continue;
        };
        let side = |key| stream.dict().get::<u32>(key).map(u64::from);
        let (Some(width), Some(height)) = (side(WIDTH), side(HEIGHT)) else {
            continue;
        };
        limits.admit(width, height, 0)?;
        if let Some((width, height)) = size_in_jpeg(&stream.raw_data()) {
            limits.admit(width.into(), height.into(), 0)?;
        }
    }
    Ok(())
}

fn damaged(detail: &str) -> ScanError {
    ScanError::Damaged {
        kind: Kind::Pdf,
        detail: detail.to_owned(),
    }
}

/// Renders what is ordered until nobody orders any more.
fn serve(pdf: &Pdf, limits: Limits, orders: &Receiver<Order>) {
    for Order { page, dpi, answer } in orders {
        let outcome = contain(|| {
            let page = pdf
                .pages()
                .get(page)
                .ok_or_else(|| damaged("a page is missing"))?;
            render(page, dpi, limits)
        });
        // Nobody waits for a page that took too long.
        drop(answer.send(outcome.unwrap_or(Err(CRASHED))));
    }
}

fn render(page: &Page<'_>, dpi: f32, limits: Limits) -> Result<GreyPage, ScanError> {
    let scale = dpi / POINTS_PER_INCH;
    let (width, height) = page.render_dimensions();
    let (width, height) = (whole(width * scale), whole(height * scale));
    if width == 0 || height == 0 {
        return Err(damaged("a page has no size"));
    }
    limits.admit(
        width,
        height,
        width.saturating_mul(height).saturating_mul(4),
    )?;
    if width.max(height) > u64::from(u16::MAX) {
        return Err(ScanError::TooLarge { width, height });
    }
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let mut pixmap = hayro::render(
        page,
        // A cache of its own: it would keep the shapes of a page's words.
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let (width, height) = (usize::from(pixmap.width()), usize::from(pixmap.height()));
    let (pixels, _) = pixmap.data_as_u8_slice().as_chunks();
    let grey = Zeroizing::new(pixels.iter().map(|&[r, g, b, _]| luma(r, g, b)).collect());
    pixmap.data_as_u8_slice_mut().zeroize();
    GreyPage::new(width, height, grey).ok_or_else(|| damaged("a page has no size"))
}

const POINTS_PER_INCH: f32 = 72.0;

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate"
)]
fn whole(length: f32) -> u64 {
    length as u64
}
