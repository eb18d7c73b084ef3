//! The part of a document that is written about: its key passages, chosen as an extract chooses them, under their headings,
//! without mail headers, notices, rows of tables, code, and orders to a model.

use precis_engine::Control;
use precis_engine::tokenizer::Encoded;

use crate::error::Error;
use crate::extractive::{self, Extractive, Trait, Unit};
use crate::options::Options;
use crate::segment::{Kind, Segment};
use crate::words;

/// Length of the passages against the usual one of an extract, in 1000.
pub(super) const PICK_PERMILLE: usize = 1500;

/// A document and what of it is read.
pub(super) struct Material {
    pub(super) segments: Vec<Segment>,
    pub(super) units: Vec<Unit>,
    pub(super) traits: Vec<Trait>,
    /// For each segment, whether it is read.
    pub(super) is_read: Vec<bool>,
    /// Set if every token of the text was ranked.
    pub(super) is_complete: bool,
}

impl Material {
    /// The key passages of a text: those that an extract of it would quote, and more.
    pub(super) fn of(text: &str, extractive: &Extractive, options: &Options, control: &Control) -> Result<Self, Error> {
        let mut all = Self::running(text);
        let passages = (all.segments.as_slice(), all.units.as_slice(), all.traits.as_slice());
        let (rows, is_complete) = extractive.pick(text, passages, (options, PICK_PERMILLE), control)?;
        all.is_complete = is_complete;
        if rows.is_empty() {
            all.keep_beginning(text);
        } else {
            all.keep(&rows);
        }
        Ok(all)
    }

    /// Of a text with nothing to quote its beginning is read, as much as its passages would be.
    fn keep_beginning(&mut self, text: &str) {
        let sizes: Vec<usize> =
            self.segments.iter().map(|segment| segment.quote.of(text).map_or(0, words::size)).collect();
        let most = extractive::usual(sizes.iter().sum()) * PICK_PERMILLE / 1000;
        let mut read = 0;
        for (is_read, size) in self.is_read.iter_mut().zip(sizes) {
            *is_read &= read < most;
            read += if *is_read { size.max(1) } else { 0 };
        }
    }

    /// All of its running text and headings.
    pub(super) fn running(text: &str) -> Self {
        let segments = crate::segment::segment(text);
        let (units, traits) = extractive::judged(text, &segments);
        let mut is_read = vec![false; segments.len()];
        for (unit, known) in units.iter().zip(&traits) {
            for segment in &unit.segments {
                let is_text = |kind: Kind| kind.is_running() || kind == Kind::Heading;
                is_read[*segment] = is_text(known.kind) && is_text(segments[*segment].kind) || known.quotable;
            }
        }
        // Of a text that is nothing but rows or notices, they are what it says.
        if !is_read.contains(&true) {
            is_read.fill(true);
        }
        Self { segments, units, traits, is_read, is_complete: false }
    }

    /// Tokens that are read, and the places among them at which a segment ends. A `gap` stands where something was left out:
    /// the white space there may be part of a token that is not read.
    pub(super) fn tokens(&self, encoded: &Encoded, gap: &[u32]) -> (Vec<u32>, Vec<usize>) {
        // Room for all: a vector that grows leaves copies behind that nobody wipes.
        let mut ids = Vec::with_capacity(encoded.ids.len() + self.segments.len() * gap.len());
        let mut breaks = Vec::new();
        let mut is_behind_gap = false;
        for (span, is_read) in extractive::spans(encoded, &self.segments).into_iter().zip(&self.is_read) {
            if *is_read {
                if is_behind_gap {
                    ids.extend_from_slice(gap);
                }
                ids.extend_from_slice(&encoded.ids[span]);
                breaks.push(ids.len());
            }
            is_behind_gap = !is_read;
        }
        (ids, breaks)
    }

    /// Reads only some units, with what each is not understood without.
    fn keep(&mut self, rows: &[usize]) {
        let is_text = std::mem::replace(&mut self.is_read, vec![false; self.segments.len()]);
        for unit in rows.iter().map(|row| &self.units[*row]) {
            for segment in &unit.segments {
                // Neighbours that are ranked as one have other segments too, which nobody has judged.
                let start = self.segments[*segment].quote.start;
                self.is_read[*segment] = unit.pieces.iter().any(|piece| (piece.start..piece.end).contains(&start));
            }
        }
        // The heading that a kept sentence stands under.
        let mut heading = None;
        for (at, is_text) in is_text.into_iter().enumerate() {
            if self.segments[at].kind == Kind::Heading {
                heading = is_text.then_some(at);
            } else if self.is_read[at]
                && let Some(heading) = heading.take()
            {
                self.is_read[heading] = true;
            }
        }
    }

    /// The text that is read, segment by segment.
    pub(super) fn read<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let read = self.segments.iter().zip(&self.is_read).filter(|(_, is_read)| **is_read);
        read.filter_map(|(segment, _)| segment.quote.of(text)).collect::<Vec<_>>().into_iter()
    }

    /// The unit that a segment at this place belongs to, if it may be quoted.
    pub(super) fn quotable_at(&self, start: usize) -> Option<usize> {
        let segment = self.segments.iter().position(|segment| segment.quote.start == start)?;
        let unit = self.units.iter().position(|unit| unit.segments.contains(&segment))?;
        self.traits[unit].quotable.then_some(unit)
    }
}
