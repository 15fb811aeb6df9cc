//! Choices of which every combination is made once, or so many at random.

/// A combination in the making.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    /// What was chosen, and out of how many.
    made: Vec<(usize, usize)>,
    at: usize,
    random: Option<Random>,
}

impl Choices {
    /// The first of all combinations; [`Self::next`] goes on to the others.
    pub(crate) fn every() -> Self {
        Self {
            made: Vec::new(),
            at: 0,
            random: None,
        }
    }

    /// Random ones, for ever.
    pub(crate) fn random(random: Random) -> Self {
        Self {
            random: Some(random),
            ..Self::every()
        }
    }

    /// Chooses one of `options`, which must be at least one.
    pub(crate) fn choose(&mut self, options: usize) -> usize {
        if let Some(random) = &mut self.random {
            return random.below(options);
        }
        if self.at == self.made.len() {
            self.made.push((0, options));
        }
        let (chosen, out_of) = self.made[self.at];
        assert_eq!(
            out_of, options,
            "the same choices lead to the same question"
        );
        self.at += 1;
        chosen
    }

    /// Goes on to the next combination; `false` when that was the last.
    pub(crate) fn next(&mut self) -> bool {
        self.at = 0;
        if self.random.is_some() {
            return true;
        }
        while let Some((chosen, options)) = self.made.pop() {
            if chosen + 1 < options {
                self.made.push((chosen + 1, options));
                return true;
            }
        }
        false
    }
}

/// `SplitMix64`: the same numbers from the same seed, everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit as u64).unwrap_or_default()
    }
}

#[test]
fn every_combination_comes_once() {
    let mut choices = Choices::every();
    let mut seen = Vec::new();
    loop {
        let first = choices.choose(3);
        let second = (first > 0).then(|| choices.choose(2));
        seen.push((first, second));
        if !choices.next() {
            break;
        }
    }
    let second = |n| [(n, Some(0)), (n, Some(1))];
    assert_eq!(seen, [&[(0, None)][..], &second(1), &second(2)].concat());
}
