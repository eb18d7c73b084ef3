//! A glyph with its place, and the direction that its line runs in.

/// A glyph on a page whose top left corner is the origin.
#[derive(Debug, Clone)]
pub struct Glyph {
    /// The characters that it shows.
    pub text: String,
    /// Start on the baseline, along the direction.
    pub start: f64,
    /// End on the baseline, along the direction.
    pub end: f64,
    /// The baseline, across the direction; grows from line to line.
    pub line: f64,
    /// Size of the font.
    pub size: f64,
    /// End of the line.
    pub direction: Direction,
}

/// Direction of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the right.
    Right,
    /// Down, turned.
    Down,
    /// To the left, upside down.
    Left,
    /// Up, turned.
    Up,
    /// Down, glyphs upright, from line to line to the left: vertical writing.
    Vertical,
    /// Askew.
    Askew,
}

impl Glyph {
    /// True if the glyph is white space.
    pub fn is_blank(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }
}
