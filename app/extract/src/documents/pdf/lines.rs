//! Glyphs become pieces of lines: what stands on one baseline without a wide gap.

use super::glyph::{Direction, Glyph};

/// A gap within a word, at most, in sizes of the font.
const WORD_GAP: f64 = 0.17;
/// A gap within a piece, at most, in sizes of the font: columns stand further apart.
const PIECE_GAP: f64 = 1.0;
/// Distance that a glyph may stand off the baseline, in sizes of the font: superscripts do.
const OFF_BASELINE: f64 = 0.35;
/// Share of the glyphs, as one over it, that a direction beside the main one has to have to be text.
const ASIDE_SHARE: usize = 10;

/// A piece of a line: a whole line, a line of a column, a cell.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its text, with single blanks between words.
    pub text: String,
    /// Left end.
    pub start: f64,
    /// Right end.
    pub end: f64,
    /// The baseline, growing downwards.
    pub at: f64,
    /// Size of the font.
    pub size: f64,
}

/// The pieces of a page; and how many lines were left out because they run across the others.
pub fn of(glyphs: Vec<Glyph>) -> (Vec<Line>, u32) {
    let all =
        [Direction::Right, Direction::Vertical, Direction::Down, Direction::Up, Direction::Left, Direction::Askew];
    let count =
        |direction: Direction| glyphs.iter().filter(|glyph| glyph.direction == direction && !glyph.is_blank()).count();
    let counts: Vec<usize> = all.iter().map(|direction| count(*direction)).collect();
    let total: usize = counts.iter().sum();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut by_direction: Vec<(Direction, usize)> =
        all.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    // The main direction first; the order above decides between equals.
    by_direction.sort_by_key(|(_, count)| usize::from(*count != most));
    let (mut lines, mut aside, mut below) = (Vec::new(), 0, 0.0);
    for (direction, count) in by_direction {
        let some = glyphs.iter().filter(|glyph| glyph.direction == direction).cloned().collect();
        let mut pieces = merged(pieces(some));
        if count != most && count < total / ASIDE_SHARE {
            aside += u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            continue;
        }
        // Text in another direction is read after the rest.
        let top = pieces.iter().map(|line| line.at).fold(f64::INFINITY, f64::min);
        let shift = if lines.is_empty() { 0.0 } else { below - top + 1000.0 };
        for line in &mut pieces {
            line.at += shift;
            below = f64::max(below, line.at);
        }
        lines.append(&mut pieces);
    }
    (lines, aside)
}

/// Glyphs in the order of drawing, as far as each follows on the one before it.
fn pieces(glyphs: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    let mut pieces: Vec<Vec<Glyph>> = Vec::new();
    for glyph in glyphs {
        let follows = pieces.last().and_then(|piece| piece.last()).is_some_and(|last| {
            let size = last.size.max(glyph.size);
            let gap = glyph.start - last.end;
            (glyph.line - last.line).abs() < OFF_BASELINE * size && gap < PIECE_GAP * size && gap > -0.5 * size
        });
        match pieces.last_mut() {
            Some(piece) if follows => piece.push(glyph),
            _ => pieces.push(vec![glyph]),
        }
    }
    pieces
}

/// Pieces on one baseline that touch are one, in whatever order they were drawn.
fn merged(mut pieces: Vec<Vec<Glyph>>) -> Vec<Line> {
    let start = |piece: &[Glyph]| piece.iter().map(|glyph| glyph.start).fold(f64::INFINITY, f64::min);
    let end = |piece: &[Glyph]| piece.iter().map(|glyph| glyph.end).fold(f64::NEG_INFINITY, f64::max);
    let size = |piece: &[Glyph]| piece.iter().map(|glyph| glyph.size).fold(0.0, f64::max);
    let line = |piece: &[Glyph]| {
        piece.iter().max_by(|one, other| one.size.total_cmp(&other.size)).map_or(0.0, |glyph| glyph.line)
    };
    pieces.retain(|piece| piece.iter().any(|glyph| !glyph.is_blank()));
    pieces.sort_by(|one, other| line(one).total_cmp(&line(other)).then(start(one).total_cmp(&start(other))));
    let mut rows: Vec<Vec<Vec<Glyph>>> = Vec::new();
    for piece in pieces {
        let joins = rows
            .last()
            .and_then(|row| row.last())
            .is_some_and(|last| (line(last) - line(&piece)).abs() < OFF_BASELINE * size(last).max(size(&piece)));
        match rows.last_mut() {
            Some(row) if joins => row.push(piece),
            _ => rows.push(vec![piece]),
        }
    }
    let mut lines = Vec::new();
    for mut row in rows {
        row.sort_by(|one, other| start(one).total_cmp(&start(other)));
        let mut current: Vec<Glyph> = Vec::new();
        for piece in row {
            let gap = start(&piece) - end(&current);
            let size_now = size(&current).max(size(&piece));
            if !current.is_empty() && gap >= PIECE_GAP * size_now {
                lines.extend(line_of(&std::mem::take(&mut current)));
            }
            current.extend(piece);
        }
        lines.extend(line_of(&current));
    }
    lines
}

fn line_of(glyphs: &[Glyph]) -> Option<Line> {
    let seen: Vec<&Glyph> = glyphs.iter().filter(|glyph| !glyph.is_blank()).collect();
    let largest = seen.iter().max_by(|one, other| one.size.total_cmp(&other.size))?;
    let text = spelled(glyphs);
    (!text.is_empty()).then(|| Line {
        text,
        start: seen.iter().map(|glyph| glyph.start).fold(f64::INFINITY, f64::min),
        end: seen.iter().map(|glyph| glyph.end).fold(f64::NEG_INFINITY, f64::max),
        at: largest.line,
        size: largest.size,
    })
}

/// The text of glyphs in a row: a blank where one is drawn, or where a gap is wider than those within words.
fn spelled(glyphs: &[Glyph]) -> String {
    let spread = letter_spacing(glyphs);
    let mut text = String::new();
    let mut last: Option<&Glyph> = None;
    for glyph in glyphs {
        if glyph.is_blank() {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
            continue;
        }
        if let Some(last) = last {
            let size = last.size.min(glyph.size);
            let wide = if is_ideographic(last) && is_ideographic(glyph) { 0.8 } else { WORD_GAP };
            if glyph.start - last.end > (wide * size).max(spread) && !text.ends_with(' ') {
                text.push(' ');
            }
        }
        text.push_str(&glyph.text);
        last = Some(glyph);
    }
    text.truncate(text.trim_end().len());
    text
}

/// The widest gap that is letter spacing, where a line without blanks is spaced out.
fn letter_spacing(glyphs: &[Glyph]) -> f64 {
    if glyphs.len() < 8 || glyphs.iter().any(Glyph::is_blank) {
        return 0.0;
    }
    let mut gaps: Vec<f64> = glyphs
        .windows(2)
        .filter_map(
            |pair| if let [one, other] = pair { Some((other.start - one.end) / one.size.max(0.01)) } else { None },
        )
        .collect();
    gaps.sort_by(f64::total_cmp);
    let size = glyphs.first().map_or(1.0, |glyph| glyph.size);
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    let widest = gaps.last().copied().unwrap_or(0.0);
    let letters = glyphs.iter().filter(|glyph| glyph.text.chars().all(char::is_alphabetic)).count();
    if median > WORD_GAP && median < 0.6 && widest > median * 1.5 && letters * 2 > glyphs.len() {
        (median * 1.4) * size
    } else {
        0.0
    }
}

fn is_ideographic(glyph: &Glyph) -> bool {
    glyph.text.chars().all(|character| matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'))
}
