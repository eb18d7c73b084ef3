//! From written sentences to what may be sold: those without a defect, and quotations in place of others. Pure.

use super::choose::{Candidate, Quotation};
use super::material::Material;
use crate::checks::{Checker, Fault};
use crate::decode::Bounds;
use crate::extractive;
use crate::summary::ByteRange;
use crate::words;

/// A sentence of the summary that is as near as this to one of the document says it already, in 1000.
pub(super) const SAID_PERMILLE: u32 = 750;

/// A written sentence with its defect.
pub(super) type Judged = (Candidate, Option<Fault>);

pub(super) fn judge(checker: &Checker, candidates: Vec<Candidate>) -> Vec<Judged> {
    let judged = |candidate: Candidate| {
        let fault = checker.fault(&candidate.text, &candidate.measured);
        (candidate, fault)
    };
    candidates.into_iter().map(judged).collect()
}

/// Those without a defect.
pub(super) fn sound(judged: Vec<Judged>) -> Vec<Candidate> {
    judged.into_iter().filter(|(_, fault)| fault.is_none()).map(|(candidate, _)| candidate).collect()
}

/// Those without a defect, and in place of each other one the sentence of the document that is nearest to it, where it may
/// be quoted and is not said yet; within the bounds, in order. Where enough stay as they were written none is quoted.
pub(super) fn repaired(
    text: &str,
    material: &Material,
    ranges: &[ByteRange],
    judged: Vec<Judged>,
    bounds: Bounds,
) -> Vec<Candidate> {
    let sound = judged.iter().filter(|(_, fault)| fault.is_none()).count();
    let mut said: Vec<Vec<f32>> = Vec::new();
    judged.iter().filter(|(_, fault)| fault.is_none()).for_each(|(kept, _)| said.push(kept.measured.cosines.clone()));
    let mut chosen: Vec<Candidate> = Vec::new();
    let (mut quoted, mut room) = (0, bounds.words);
    // Of sentences that are all longer than the bound the shortest is cut.
    let shortest =
        judged.iter().filter(|(_, fault)| fault.is_none()).map(|(kept, _)| words::count(&kept.text, usize::MAX)).min();
    // Whether the sentence before stands there as it was written.
    let mut is_led = false;
    for (mut candidate, fault) in judged {
        // One that leans on another says nothing without it.
        let fault = fault.or((candidate.leans && !is_led).then_some(Fault::Elsewhere));
        is_led = false;
        if fault.is_none() && chosen.is_empty() && shortest.is_some_and(|words| words > bounds.words) {
            let is_shortest = shortest == Some(words::count(&candidate.text, usize::MAX));
            candidate.cut(bounds.words);
            chosen.extend(is_shortest.then_some(candidate));
            continue;
        }
        let settled = match fault {
            None => Some(candidate),
            Some(Fault::Form | Fault::Language) => None,
            Some(_) if sound + quoted < bounds.sentences => {
                quotation(text, material, ranges, candidate, &said, &chosen)
            }
            Some(_) => None,
        };
        let Some(settled) = settled else { continue };
        let count = words::count(&settled.text, room + 1);
        if count > room || chosen.len() == bounds.sentences {
            continue;
        }
        room -= count;
        is_led = settled.quote.is_none();
        quoted += usize::from(!is_led);
        chosen.push(settled);
    }
    chosen
}

/// The sentence of the document that a written one came from.
fn quotation(
    text: &str,
    material: &Material,
    ranges: &[ByteRange],
    candidate: Candidate,
    said: &[Vec<f32>],
    chosen: &[Candidate],
) -> Option<Candidate> {
    let row = candidate.measured.nearest_rows().next()?;
    let is_said =
        said.iter().any(|cosines| cosines.get(row).is_some_and(|cosine| *cosine * 1000.0 >= SAID_PERMILLE as f32));
    let unit = material.quotable_at(ranges.get(row)?.start)?;
    if is_said {
        return None;
    }
    let quotes = extractive::quotes(text, &material.units, &material.traits, &[unit], usize::MAX);
    let [quote] = quotes.as_slice() else { return None };
    let (source, cut, shown) = (quote.source(), quote.cut(), extractive::joined(&quotes));
    // Of neighbours that are ranked as one, another may be what is quoted.
    let is_nearest = ranges.get(row).is_some_and(|range| source.start <= range.start && range.end <= source.end);
    if quote.is_broken() || !is_nearest {
        return None;
    }
    let fresh = chosen.iter().all(|before| before.quote.as_ref().is_none_or(|quote| quote.source != source));
    fresh.then(|| Candidate {
        text: source.of(text).unwrap_or_default().to_owned(),
        quote: Some(Quotation { source, shown, cut }),
        ..candidate
    })
}

#[cfg(test)]
mod tests;
