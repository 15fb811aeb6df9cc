//! Made-up mails: headers, English-looking text, and for longer ones an attachment of random bytes in base64, as pictures and office
//! files are (they are compressed themselves). The same seed gives the same bytes.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use data_encoding::BASE64;

use super::{CorpusError, files};

/// Changes when the mails change, so that an old cache is not taken.
const SEED: u64 = 202_611;

/// Log-normal with a median of 11 KB and a mean of 75 KB: what today's mail looks like with its attachments.
const MEDIAN: f64 = 11_000.0;
const SIGMA: f64 = 1.96;
const SHORTEST: f64 = 700.0;
const LONGEST: f64 = 12_000_000.0;

/// A mail's text is no longer than this; the rest is attachment.
const TEXT: usize = 9_000;

/// What the set is called in tables.
pub(super) fn name() -> String {
    format!("made-up mails, seed {SEED}")
}

/// `count` mails of realistic sizes, made in `cache` unless they are there.
pub(super) fn mails(cache: &Path, count: usize) -> Result<Vec<PathBuf>, CorpusError> {
    let folder = cache.join(format!("synthetic-{SEED}-{count}"));
    made(&folder, count).map_err(|source| CorpusError { folder, source })
}

fn made(folder: &Path, count: usize) -> io::Result<Vec<PathBuf>> {
    if !folder.exists() {
        let part = folder.with_extension("part");
        fs::create_dir_all(&part)?;
        let mut random = Random(SEED);
        for number in 0..count {
            let size = random.size();
            write(&part.join(format!("{number:06}.eml")), &mut random, size)?;
        }
        fs::rename(part, folder)?;
    }
    files(folder, ".eml")
}

/// `count` different mails of exactly `size` bytes.
///
/// # Errors
/// When they cannot be written.
pub fn of_size(folder: &Path, size: usize, count: usize) -> io::Result<Vec<PathBuf>> {
    let mut random = Random(SEED ^ size as u64);
    let mut paths = Vec::with_capacity(count);
    for number in 0..count {
        let path = folder.join(format!("{size}-{number:06}.eml"));
        write(&path, &mut random, size)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Writes one mail of exactly `size` bytes, piece by piece: what the bench itself has in memory counts as its children's.
fn write(path: &Path, random: &mut Random, size: usize) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut left = size;
    for piece in pieces(random, size) {
        let piece = piece.get(..left).unwrap_or(&piece);
        file.write_all(piece)?;
        left -= piece.len();
    }
    file.flush()
}

/// A mail of at least `size` bytes: headers, text, and for a longer one an attachment.
fn pieces(random: &mut Random, size: usize) -> impl Iterator<Item = Vec<u8>> {
    let headers = headers(random).into_bytes();
    let with_attachment = size > headers.len() + 2 * TEXT;
    let text = if with_attachment { TEXT } else { size };
    let mut length = 0;
    let mut next = Some(headers);
    iter::from_fn(move || {
        let piece = next.take()?;
        length += piece.len();
        next = match length {
            all if all >= size => None,
            short if short < text => Some(line(random).into_bytes()),
            _ => Some(attachment_line(random)),
        };
        Some(piece)
    })
}

fn headers(random: &mut Random) -> String {
    let (id, from, to) = (random.next(), random.word(), random.word());
    let subject = line(random);
    format!(
        "Return-Path: <{from}@example.org>\n\
         Received: from mail.example.org ([192.0.2.{}])\n\tby mx.example.com (Postfix) with ESMTPS id {id:X}\n\
         \tfor <{to}@example.com>; Tue, 24 Nov 2026 20:28:37 +0000 (UTC)\n\
         Message-ID: <{id:x}@example.org>\nDate: Tue, 24 Nov 2026 20:28:36 +0000\n\
         From: {from} <{from}@example.org>\nTo: {to} <{to}@example.com>\nSubject: {subject}\
         MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=-{id:x}\"\n\n\
         --=-{id:x}\nContent-Type: text/plain; charset=utf-8\n\n",
        id % 256
    )
}

/// About seventy characters of words.
fn line(random: &mut Random) -> String {
    let mut line = String::new();
    while line.len() < 65 {
        line.push_str(random.word());
        line.push(' ');
        if random.below(12) == 0 {
            line.push_str(&random.below(100_000).to_string());
            line.push_str(". ");
        }
    }
    line.push('\n');
    line
}

/// Seventy-six columns of base64.
fn attachment_line(random: &mut Random) -> Vec<u8> {
    let mut bytes = [0; 57];
    bytes.fill_with(|| random.next().to_le_bytes()[0]);
    let mut line = BASE64.encode(&bytes).into_bytes();
    line.push(b'\n');
    line
}

/// `SplitMix64`: enough for mails, not for secrets.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Between 0 and 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A length in bytes.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a mail can have"
    )]
    fn size(&mut self) -> usize {
        // Box and Muller: two uniform numbers make a normal one.
        let (radius, angle) = (self.fraction().max(1e-12), self.fraction());
        let normal = (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos();
        (MEDIAN * (SIGMA * normal).exp()).clamp(SHORTEST, LONGEST) as usize
    }

    /// The first words of the list come most often, as in a language.
    fn word(&mut self) -> &'static str {
        static LIST: LazyLock<Vec<&str>> =
            LazyLock::new(|| WORDS.split_ascii_whitespace().collect());
        let most = 1 + self.below(LIST.len() as u64);
        let place = usize::try_from(self.below(most)).unwrap_or(0);
        LIST.get(place).unwrap_or(&"the")
    }
}

const WORDS: &str = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which \
    one you were her all she there would their we him been has when who will more no if out so said what up its about into than them \
    can only other new some could time these two may then do first any my now such like our over man me even most made after also did \
    many before must through back years where much your way well down should because each just those people too little state good very \
    make world still own see men work long get here between both life being under never day same another know while last might us great \
    old year off come since against go came right used take three states himself few house use during without again place around however \
    home small found thought went say part once general high upon school every account contract payment delivery meeting agenda minutes \
    quarter budget forecast invoice order customer supplier department approval signature document attached regards please confirm \
    Monday Tuesday Wednesday Thursday Friday deadline schedule project manager director board annual report figures revenue expense \
    travel booking conference telephone address street office building employee insurance pension salary holiday training review";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn mail(seed: u64, size: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.eml");
        write(&path, &mut Random(seed), size).unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn a_mail_has_exactly_its_size_and_the_same_seed_gives_the_same_mail() {
        for size in [700, 1024, 10_240, 102_400, 1_000_000] {
            let made = mail(7, size);
            assert_eq!(made.len(), size);
            assert!(made.starts_with(b"Return-Path: <"));
            assert!(made == mail(7, size));
        }
        assert!(mail(7, 1024) != mail(8, 1024));
    }

    #[test]
    fn sizes_are_those_of_todays_mail() {
        let mut random = Random(SEED);
        let mut sizes: Vec<usize> = (0..20_000).map(|_| random.size()).collect();
        sizes.sort_unstable();
        let median = sizes[10_000];
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((10_000..12_000).contains(&median), "{median}");
        assert!((60_000..90_000).contains(&mean), "{mean}");
    }
}
