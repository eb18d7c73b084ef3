//! Headers, footers and numbers of pages: what repeats at the edges of the pages.

use std::collections::BTreeMap;

use super::lines::Line;

/// Rows at each edge of a page that are looked at.
const EDGE_ROWS: usize = 3;
/// Pages that a line repeats on at least.
const FEWEST_PAGES: usize = 3;
/// Distance that a repeated line may move, in points.
const SHIFT: f64 = 6.0;

/// Takes them out of all pages; the number of lines that were taken.
pub fn remove(pages: &mut [Vec<Line>]) -> u32 {
    let mut seen: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
    for (page, lines) in pages.iter().enumerate() {
        for line in at_edges(lines) {
            seen.entry(pattern(&line.text)).or_default().push((page, line.at));
        }
    }
    let mut taken = 0;
    let count = pages.len();
    for (page, lines) in pages.iter_mut().enumerate() {
        let edges: Vec<f64> = at_edges(lines).map(|line| line.at).collect();
        let alone = alone_at_edge(lines);
        let before = lines.len();
        lines.retain(|line| {
            let at_edge = edges.contains(&line.at);
            let repeats = || {
                seen.get(&pattern(&line.text)).is_some_and(|places| {
                    let others = places.iter().filter(|(other, at)| *other != page && (at - line.at).abs() < SHIFT);
                    // Left and right pages may have different ones.
                    let on = 1 + others.count();
                    // Of two pages both have to have it, at the very edge.
                    let everywhere = on == count && count > 1 && alone.contains(&line.at);
                    (on >= FEWEST_PAGES && on * 3 >= count) || everywhere
                })
            };
            !(at_edge && (repeats() || (is_number(&line.text) && alone.contains(&line.at))))
        });
        taken += before - lines.len();
    }
    u32::try_from(taken).unwrap_or(u32::MAX)
}

fn at_edges(lines: &[Line]) -> impl Iterator<Item = &Line> {
    let rows = baselines(lines);
    let first: Vec<f64> = rows.iter().take(EDGE_ROWS).copied().collect();
    let last: Vec<f64> = rows.iter().rev().take(EDGE_ROWS).copied().collect();
    let near = |all: &[f64], at: f64| all.iter().any(|row| (row - at).abs() < 1.0);
    lines.iter().filter(move |line| near(&first, line.at) || near(&last, line.at))
}

/// The first and the last baseline, if they stand clear of the others.
fn alone_at_edge(lines: &[Line]) -> Vec<f64> {
    let rows = baselines(lines);
    let size = lines.iter().map(|line| line.size).fold(0.0, f64::max);
    let mut alone = Vec::new();
    for rows in [rows.clone(), rows.into_iter().rev().collect()] {
        if let [first, second, ..] = rows.as_slice()
            && (second - first).abs() > 1.5 * size
        {
            alone.push(*first);
        }
    }
    alone
}

fn baselines(lines: &[Line]) -> Vec<f64> {
    let mut rows: Vec<f64> = lines.iter().map(|line| line.at).collect();
    rows.sort_by(f64::total_cmp);
    rows.dedup_by(|one, other| (*one - *other).abs() < 1.0);
    rows
}

/// The text with all numbers alike.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if !character.is_numeric() {
            pattern.push(character);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern
}

/// The number of a page: `7`, `- 7 -`, `7 / 12`, `vii`, `Page 7 of 12`.
fn is_number(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let numeric = |word: &str| word.chars().all(char::is_numeric);
    let worded = match words.as_slice() {
        [word, number] => !numeric(word) && numeric(number) && word.chars().count() <= 8,
        [word, number, of, total] => !numeric(word) && numeric(number) && !numeric(of) && numeric(total),
        _ => false,
    };
    if worded {
        return true;
    }
    let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let inner = text.trim_matches(['-', '\u{2013}', '\u{2014}', '[', ']', '.', '|']);
    let roman = !inner.is_empty() && inner.len() <= 6 && inner.chars().all(|character| "ivxlIVXL".contains(character));
    let digits = inner.chars().any(char::is_numeric)
        && inner.len() <= 9
        && inner.chars().all(|character| character.is_numeric() || character == '/');
    roman || digits
}
