//! From written sentences to what may be sold: those without a defect, and quotations in place of others. Pure.

use super::choose::{Candidate, Quotation};
use super::material::Material;
use crate::checks::{Checker, Fault};
use crate::decode::Bounds;
use crate::extractive;
use crate::summary::ByteRange;
use crate::words;

/// A sentence of the summary that is as near as this to one of the document says it already, in 1000.
const SAID_PERMILLE: f32 = 0.75;

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
    let mut is_whole = true;
    for (candidate, fault) in judged {
        // It says nothing without the sentence before it, which is not there.
        let fault = fault.or((candidate.leans && !is_whole).then_some(Fault::Elsewhere));
        is_whole = fault.is_none();
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
        quoted += usize::from(settled.quote.is_some());
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
    let is_said = said.iter().any(|cosines| cosines.get(row).is_some_and(|cosine| *cosine >= SAID_PERMILLE));
    let unit = material.quotable_at(ranges.get(row)?.start)?;
    if is_said {
        return None;
    }
    let quotes = extractive::quotes(text, &material.units, &material.traits, &[unit], usize::MAX);
    let [quote] = quotes.as_slice() else { return None };
    let (source, shown) = (quote.source(), extractive::joined(&quotes));
    if quote.is_broken() {
        return None;
    }
    let fresh = chosen.iter().all(|before| before.quote.as_ref().is_none_or(|quote| quote.source != source));
    fresh.then(|| Candidate {
        text: source.of(text).unwrap_or_default().to_owned(),
        quote: Some(Quotation { source, shown }),
        ..candidate
    })
}
