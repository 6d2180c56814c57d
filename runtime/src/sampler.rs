//! From logits to a token.
//!
//! In this order, as llama.cpp does it: logits of recent tokens are lowered (`repetition_penalty`),
//! only the `top_k` best remain, of those the fewest that have `top_p` of the probability, of those
//! the ones at least `min_p` times as likely as the best; then `temperature` flattens or sharpens
//! what is left, and one is drawn. The same seed, options and logits give the same tokens on every
//! machine.

use std::cmp::Ordering;
use std::collections::VecDeque;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use thiserror::Error;

use crate::activation::exp;

/// How tokens are drawn. The default draws among the 40 best, at temperature 0.8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplerOptions {
    /// Logits are divided by it; 0 always takes the best.
    pub temperature: f32,
    /// So many of the best remain; 0 is all.
    pub top_k: usize,
    /// The fewest remain that together are as likely as this; 1 is all (Holtzman et al. 2019).
    pub top_p: f32,
    /// Those remain that are this many times as likely as the best; 0 is all (Nguyen et al. 2024).
    pub min_p: f32,
    /// Logits of recent tokens are divided by it, or multiplied if negative; 1 changes nothing
    /// (Keskar et al. 2019).
    pub repetition_penalty: f32,
    /// How many tokens are recent.
    pub repetition_window: usize,
    /// Where the draws begin.
    pub seed: u64,
}

/// Draws tokens, and remembers the recent ones.
#[derive(Clone, Debug)]
pub struct Sampler {
    options: SamplerOptions,
    random: ChaCha12Rng,
    recent: VecDeque<u32>,
    candidates: Vec<Candidate>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    id: u32,
    logit: f32,
    /// Relative to the best.
    weight: f32,
}

/// Nothing can be drawn.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SampleError {
    /// An option out of its range.
    #[error("{option} is {value}, but must be {need}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: f32,
        /// Its range.
        need: &'static str,
    },
    /// Logits among which none is a number.
    #[error(
        "none of {count} logits is a finite number: the model's weights or its file are damaged"
    )]
    Logits {
        /// How many there are.
        count: usize,
    },
}

impl Default for SamplerOptions {
    fn default() -> Self {
        Self {
            temperature: 0.8,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.0,
            repetition_window: 64,
            seed: 0,
        }
    }
}

impl SamplerOptions {
    /// Always the best token.
    #[must_use]
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }

    fn check(&self) -> Result<(), SampleError> {
        let unit = "between 0 and 1";
        for (option, value, fits, need) in [
            ("temperature", self.temperature, self.temperature >= 0.0, "at least 0"),
            ("top_p", self.top_p, (0.0..=1.0).contains(&self.top_p), unit),
            ("min_p", self.min_p, (0.0..=1.0).contains(&self.min_p), unit),
            (
                "repetition_penalty",
                self.repetition_penalty,
                self.repetition_penalty > 0.0,
                "above 0",
            ),
        ] {
            if !(fits && value.is_finite()) {
                return Err(SampleError::Option { option, value, need });
            }
        }
        Ok(())
    }
}

impl Sampler {
    /// A sampler that has seen no tokens.
    ///
    /// # Errors
    /// If an option is out of its range.
    pub fn new(options: SamplerOptions) -> Result<Self, SampleError> {
        options.check()?;
        let random = ChaCha12Rng::seed_from_u64(options.seed);
        Ok(Self { options, random, recent: VecDeque::new(), candidates: vec![] })
    }

    /// Remembers a token that was not drawn here, such as those of a prompt.
    pub fn remember(&mut self, id: u32) {
        if self.options.repetition_window == 0 {
            return;
        }
        if self.recent.len() == self.options.repetition_window {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }

    /// Draws the next token, given a logit for each of the vocabulary, and remembers it.
    ///
    /// # Errors
    /// If no logit is a finite number.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32, SampleError> {
        self.fill(logits);
        self.penalize();
        let id = match self.options.temperature {
            0.0 => self.candidates.iter().min_by(|a, b| a.order(b)).map(|best| best.id),
            temperature => {
                self.keep_best();
                self.keep_likely();
                self.draw(temperature)
            }
        };
        let id = id.ok_or(SampleError::Logits { count: logits.len() })?;
        self.remember(id);
        Ok(id)
    }

    fn fill(&mut self, logits: &[f32]) {
        let numbers = (0..).zip(logits).filter(|(_, logit)| logit.is_finite());
        self.candidates.clear();
        self.candidates.extend(numbers.map(|(id, &logit)| Candidate { id, logit, weight: 0.0 }));
    }

    fn penalize(&mut self) {
        let penalty = self.options.repetition_penalty;
        if penalty == 1.0 || self.recent.is_empty() {
            return;
        }
        let mut recent: Vec<u32> = self.recent.iter().copied().collect();
        recent.sort_unstable();
        recent.dedup();
        for id in recent {
            // Candidates are in the order of their numbers still.
            if let Ok(n) = self.candidates.binary_search_by_key(&id, |candidate| candidate.id) {
                let logit = &mut self.candidates[n].logit;
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    /// The best, in order, with their weights.
    fn keep_best(&mut self) {
        let k = self.options.top_k;
        if (1..self.candidates.len()).contains(&k) {
            self.candidates.select_nth_unstable_by(k - 1, Candidate::order);
            self.candidates.truncate(k);
        }
        self.candidates.sort_unstable_by(Candidate::order);
        let most = self.candidates.first().map_or(0.0, |best| best.logit);
        for candidate in &mut self.candidates {
            candidate.weight = exp(candidate.logit - most);
        }
    }

    /// Of candidates in order, those that are likely enough; at least the best.
    fn keep_likely(&mut self) {
        let total: f32 = self.candidates.iter().map(|candidate| candidate.weight).sum();
        let mut so_far = 0.0;
        let enough = |candidate: &Candidate| {
            so_far += candidate.weight;
            so_far >= self.options.top_p * total
        };
        if self.options.top_p < 1.0
            && let Some(last) = self.candidates.iter().position(enough)
        {
            self.candidates.truncate(last + 1);
        }
        let likely = |candidate: &Candidate| candidate.weight >= self.options.min_p;
        let count = self.candidates.iter().take_while(|candidate| likely(candidate)).count();
        self.candidates.truncate(count.max(1));
    }

    fn draw(&mut self, temperature: f32) -> Option<u32> {
        let most = self.candidates.first()?.logit;
        for candidate in &mut self.candidates {
            candidate.weight = exp((candidate.logit - most) / temperature);
        }
        let total: f32 = self.candidates.iter().map(|candidate| candidate.weight).sum();
        // 24 bits are what an f32 in 0..1 has.
        let uniform = (self.random.next_u32() >> 8) as f32 / (1 << 24) as f32;
        let mut left = uniform * total;
        let drawn = self.candidates.iter().find(|candidate| {
            left -= candidate.weight;
            left < 0.0
        });
        // Rounding may leave a little over: then the draw was at the very end.
        Some(drawn.or(self.candidates.last())?.id)
    }
}

impl Candidate {
    /// The best first; of equals, the one with the lower number.
    fn order(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.id.cmp(&other.id))
    }
}
