//! The order in which the lines of a page are read: column by column, lines across the columns between them.

use super::lines::Line;

/// Narrowest gutter between columns, in sizes of the font.
const GUTTER: f64 = 0.8;
/// Characters that the lines of a column have on average; the cells of a table have fewer.
const COLUMN_CHARACTERS: usize = 15;
/// Share of the lines, as one over it, that may stand across a gutter.
const ACROSS_SHARE: usize = 2;
/// Deepest division of a page.
const MAX_DEPTH: usize = 12;
/// Lines of a page whose columns are looked for.
const MAX_LINES: usize = 4000;

/// The lines as they are read.
pub fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|one, other| one.at.total_cmp(&other.at).then(one.start.total_cmp(&other.start)));
    if lines.len() > MAX_LINES { lines } else { divided(lines, 0) }
}

fn divided(lines: Vec<Line>, depth: usize) -> Vec<Line> {
    let Some(gutter) = (depth < MAX_DEPTH).then(|| gutter(&lines)).flatten() else { return rows(lines) };
    let (mut left, mut right, mut ordered) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        match gutter.side(&line) {
            Side::Left => left.push(line),
            Side::Right => right.push(line),
            Side::Across => {
                ordered.extend(divided(std::mem::take(&mut left), depth + 1));
                ordered.extend(divided(std::mem::take(&mut right), depth + 1));
                ordered.push(line);
            }
        }
    }
    ordered.extend(divided(left, depth + 1));
    ordered.extend(divided(right, depth + 1));
    ordered
}

#[derive(PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Across,
}

/// A strip without text from `from` to `to`.
struct Gutter {
    from: f64,
    to: f64,
}

impl Gutter {
    fn side(&self, line: &Line) -> Side {
        if line.end <= self.from + 0.5 {
            Side::Left
        } else if line.start >= self.to - 0.5 {
            Side::Right
        } else {
            Side::Across
        }
    }
}

/// The best gutter, if lines stand in columns.
fn gutter(lines: &[Line]) -> Option<Gutter> {
    if lines.len() < 4 {
        return None;
    }
    let mut sizes: Vec<f64> = lines.iter().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    let narrowest = sizes.get(sizes.len() / 2).copied().unwrap_or(10.0) * GUTTER;
    let mut starts: Vec<f64> = lines.iter().map(|line| line.start).collect();
    starts.sort_by(f64::total_cmp);
    starts.dedup_by(|one, other| (*one - *other).abs() < 2.0);
    let mut best: Option<(usize, usize, Gutter)> = None;
    for to in starts {
        let gutter = Gutter { from: to - narrowest, to };
        let (mut left, mut right, mut across) = (Vec::new(), Vec::new(), 0);
        for line in lines {
            match gutter.side(line) {
                Side::Left => left.push(line),
                Side::Right => right.push(line),
                Side::Across => across += 1,
            }
        }
        let fewer = left.len().min(right.len());
        if fewer < 2
            || across * ACROSS_SHARE > lines.len()
            || !is_column(&left)
            || !is_column(&right)
            || !beside(&left, &right)
        {
            continue;
        }
        let better =
            best.as_ref().is_none_or(|(least, most, _)| across < *least || (across == *least && fewer > *most));
        if better {
            best = Some((across, fewer, gutter));
        }
    }
    best.map(|(_, _, gutter)| gutter)
}

/// Lines of text, not cells.
fn is_column(lines: &[&Line]) -> bool {
    let width = |character: char| if character > '\u{2fff}' { 2 } else { 1 };
    let characters: usize = lines.iter().flat_map(|line| line.text.chars()).map(width).sum();
    characters >= lines.len() * COLUMN_CHARACTERS
}

/// True if the two stand beside each other for a good part of their height.
fn beside(left: &[&Line], right: &[&Line]) -> bool {
    let reach = |lines: &[&Line]| {
        let top = lines.iter().map(|line| line.at - line.size).fold(f64::INFINITY, f64::min);
        let bottom = lines.iter().map(|line| line.at).fold(f64::NEG_INFINITY, f64::max);
        (top, bottom)
    };
    let ((top, bottom), (other_top, other_bottom)) = (reach(left), reach(right));
    let shared = bottom.min(other_bottom) - top.max(other_top);
    let lower = (bottom - top).min(other_bottom - other_top);
    shared > 0.0 && shared >= lower * 0.5
}

/// Row by row. Pieces on a baseline are the cells of a row.
fn rows(lines: Vec<Line>) -> Vec<Line> {
    let mut rows: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        match rows.last_mut() {
            Some(row) if row.last().is_some_and(|last| (last.at - line.at).abs() < 0.3 * last.size.max(line.size)) => {
                row.push(line)
            }
            _ => rows.push(vec![line]),
        }
    }
    let mut all = Vec::new();
    for mut row in rows {
        row.sort_by(|one, other| one.start.total_cmp(&other.start));
        let mut cells = row.into_iter();
        let Some(mut first) = cells.next() else { continue };
        for cell in cells {
            first.text.push_str(" | ");
            first.text.push_str(&cell.text);
            first.end = first.end.max(cell.end);
            first.size = first.size.max(cell.size);
        }
        all.push(first);
    }
    all
}
