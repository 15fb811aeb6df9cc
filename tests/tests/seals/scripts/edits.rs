//! What a script can do to the bytes of a vault and of its checkpoints: blindly, line by line, record by record, and with what an attacker has ready.

use std::ops::Range;

use custody_tests::Dice;

use super::world::{World, worlds};

/// Pieces that mean something to a reader.
const WORDS: [&[u8]; 12] = [
    b"\n",
    b" ",
    b"\t",
    b"\r\n",
    b"\n\n",
    b"=",
    b"\0",
    b"-----BEGIN PGP MESSAGE-----\n",
    b"-----END PGP MESSAGE-----\n",
    b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n",
    b"Comment: of mine\n",
    b"a note\n",
];

/// Line ends that some readers take for one.
const LINE_ENDS: [&[u8]; 3] = [b"\r\n", b" \n", b"\t\n"];

/// A vault and its seals in the hands of a script.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) vault: Vec<u8>,
    pub(super) seals: Vec<u8>,
    /// What was done, in order.
    pub(super) done: Vec<&'static str>,
    world: &'static World,
}

type Edit = fn(&mut Vec<u8>, &mut Dice);

/// Those that know nothing of what stands there.
const BLIND: [(&str, Edit); 9] = [
    ("flip a bit", |bytes, dice| flip(bytes, dice)),
    ("change a byte", |bytes, dice| change(bytes, dice)),
    ("delete bytes", delete),
    ("insert bytes", insert),
    ("duplicate bytes", duplicate),
    ("swap bytes", swap),
    ("cut the end", truncate),
    ("cut the beginning", behead),
    ("change the case", |bytes, dice| change_case(bytes, dice)),
];

/// Those on lines, or on records and notes, by where they begin.
const PIECES: [(&str, PieceEdit); 4] = [
    ("delete", |pieces, dice| {
        let at = dice.below(pieces.len());
        pieces.remove(at);
    }),
    ("duplicate", |pieces, dice| {
        let (from, to) = (dice.below(pieces.len()), dice.below(pieces.len()));
        let copy = pieces[from].clone();
        pieces.insert(to, copy);
    }),
    ("swap", |pieces, dice| {
        let (one, other) = (dice.below(pieces.len()), dice.below(pieces.len()));
        pieces.swap(one, other);
    }),
    ("move", |pieces, dice| {
        let from = dice.below(pieces.len());
        let piece = pieces.remove(from);
        let to = dice.below(pieces.len() + 1);
        pieces.insert(to, piece);
    }),
];

type PieceEdit = fn(&mut Vec<Vec<u8>>, &mut Dice);

impl Edited {
    pub(super) fn of(world: &'static World) -> Self {
        Self {
            vault: world.vault.clone(),
            seals: world.seals.clone(),
            done: Vec::new(),
            world,
        }
    }

    /// One edit, of the vault three times out of four.
    pub(super) fn edit(&mut self, dice: &mut Dice) {
        let is_vault = !dice.once_in(4);
        let done = match dice.below(16) {
            0..=6 => {
                let (name, edit) = dice.choose(&BLIND);
                edit(self.bytes(is_vault), dice);
                *name
            }
            7..=9 => self.pieces(is_vault, dice),
            10 => self.lines(is_vault, dice),
            11 => self.line_ends(dice),
            12 => self.splice(is_vault, dice),
            13 => self.forge(dice),
            14 => self.sign(dice),
            _ => self.roll_back(dice),
        };
        self.done.push(done);
    }

    fn bytes(&mut self, is_vault: bool) -> &mut Vec<u8> {
        if is_vault {
            &mut self.vault
        } else {
            &mut self.seals
        }
    }

    /// Records with what stands in front of them, or checkpoints.
    fn pieces(&mut self, is_vault: bool, dice: &mut Dice) -> &'static str {
        let mark: &[u8] = if is_vault {
            b"-----END PGP MESSAGE-----"
        } else {
            "\u{2014} ".as_bytes()
        };
        let (name, edit) = dice.choose(&PIECES);
        let bytes = self.bytes(is_vault);
        let mut pieces = lines_until(bytes, |line| line.starts_with(mark));
        if !pieces.is_empty() {
            edit(&mut pieces, dice);
        }
        *bytes = pieces.concat();
        name
    }

    fn lines(&mut self, is_vault: bool, dice: &mut Dice) -> &'static str {
        let (_, edit) = dice.choose(&PIECES);
        let bytes = self.bytes(is_vault);
        let mut lines = lines_until(bytes, |_| true);
        if !lines.is_empty() {
            edit(&mut lines, dice);
        }
        *bytes = lines.concat();
        "edit lines"
    }

    /// Other line ends, or blanks in front of them, in a stretch of the vault.
    fn line_ends(&mut self, dice: &mut Dice) -> &'static str {
        let range = range(&self.vault, 2000, dice);
        let end = *dice.choose(&LINE_ENDS);
        let lines = lines_until(&self.vault[range.clone()], |_| true);
        let with_end = |line: Vec<u8>| match line.strip_suffix(b"\n") {
            Some(text) => [text, end].concat(),
            None => line,
        };
        let changed: Vec<u8> = lines.into_iter().flat_map(with_end).collect();
        self.vault.splice(range, changed);
        "change line ends"
    }

    /// A stretch of another vault, or its end, in the place of one of this.
    fn splice(&mut self, is_vault: bool, dice: &mut Dice) -> &'static str {
        let other = dice.choose(worlds());
        let other = if is_vault { &other.vault } else { &other.seals };
        let bytes = self.bytes(is_vault);
        if dice.once_in(3) {
            let at = dice.below(bytes.len().min(other.len()) + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[at..]);
        } else {
            let (here, there) = (range(bytes, 3000, dice), range(other, 3000, dice));
            bytes.splice(here, other[there].iter().copied());
        }
        "splice from another vault"
    }

    /// A forged record that fits somewhere, between two others or at the end.
    fn forge(&mut self, dice: &mut Dice) -> &'static str {
        let forged = dice.choose(&self.world.forged).clone();
        let mut records = lines_until(&self.vault, |line| line.starts_with(b"-----END PGP"));
        let at = if dice.once_in(3) {
            records.len()
        } else {
            dice.below(records.len() + 1)
        };
        records.insert(at, forged);
        self.vault = records.concat();
        "insert a forged record"
    }

    /// A checkpoint that is signed with today's key, somewhere among the others or in the place of all later ones.
    fn sign(&mut self, dice: &mut Dice) -> &'static str {
        let signed = dice.choose(&self.world.signed).clone().into_bytes();
        let mut notes = lines_until(&self.seals, |line| line.starts_with("\u{2014} ".as_bytes()));
        let at = dice.below(notes.len() + 1);
        if dice.once_in(2) {
            notes.truncate(at);
        }
        notes.insert(at.min(notes.len()), signed);
        self.seals = notes.concat();
        "insert a signed checkpoint"
    }

    /// Both files as they were at some time before, as far as their lengths say.
    fn roll_back(&mut self, dice: &mut Dice) -> &'static str {
        let mut records = lines_until(&self.vault, |line| line.starts_with(b"-----END PGP"));
        let mut notes = lines_until(&self.seals, |line| line.starts_with("\u{2014} ".as_bytes()));
        records.truncate(dice.below(records.len() + 1));
        notes.truncate(dice.below(notes.len() + 1));
        (self.vault, self.seals) = (records.concat(), notes.concat());
        "roll back"
    }
}

/// Parts bytes behind the lines that end a piece.
fn lines_until(bytes: &[u8], is_end: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        piece.extend_from_slice(line);
        if is_end(line) {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// A stretch of at most `longest` bytes; usually a short one.
fn range(bytes: &[u8], longest: usize, dice: &mut Dice) -> Range<usize> {
    let start = dice.below(bytes.len() + 1);
    let longest = *dice.choose(&[1, 4, 70, longest]);
    let length = 1 + dice.below(longest);
    start..(start + length).min(bytes.len())
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
}

fn change(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] = *dice.choose(b"\n\r\t =-A0/\0\xff");
    }
}

fn delete(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let range = range(bytes, 3000, dice);
    bytes.drain(range);
}

fn insert(bytes: &mut Vec<u8>, dice: &mut Dice) {
    // At any place, or where a line begins.
    let at = dice.below(bytes.len() + 1);
    let line = bytes[..at].iter().rposition(|byte| *byte == b'\n');
    let at = if dice.once_in(2) {
        line.map_or(0, |end| end + 1)
    } else {
        at
    };
    let length = 1 + dice.below(80);
    let word = if dice.once_in(4) {
        dice.bytes(length)
    } else {
        dice.choose(&WORDS).to_vec()
    };
    bytes.splice(at..at, word);
}

fn duplicate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let copy = bytes[range(bytes, 3000, dice)].to_vec();
    let at = dice.below(bytes.len() + 1);
    bytes.splice(at..at, copy);
}

fn swap(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let (one, other) = (range(bytes, 1500, dice), range(bytes, 1500, dice));
    let (first, second) = if one.start <= other.start {
        (one, other)
    } else {
        (other, one)
    };
    if first.end <= second.start {
        let (early, late) = (
            bytes[first.clone()].to_vec(),
            bytes[second.clone()].to_vec(),
        );
        bytes.splice(second, early);
        bytes.splice(first, late);
    }
}

fn truncate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    bytes.truncate(dice.below(bytes.len() + 1));
}

fn behead(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let range = 0..range(bytes, 1, dice).start;
    bytes.drain(range);
}

fn change_case(bytes: &mut [u8], dice: &mut Dice) {
    let range = range(bytes, 70, dice);
    for byte in &mut bytes[range] {
        *byte = if byte.is_ascii_lowercase() {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        };
    }
}
