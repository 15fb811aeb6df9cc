//! The reader rqrr, on a pixel buffer of ours.
//!
//! On noise, or on a page made to hurt, rqrr follows thousands of false traces, and each of them
//! for as long as it likes. It offers no way to stop it; but whatever it does, it asks the buffer,
//! and the buffer looks at the clock now and then and gives up. The buffer is wiped as well.

use std::cell::Cell;

use image::{GenericImage, GenericImageView, Luma, Pixel};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use super::{Code, Sight};
use crate::contain::give_up;
use crate::limits::Deadline;
use crate::place::{Area, Point};
use crate::{CodeText, GreyPage};

/// Reads every code that rqrr finds and tells where it sees one that it cannot read. Only to be called contained.
pub(super) fn read(page: &GreyPage, deadline: Deadline, sight: &mut Sight) {
    let Some(canvas) = Canvas::of(page, deadline) else {
        return;
    };
    let mut prepared = PreparedImage::prepare(canvas);
    let grids = prepared.detect_grids();
    for grid in &grids {
        let area = Area(grid.bounds.map(point));
        let mut bytes = Zeroizing::new(Vec::with_capacity(rqrr::MAX_PAYLOAD_SIZE));
        if grid.decode_to(&mut *bytes).is_ok() {
            let text = CodeText::from_code_bytes(&bytes);
            sight.codes.push(Code { text, area });
        } else {
            sight.spots.push(area.spot());
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "pages have fewer than 2²⁴ pixels a side"
)]
fn point(corner: rqrr::Point) -> Point {
    Point {
        x: corner.x as f32,
        y: corner.y as f32,
    }
}

/// A copy of a page that knows when to stop.
struct Canvas {
    width: u32,
    height: u32,
    pixels: Zeroizing<Vec<u8>>,
    /// Questions asked since the last look at the clock.
    asked: Cell<u32>,
    deadline: Deadline,
}

/// So many questions take some milliseconds.
const QUESTIONS_PER_LOOK: u32 = 1 << 20;

impl Canvas {
    fn of(page: &GreyPage, deadline: Deadline) -> Option<Self> {
        Some(Self {
            width: page.width().try_into().ok()?,
            height: page.height().try_into().ok()?,
            pixels: Zeroizing::new(page.expose_pixels().to_vec()),
            asked: Cell::new(0),
            deadline,
        })
    }

    fn count_question(&self) {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() == QUESTIONS_PER_LOOK {
            self.look_at_the_clock();
        }
    }

    fn look_at_the_clock(&self) {
        self.asked.set(0);
        if self.deadline.passed() {
            give_up();
        }
    }

    fn place(&self, x: u32, y: u32) -> usize {
        y as usize * self.width as usize + x as usize
    }
}

impl GenericImageView for Canvas {
    type Pixel = Luma<u8>;

    fn dimensions(&self) -> (u32, u32) {
        self.count_question();
        (self.width, self.height)
    }

    fn get_pixel(&self, x: u32, y: u32) -> Luma<u8> {
        self.count_question();
        Luma([self.pixels[self.place(x, y)]])
    }
}

impl GenericImage for Canvas {
    fn get_pixel_mut(&mut self, x: u32, y: u32) -> &mut Luma<u8> {
        let place = self.place(x, y);
        Luma::from_slice_mut(&mut self.pixels[place..=place])
    }

    fn put_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.count_question();
        let place = self.place(x, y);
        let Luma([shade]) = pixel;
        self.pixels[place] = shade;
    }

    fn blend_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.put_pixel(x, y, pixel);
    }
}

/// rqrr copies the page for every three finder patterns that may belong together.
impl Clone for Canvas {
    fn clone(&self) -> Self {
        self.look_at_the_clock();
        Self {
            pixels: self.pixels.clone(),
            asked: Cell::new(0),
            ..*self
        }
    }
}
