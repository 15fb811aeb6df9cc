#![allow(warnings, clippy::all, clippy::pedantic, missing_docs)]
#[path = "../tests/scans/corpus.rs"]
mod corpus;
#[path = "../tests/scans/damage.rs"]
mod damage;
#[path = "../tests/scans/print.rs"]
mod print;
use crate::ladder::*;
use crate::*;
use std::time::{Duration, Instant};

#[test]
#[ignore]
fn matrix() {
    let limits = Limits {
        time: Duration::from_secs(1000),
        ..Limits::default()
    };
    let mut steps = vec![];
    for scale in [2, 1, 3] {
        for (name, filter) in [
            ("Plain", Filter::Plain),
            ("Flat", Filter::Flat),
            ("FlatBlur", Filter::FlatBlurred),
            ("Blur", Filter::Blurred),
            ("T12", Filter::Threshold(12)),
            ("T30", Filter::Threshold(30)),
            ("FlatMed", Filter::FlatMedian),
            ("Med", Filter::Median),
            ("MedT30", Filter::MedianThreshold(30)),
            ("BlurT30", Filter::BlurThreshold(30)),
            ("BB", Filter::BlurBlur),
        ] {
            for turn in [0.0, 7.0, 15.0, 30.0, 45.0] {
                if scale == 1 && turn != 0.0 && !(matches!(filter, Filter::Plain | Filter::Flat)) {
                    continue;
                }
                steps.push((
                    format!("{scale}/{name}/{turn}"),
                    Way {
                        times: scale,
                        filter,
                        turn,
                    },
                ));
            }
        }
    }
    println!(
        "STEPS {}",
        steps
            .iter()
            .map(|s| s.0.clone())
            .collect::<Vec<_>>()
            .join(";")
    );
    let only: Vec<u32> = std::env::var("ONLY")
        .unwrap()
        .split(',')
        .map(|s| s.parse().unwrap())
        .collect();
    for n in only {
        let scan = corpus::mixed_damages(n);
        let page = decode::decode(&scan.bytes, Kind::of(&scan.bytes), &limits).unwrap();
        let mut out = vec![];
        let mut sizes = Sizes::of(&page);
        for (_, step) in &steps {
            let t = Instant::now();
            let scaled = sizes.at(step.times);
            let ready = step.apply(scaled);
            let ready = ready.as_ref().unwrap_or(scaled);
            let t1 = t.elapsed().as_millis();
            let t = Instant::now();
            let (q, qs) =
                readers::only(0, &ready, limits.deadline().within(Duration::from_secs(2)));
            let t2 = t.elapsed().as_millis();
            let t = Instant::now();
            let (z, zs) = readers::only(1, &ready, limits.deadline());
            let t3 = t.elapsed().as_millis();
            let ok = |v: &Vec<CodeText>| {
                if v.iter().any(|x| x.expose_text() == scan.text) {
                    if v.len() > 1 { '2' } else { '1' }
                } else if v.is_empty() {
                    '0'
                } else {
                    'x'
                }
            };
            out.push(format!(
                "{},{},{},{},{},{}",
                ok(&q.texts),
                ok(&z.texts),
                q.codes,
                t1,
                t2,
                t3
            ));
        }
        println!("ROW {}|{}|{}", scan.name, 0, out.join(";"));
    }
}
