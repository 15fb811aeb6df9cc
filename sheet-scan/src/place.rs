//! Places on a page: the area of a code that was read, the spot where one seems to be.
//!
//! Geometry only; knows no readers and no pixels' shades.

/// A point on a page, in pixels from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Point {
    pub(crate) fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    pub(crate) fn middle(self, other: Self) -> Self {
        Self {
            x: self.x.midpoint(other.x),
            y: self.y.midpoint(other.y),
        }
    }

    /// The point so many times farther from another.
    fn away_from(self, other: Self, times: f32) -> Self {
        Self {
            x: other.x + (self.x - other.x) * times,
            y: other.y + (self.y - other.y) * times,
        }
    }
}

/// The four corners of a code, one after the other around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area(pub(crate) [Point; 4]);

impl Area {
    pub(crate) fn map(self, change: impl Fn(Point) -> Point) -> Self {
        Self(self.0.map(change))
    }

    pub(crate) fn centre(&self) -> Point {
        let [a, b, c, d] = self.0;
        a.middle(c).middle(b.middle(d))
    }

    /// The same area with some of the quiet zone around it.
    pub(crate) fn grown(self) -> Self {
        const A_LITTLE: f32 = 1.06;
        let centre = self.centre();
        self.map(|corner| corner.away_from(centre, A_LITTLE))
    }

    pub(crate) fn contains(&self, point: Point) -> bool {
        self.span(point.y)
            .is_some_and(|(left, right)| (left..=right).contains(&point.x))
    }

    /// Where the area begins and ends at a height; none above and below it.
    pub(crate) fn span(&self, y: f32) -> Option<(f32, f32)> {
        let mut next = self.0;
        next.rotate_left(1);
        self.0
            .into_iter()
            .zip(next)
            .filter_map(|(from, to)| crossing(from, to, y))
            .fold(None, |span, x| {
                let (left, right) = span.unwrap_or((x, x));
                Some((f32::min(left, x), f32::max(right, x)))
            })
    }

    /// Where a code stands that seems to be here.
    pub(crate) fn spot(&self) -> Spot {
        let [a, b, c, d] = self.0;
        Spot {
            centre: self.centre(),
            reach: a.distance(c).max(b.distance(d)) / 2.0,
        }
    }
}

/// Where the line between two points is at a height.
fn crossing(from: Point, to: Point, y: f32) -> Option<f32> {
    let (upper, lower) = if from.y <= to.y {
        (from, to)
    } else {
        (to, from)
    };
    if y < upper.y || y > lower.y || upper.y >= lower.y {
        return None;
    }
    Some(upper.x + (lower.x - upper.x) * (y - upper.y) / (lower.y - upper.y))
}

/// Where something looks like a code, without being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) centre: Point,
    /// From its centre to its corners, or not as far where only a part of it was seen.
    pub(crate) reach: f32,
}

impl Spot {
    /// Whether both are of the same code: two codes side by side are farther from each other.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.centre.distance(other.centre) < self.reach.max(other.reach)
    }

    /// Whether both may be of the same code, or of two codes close together.
    pub(crate) fn touches(&self, other: &Self) -> bool {
        self.centre.distance(other.centre) < self.reach + other.reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    fn diamond() -> Area {
        Area([
            at(50.0, 0.0),
            at(100.0, 50.0),
            at(50.0, 100.0),
            at(0.0, 50.0),
        ])
    }

    #[test]
    fn an_area_knows_what_lies_in_it() {
        let area = diamond();
        assert_eq!(area.centre(), at(50.0, 50.0));
        for inside in [at(50.0, 1.0), at(99.0, 50.0), at(30.0, 30.0)] {
            assert!(area.contains(inside), "{inside:?}");
        }
        for outside in [
            at(50.0, -1.0),
            at(10.0, 10.0),
            at(90.0, 90.0),
            at(50.0, 101.0),
        ] {
            assert!(!area.contains(outside), "{outside:?}");
        }
        assert!(area.grown().contains(at(50.0, -1.0)));
    }

    #[test]
    fn a_span_is_as_wide_as_the_area_at_its_height() {
        assert_eq!(diamond().span(25.0), Some((25.0, 75.0)));
        assert_eq!(diamond().span(-0.5), None);
        let square = Area([at(0.0, 0.0), at(9.0, 0.0), at(9.0, 9.0), at(0.0, 9.0)]);
        assert_eq!(square.span(0.0), Some((0.0, 9.0)));
        assert_eq!(square.span(9.0), Some((0.0, 9.0)));
    }

    #[test]
    fn spots_of_one_code_meet_and_those_of_neighbours_do_not() {
        let here = diamond().spot();
        let part = Spot {
            centre: at(75.0, 25.0),
            reach: 30.0,
        };
        assert!(here.meets(&part) && part.meets(&here));
        assert!(!here.meets(&diamond().map(|corner| at(corner.x + 75.0, corner.y)).spot()));
    }
}
