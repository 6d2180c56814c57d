//! The loop: read the prompt, draw a token, show it, read it.

use std::time::Instant;

use anyhow::bail;
use runtime::session::{Input, Logits};
use runtime::{Model, Sampler, Session, Tokenizer};

use super::Show;
use super::statistics::Statistics;
use super::stops::{Passed, Stops};
use crate::cli::interrupt::Interrupt;

/// Tokens of a prompt that are read at a time: between them Ctrl-C is noticed.
const PIECE: usize = 512;

/// Writes texts.
pub(crate) struct Generator<'a> {
    tokenizer: &'a Tokenizer,
    sampler: Sampler,
    session: Session,
    /// What the session has had.
    had: Vec<u32>,
    interrupt: Interrupt,
    /// Tokens of a text, at most.
    pub(crate) limit: usize,
    /// Strings that end a text.
    pub(crate) stops: &'a [String],
    pub(crate) statistics: Statistics,
}

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The model had nothing more to say.
    Model,
    /// A stop string came.
    Stop,
    /// It is as long as was asked for.
    Limit,
    /// There is no place for more tokens than this.
    Context(usize),
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads on.
    Unread,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(
        model: &Model,
        tokenizer: &'a Tokenizer,
        sampler: Sampler,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            tokenizer,
            sampler,
            session: model.session(),
            had: vec![],
            interrupt: Interrupt::new()?,
            limit: usize::MAX,
            stops: &[],
            statistics: Statistics::default(),
        })
    }

    pub(crate) fn tokenizer(&self) -> &'a Tokenizer {
        self.tokenizer
    }

    /// Goes on after `ids`, which is everything so far. What of it the session has had already is
    /// not computed again.
    pub(crate) fn write(
        &mut self,
        ids: &[u32],
        show: impl FnMut(&str) -> anyhow::Result<Show>,
    ) -> anyhow::Result<End> {
        let interrupt = self.interrupt.clone();
        interrupt.watch(|| self.read_and_go_on(ids, show))
    }

    fn read_and_go_on(
        &mut self,
        ids: &[u32],
        mut show: impl FnMut(&str) -> anyhow::Result<Show>,
    ) -> anyhow::Result<End> {
        let start = Instant::now();
        let Some(mut id) = self.read(ids)? else { return Ok(End::Interrupted) };
        self.statistics.first.get_or_insert_with(|| start.elapsed());
        let start = Instant::now();
        let (mut stream, mut stops) = (self.tokenizer.stream(), Stops::new(self.stops));
        let context = self.session.model().sizes().context;
        let mut written = 0;
        let end = loop {
            if self.tokenizer.is_end(id) {
                break End::Model;
            }
            written += 1;
            if let Some(text) = stream.push(id) {
                let (text, is_last) = match stops.push(text) {
                    Passed::Text(text) => (text, false),
                    Passed::Last(text) => (text, true),
                };
                if !text.is_empty() && show(&text)? == Show::Enough {
                    break End::Unread;
                }
                if is_last {
                    break End::Stop;
                }
            }
            if written == self.limit {
                break End::Limit;
            }
            if self.had.len() == context {
                break End::Context(context);
            }
            if self.interrupt.came() {
                break End::Interrupted;
            }
            self.had.push(id);
            self.statistics.steps += 1;
            id = self.sampler.sample(self.session.forward(&[id])?)?;
        };
        self.statistics.decode += start.elapsed();
        self.statistics.written += written;
        if !matches!(end, End::Stop | End::Unread) {
            let mut rest = match stream.finish().map(|text| stops.push(text)) {
                Some(Passed::Text(text) | Passed::Last(text)) => text,
                None => String::new(),
            };
            rest += &stops.finish();
            show(&rest)?;
        }
        Ok(end)
    }

    /// Reads what is new in `ids` and draws the token after it; none after Ctrl-C.
    fn read(&mut self, ids: &[u32]) -> anyhow::Result<Option<u32>> {
        let start = Instant::now();
        let context = self.session.model().sizes().context;
        if ids.len() > context {
            bail!(
                "there are {} tokens to read, but the context has {context}; say less, or allow \
                 more with --context",
                ids.len()
            );
        }
        let same = self.had.iter().zip(ids).take_while(|(a, b)| a == b).count();
        // The last must be read in any case: what comes after it is the question.
        let same = same.min(ids.len().saturating_sub(1));
        self.session.truncate(0, same);
        self.had.truncate(same);
        let new = &ids[same..];
        new.iter().for_each(|id| self.sampler.remember(*id));
        let (before, last) = new.split_at(new.len().saturating_sub(PIECE));
        for piece in before.chunks(PIECE) {
            self.session.run(&[Input { sequence: 0, ids: piece, logits: Logits::None }])?;
            self.had.extend(piece);
            if self.interrupt.came() {
                return Ok(None);
            }
        }
        let logits = self.session.forward(last)?;
        self.had.extend(last);
        self.statistics.prompt += new.len();
        self.statistics.prefill += start.elapsed();
        Ok(Some(self.sampler.sample(logits)?))
    }
}
