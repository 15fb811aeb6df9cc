//! The damage corpus: sheets with one damage each, in several strengths, and sheets with several
//! damages at once. Not everything in it can be read; it is there to compare readers.

use image::GrayImage;

use crate::damage as d;
use crate::print::{Dice, ON_THE_SHEET, Place, page, share_text, sheet};

/// One damaged scan.
pub(crate) struct Scan {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn corpus() -> impl Iterator<Item = Scan> {
    single_damages().chain((0..150).map(mixed_damages))
}

fn single_damages() -> impl Iterator<Item = Scan> {
    [200.0, 300.0].into_iter().flat_map(|dpi| {
        damages().into_iter().zip(1..).map(move |(damage, number)| {
            let text = share_text(number);
            let page = (damage.spoil)(&sheet(dpi, &text));
            let name = format!("{}, {dpi} dpi", damage.name);
            Scan {
                name,
                text,
                bytes: saved(&page, number),
            }
        })
    })
}

/// Three random damages of random strength on a code of random size.
fn mixed_damages(number: u32) -> Scan {
    let mut dice = Dice::new(1000 + u64::from(number));
    let text = share_text(500 + number);
    let dpi = [150.0, 200.0, 300.0][dice.below(3)];
    let module = [0.75, 0.9, 1.1][dice.below(3)];
    let mut scan = page(
        dpi,
        &[(
            &text,
            Place {
                module,
                ..ON_THE_SHEET
            },
        )],
    );
    for _ in 0..3 {
        scan = spoilt_at_random(&scan, dpi / 200.0, &mut dice);
    }
    let name = format!("mixed {number}, {module} mm, {dpi} dpi");
    Scan {
        name,
        text,
        bytes: saved(&scan, number),
    }
}

/// Every second scan is a JPEG image, as office scanners make them.
fn saved(page: &GrayImage, number: u32) -> Vec<u8> {
    if number.is_multiple_of(2) {
        d::jpeg(page, 50)
    } else {
        d::png(page)
    }
}

fn spoilt_at_random(page: &GrayImage, scale: f64, dice: &mut Dice) -> GrayImage {
    let (kind, strength, other) = (dice.below(12), dice.share(), dice.share());
    let near_the_code = (0.1 + 0.3 * dice.share(), 0.45 + 0.3 * dice.share());
    let seed = dice.throw();
    match kind {
        0 => d::skewed(page, 50.0 * strength - 25.0),
        1 => d::low_contrast(
            page,
            (100.0 * strength) as u8,
            (140.0 + 100.0 * other) as u8,
        ),
        2 => d::uneven_light(page, 0.1 + 0.5 * strength),
        3 => d::shadow(page, 0.4 + 0.5 * strength),
        4 => d::blur(page, (scale * (0.5 + 2.5 * strength)) as f32),
        5 => d::salt_and_pepper(page, 0.15 * strength, seed),
        6 => d::grain(page, 20.0 + 150.0 * strength, seed),
        7 => d::stain(page, near_the_code, 0.1 * strength, 0.4 + 0.5 * other),
        8 => d::blot(page, near_the_code, 0.04 * strength, 255.0 * other),
        9 => d::folds(page, seed),
        10 => d::photographed(page, 0.4 * strength),
        _ => d::wavy(page, 0.005 * strength),
    }
}

struct Damage {
    name: String,
    spoil: Box<dyn Fn(&GrayImage) -> GrayImage>,
}

fn damage(name: String, spoil: impl Fn(&GrayImage) -> GrayImage + 'static) -> Damage {
    Damage {
        name,
        spoil: Box::new(spoil),
    }
}

fn damages() -> Vec<Damage> {
    let mut all = vec![damage("clean".to_owned(), Clone::clone)];
    all.extend(position());
    all.extend(light());
    all.extend(sharpness());
    all.extend(noise());
    all.extend(spots());
    all.extend(lines());
    all
}

fn position() -> impl Iterator<Item = Damage> {
    let skew = [1.0, 3.0, 7.0, 10.0, -5.0, 15.0, 25.0, 33.0, 45.0];
    let skew = skew.map(|a| damage(format!("skewed {a}°"), move |p| d::skewed(p, a)));
    let wave = [0.002, 0.005, 0.01];
    let wave = wave.map(|h| damage(format!("wavy {h}"), move |p| d::wavy(p, h)));
    let photo = [0.1, 0.25, 0.4, 0.55].into_iter().flat_map(|slant| {
        let good = damage(format!("photo {slant}"), move |p| d::photographed(p, slant));
        let bad = damage(format!("photo {slant} in bad light"), move |p| {
            d::grain(
                &d::blur(&d::shadow(&d::photographed(p, slant), 0.6), 1.5),
                40.0,
                6,
            )
        });
        [good, bad]
    });
    skew.into_iter().chain(wave).chain(photo)
}

fn light() -> impl Iterator<Item = Damage> {
    let contrast = [(60, 180), (90, 140), (110, 130), (150, 250), (5, 60)].map(|(ink, paper)| {
        damage(format!("contrast {ink} to {paper}"), move |p| {
            d::low_contrast(p, ink, paper)
        })
    });
    let uneven = [0.5, 0.25, 0.1].into_iter().flat_map(|dark| {
        let plain = damage(format!("light to {dark}"), move |p| {
            d::uneven_light(p, dark)
        });
        let shadow = damage(format!("shadow {dark}"), move |p| d::shadow(p, 1.0 - dark));
        let skewed = damage(format!("light to {dark}, skewed"), move |p| {
            d::uneven_light(&d::skewed(p, 6.0), dark)
        });
        [plain, shadow, skewed]
    });
    contrast.into_iter().chain(uneven)
}

fn sharpness() -> impl Iterator<Item = Damage> {
    let blur = [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().flat_map(|sigma| {
        let plain = damage(format!("blur {sigma}"), move |p| d::blur(p, sigma));
        let grainy = damage(format!("blur {sigma} and grain"), move |p| {
            d::grain(&d::low_contrast(&d::blur(p, sigma), 40, 210), 40.0, 3)
        });
        [plain, grainy]
    });
    let fax = [40, 100, 160, 220].map(|threshold| {
        damage(format!("fax {threshold}"), move |p| {
            d::fax(&d::blur(p, 1.0), threshold)
        })
    });
    let resampled = [0.3, 0.4, 0.5, 0.75, 2.0].map(|factor| {
        damage(format!("resampled {factor}"), move |p| {
            d::resampled(p, factor)
        })
    });
    blur.chain(fax).chain(resampled)
}

fn noise() -> impl Iterator<Item = Damage> {
    let specks = [0.01, 0.03, 0.06, 0.1, 0.15, 0.25]
        .into_iter()
        .flat_map(|share| {
            let plain = damage(format!("specks {share}"), move |p| {
                d::salt_and_pepper(p, share, 8)
            });
            let skewed = damage(format!("specks {share}, skewed"), move |p| {
                d::salt_and_pepper(&d::skewed(p, 4.0), share, 9)
            });
            [plain, skewed]
        });
    let grain = [60.0, 120.0, 200.0, 300.0];
    specks.chain(grain.map(|s| damage(format!("grain {s}"), move |p| d::grain(p, s, 4))))
}

/// The middle of the code and its width, in shares of the page's width.
const CODE: (f64, f64) = (0.254, 0.602);
const CODE_WIDTH: f64 = 0.3;

fn spots() -> impl Iterator<Item = Damage> {
    let places = [
        ("middle", 0.0, 0.0),
        ("right", 0.3, 0.2),
        ("left", -0.25, 0.3),
        ("finder", -0.45, -0.45),
    ];
    places.into_iter().flat_map(|(place, x, y)| {
        let at = (CODE.0 + x * CODE_WIDTH, CODE.1 + y * CODE_WIDTH);
        let stains = [0.15, 0.3].into_iter().flat_map(move |radius| {
            [0.4, 0.7, 0.85].map(|darkness| {
                damage(format!("stain {place} {radius} {darkness}"), move |p| {
                    d::stain(p, at, radius * CODE_WIDTH, darkness)
                })
            })
        });
        let blots = [0.08, 0.12, 0.16, 0.2].into_iter().flat_map(move |radius| {
            [0.0, 128.0, 255.0].map(|shade| {
                damage(format!("blot {place} {radius} {shade}"), move |p| {
                    d::blot(p, at, radius * CODE_WIDTH, shade)
                })
            })
        });
        stains.chain(blots)
    })
}

fn lines() -> impl Iterator<Item = Damage> {
    let places = [(0.2, 0.0), (0.5, 255.0), (0.05, 255.0), (0.8, 0.0)];
    let stripes = places.into_iter().flat_map(|(place, shade)| {
        let left = CODE.0 + (place - 0.5) * CODE_WIDTH;
        [0.004, 0.01, 0.02].map(|width| {
            damage(format!("stripe {place} {width}"), move |p| {
                d::stripe(p, left, width, shade)
            })
        })
    });
    let folds = (1..5).flat_map(|seed| {
        let plain = damage(format!("folds {seed}"), move |p| d::folds(p, seed));
        let worse = damage(format!("folds {seed}, grain, light"), move |p| {
            d::uneven_light(&d::grain(&d::folds(p, seed + 9), 60.0, seed), 0.4)
        });
        [plain, worse]
    });
    stripes.chain(folds)
}
