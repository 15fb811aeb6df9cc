//! How much work one scan may cause: pixels, memory, pages and time.
//!
//! Nothing here measures; the decoders ask before they allocate, the readers while they work.

use std::time::{Duration, Instant};

use crate::ScanError;

/// Bounds for one call. The default reads an A4 page at 1200 dpi or a colour photo of 120
/// megapixels, and gives up on a page after 30 seconds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Most pixels in one image or page.
    pub pixels: u64,
    /// Most bytes for one decoded image, before it is turned to grey. What a decoder needs beside
    /// the image (a progressive JPEG: about twice the image) comes on top.
    pub memory: u64,
    /// Most pages in one document.
    pub pages: usize,
    /// Most time for one page: decoding or rendering it and looking for codes.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pixels: 150_000_000,
            memory: 640 * 1024 * 1024,
            pages: 200,
            time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Refuses an image of this size, or one that would take this many bytes.
    pub(crate) fn admit(&self, width: u64, height: u64, bytes: u64) -> Result<(), ScanError> {
        let pixels = width.saturating_mul(height);
        if pixels > self.pixels || bytes > self.memory {
            return Err(ScanError::TooLarge { width, height });
        }
        Ok(())
    }

    /// The moment at which the work on a page that begins now has to stop.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline {
            end: Instant::now().checked_add(self.time),
            allowed: self.time,
        }
    }
}

/// When to stop; never, where the clock cannot count that far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Option<Instant>,
    allowed: Duration,
}

impl Deadline {
    pub(crate) fn passed(self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// What is left; zero when it has passed.
    pub(crate) fn left(self) -> Duration {
        self.end.map_or(Duration::MAX, |end| {
            end.saturating_duration_since(Instant::now())
        })
    }

    /// This deadline or one that comes earlier: after so much time from now.
    pub(crate) fn within(self, time: Duration) -> Self {
        let sooner = Instant::now().checked_add(time);
        Self {
            end: [self.end, sooner].into_iter().flatten().min(),
            ..self
        }
    }

    /// The error to give when it has passed.
    pub(crate) fn error(self) -> ScanError {
        ScanError::OutOfTime {
            seconds: self.allowed.as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_admits_a_page_at_1200_dpi_and_a_colour_photo_of_120_megapixels() {
        let limits = Limits::default();
        assert!(limits.admit(9922, 14032, 9922 * 14032).is_ok());
        assert!(limits.admit(12_000, 10_000, 4 * 120_000_000).is_ok());
    }

    #[test]
    fn an_image_beyond_a_limit_is_refused_with_its_size() {
        let refused = Limits::default().admit(100_000, 100_000, 1);
        let Err(ScanError::TooLarge { width, height }) = refused else {
            unreachable!("{refused:?}");
        };
        assert_eq!((width, height), (100_000, 100_000));
        assert!(Limits::default().admit(u64::MAX, 2, 1).is_err());
        assert!(Limits::default().admit(10, 10, u64::MAX).is_err());
    }

    #[test]
    fn a_deadline_without_time_has_passed() {
        let limits = Limits {
            time: Duration::ZERO,
            ..Limits::default()
        };
        assert!(limits.deadline().passed());
        assert_eq!(limits.deadline().left(), Duration::ZERO);
        assert!(
            !Limits {
                time: Duration::MAX,
                ..limits
            }
            .deadline()
            .passed()
        );
    }

    #[test]
    fn a_deadline_only_comes_earlier() {
        let (short, long) = (Duration::from_secs(10), Duration::from_secs(1000));
        for time in [long, Duration::MAX] {
            let deadline = Limits {
                time,
                ..Limits::default()
            }
            .deadline();
            assert!(deadline.within(short).left() <= short);
            assert!(deadline.within(long).left() > short);
        }
        let deadline = Limits {
            time: short,
            ..Limits::default()
        }
        .deadline();
        assert!(deadline.within(long).left() <= short);
    }
}
