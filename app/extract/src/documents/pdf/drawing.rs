//! The drawing of a page, followed: glyphs that can be seen, and the count of those that cannot.

use std::collections::BTreeSet;

use hayro_interpret::font::{Glyph as Drawn, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape as _};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, Paint, SoftMask};

use super::glyph::{Direction, Glyph};

/// Areas of colour that are remembered at a time.
const MAX_AREAS: usize = 512;
/// Smallest area that is remembered, in square points.
const SMALLEST_AREA: f64 = 20.0;
/// Glyphs of a page.
const MAX_GLYPHS: usize = 1_000_000;
/// Text smaller than this is not meant to be read, in points.
const SMALLEST_SIZE: f64 = 1.5;
/// Colours with less difference than this look the same.
const CONTRAST: f32 = 0.1;
/// Paint with less than this cannot be seen.
const FAINT: f32 = 0.05;
/// Share of the page, as one over it, that the picture of a page covers at least.
const PAGE_SHARE: f64 = 2.0;
/// Glyphs up to which a page has no text of its own.
const FEW_GLYPHS: usize = 40;

/// An area of colour.
struct Area {
    rect: Rect,
    /// None for pictures and patterns.
    colour: Option<[f32; 3]>,
    /// Nothing shows through it, and it has no other shape than its rectangle.
    covers: bool,
    sequence: usize,
}

/// Why a glyph is not seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Seen,
    /// Drawn in the mode that draws nothing.
    Invisible,
    Hidden,
}

/// A page in the making.
pub struct Drawing {
    bounds: Rect,
    clips: Vec<Rect>,
    /// Opacities of groups.
    groups: Vec<f32>,
    areas: Vec<Area>,
    pictures: Vec<Rect>,
    glyphs: Vec<(Glyph, Point, Sight, usize)>,
    places: BTreeSet<(String, i64, i64)>,
    sequence: usize,
    undecodable: u64,
}

/// The contents that a page shows.
pub struct Shown {
    /// The glyphs that can be seen, as drawn.
    pub glyphs: Vec<Glyph>,
    /// All glyphs that were drawn.
    pub count: usize,
    /// Characters that cannot be seen.
    pub hidden: u64,
    /// Glyphs whose characters are not known.
    pub undecodable: u64,
    /// There are pictures.
    pub pictures: bool,
    /// The text is an invisible layer over the picture of a page.
    pub recognized: bool,
}

impl Drawing {
    /// An empty page.
    pub fn new(bounds: Rect) -> Self {
        Self {
            bounds,
            clips: Vec::new(),
            groups: Vec::new(),
            areas: Vec::new(),
            pictures: Vec::new(),
            glyphs: Vec::new(),
            places: BTreeSet::new(),
            sequence: 0,
            undecodable: 0,
        }
    }

    /// The glyphs that can be seen in the end.
    pub fn finish(self) -> Shown {
        let count = self.glyphs.len();
        let covered = |place: Point, sequence: usize| {
            self.areas.iter().any(|area| area.covers && area.sequence > sequence && area.rect.contains(place))
        };
        let sighted: Vec<_> = self
            .glyphs
            .into_iter()
            .map(|(glyph, place, sight, sequence)| {
                let sight = if sight == Sight::Seen && covered(place, sequence) { Sight::Hidden } else { sight };
                (glyph, place, sight)
            })
            .collect();
        let own = sighted.iter().filter(|(glyph, _, sight)| *sight == Sight::Seen && !glyph.is_blank()).count();
        // Recognition programs put the text of a picture under it, where it can be searched and copied.
        let page_picture = self.pictures.iter().find(|picture| picture.area() * PAGE_SHARE >= self.bounds.area());
        let layer = page_picture.filter(|_| own <= FEW_GLYPHS);
        let (mut glyphs, mut hidden, mut recognized) = (Vec::new(), 0, false);
        for (glyph, place, sight) in sighted {
            let in_layer = sight == Sight::Invisible && layer.is_some_and(|picture| picture.contains(place));
            recognized |= in_layer;
            if sight == Sight::Seen || in_layer {
                glyphs.push(glyph);
            } else {
                hidden += glyph.text.chars().filter(|character| !character.is_whitespace()).count() as u64;
            }
        }
        Shown { glyphs, count, hidden, undecodable: self.undecodable, pictures: !self.pictures.is_empty(), recognized }
    }

    fn opacity(&self) -> f32 {
        self.groups.iter().product()
    }

    fn clip(&self) -> Rect {
        self.clips.last().copied().unwrap_or(self.bounds)
    }

    fn area(&mut self, rect: Rect, colour: Option<[f32; 3]>, covers: bool) {
        self.sequence += 1;
        let rect = rect.intersect(self.clip());
        if rect.area() < SMALLEST_AREA || !rect.area().is_finite() {
            return;
        }
        if self.areas.len() == MAX_AREAS {
            self.areas.remove(0);
        }
        self.areas.push(Area { rect, colour, covers, sequence: self.sequence });
    }

    fn glyph(
        &mut self,
        glyph: &PositionedGlyph<'_>,
        transform: Affine,
        vertical: bool,
        sight: &impl Fn(&Self, Point) -> Sight,
    ) {
        if self.glyphs.len() >= MAX_GLYPHS {
            return;
        }
        let Some(text) = characters(glyph) else {
            self.undecodable += 1;
            return self.place("\u{fffd}".to_owned(), glyph, transform, vertical, sight);
        };
        self.place(text, glyph, transform, vertical, sight);
    }

    fn place(
        &mut self,
        text: String,
        glyph: &PositionedGlyph<'_>,
        transform: Affine,
        vertical: bool,
        sight: &impl Fn(&Self, Point) -> Sight,
    ) {
        let transform = transform * glyph.transform();
        let advance = match &**glyph {
            Drawn::Outline(outline) => outline.advance_width(),
            Drawn::Type3(drawn) => drawn.advance_width(),
        };
        let origin = transform * Point::ZERO;
        let up = transform * Point::new(0.0, 1000.0) - origin;
        let along = transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0) - origin;
        let size = up.hypot();
        let finite = origin.x.is_finite() && origin.y.is_finite() && size.is_finite() && along.hypot().is_finite();
        if !finite || size > 1.0e5 || origin.x.abs() > 1.0e6 || origin.y.abs() > 1.0e6 {
            return;
        }
        let direction = direction(along.x, along.y, -up.y, vertical);
        let (start, end, line) = match direction {
            Direction::Right | Direction::Askew => (origin.x, origin.x + along.x, origin.y),
            Direction::Down => (origin.y, origin.y + along.y, -origin.x),
            Direction::Left => (-origin.x, -origin.x - along.x, -origin.y),
            Direction::Up => (-origin.y, -origin.y - along.y, origin.x),
            Direction::Vertical => (origin.y, origin.y + size, -origin.x),
        };
        let middle = origin + along * 0.5 + up * 0.25;
        let mut seen = sight(self, middle);
        if size < SMALLEST_SIZE && seen == Sight::Seen {
            seen = Sight::Hidden;
        }
        let glyph = Glyph { text, start, end, line, size, direction };
        if self.is_again(&glyph) {
            return;
        }
        self.glyphs.push((glyph, middle, seen, self.sequence));
    }

    /// True if the same glyph stands there already: bold by drawing twice, filled and stroked.
    #[expect(clippy::cast_possible_truncation, reason = "places are bounded")]
    fn is_again(&mut self, glyph: &Glyph) -> bool {
        if glyph.is_blank() {
            return false;
        }
        let cell = (glyph.size * 0.08).max(0.01);
        let (x, y) = ((glyph.start / cell) as i64, (glyph.line / cell) as i64);
        for dx in -1..=1 {
            for dy in -1..=1 {
                if self.places.contains(&(glyph.text.clone(), x + dx, y + dy)) {
                    return true;
                }
            }
        }
        self.places.insert((glyph.text.clone(), x, y));
        false
    }

    fn sight(&self, place: Point, colour: Option<[f32; 3]>) -> Sight {
        if !self.bounds.contains(place) || !self.clip().inflate(1.0, 1.0).contains(place) {
            return Sight::Hidden;
        }
        let Some(colour) = colour else { return Sight::Seen };
        let ground = match self.areas.iter().rev().find(|area| area.rect.contains(place)) {
            None => [1.0; 3],
            Some(area) => match area.colour {
                None => return Sight::Seen,
                Some(ground) => ground,
            },
        };
        let differs = colour.iter().zip(ground).any(|(one, other)| (one - other).abs() > CONTRAST);
        if differs { Sight::Seen } else { Sight::Hidden }
    }
}

/// Which way a line runs, by its glyphs' way along, and by which way they stand.
fn direction(x: f64, y: f64, upright: f64, vertical: bool) -> Direction {
    if vertical && upright > 0.0 {
        return Direction::Vertical;
    }
    let (flat, steep) = (y.abs() <= x.abs() * 0.1, x.abs() <= y.abs() * 0.1);
    match (flat, steep) {
        (true, _) if x >= 0.0 => Direction::Right,
        (true, _) => Direction::Left,
        (_, true) if y >= 0.0 => Direction::Down,
        (_, true) => Direction::Up,
        _ => Direction::Askew,
    }
}

/// The characters that a glyph shows, ligatures taken apart; none if they are not known.
fn characters(glyph: &PositionedGlyph<'_>) -> Option<String> {
    let text = match glyph.as_unicode()? {
        BfString::Char(character) => character.to_string(),
        BfString::String(text) => text,
    };
    let mut characters = String::new();
    for character in text.chars() {
        match character {
            '\u{fb00}' => characters.push_str("ff"),
            '\u{fb01}' => characters.push_str("fi"),
            '\u{fb02}' => characters.push_str("fl"),
            '\u{fb03}' => characters.push_str("ffi"),
            '\u{fb04}' => characters.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => characters.push_str("st"),
            // Bullets of symbol fonts.
            '\u{f0b7}' | '\u{f0a7}' | '\u{f0d8}' | '\u{f076}' => characters.push('\u{2022}'),
            '\u{e000}'..='\u{f8ff}' | '\u{fffd}' | '\0' => return None,
            other if other.is_control() && !other.is_whitespace() => return None,
            other => characters.push(other),
        }
    }
    (!characters.is_empty()).then_some(characters)
}

fn solid(paint: &Paint<'_>) -> (Option<[f32; 3]>, f32) {
    match paint {
        Paint::Color(colour) => {
            let [red, green, blue, alpha] = colour.to_rgba().components();
            (Some([red, green, blue]), alpha)
        }
        Paint::Pattern(_) => (None, 1.0),
    }
}

/// True if a path is a rectangle with sides along the page.
fn is_rectangle(path: &BezPath) -> bool {
    let points: Vec<Point> = path
        .segments()
        .map(|segment| segment.as_line().map_or(Point::new(f64::NAN, f64::NAN), |line| line.p0))
        .collect();
    let bounds = path.bounding_box();
    let corner = |point: &Point| {
        let near = |one: f64, other: f64| (one - other).abs() < 0.5;
        (near(point.x, bounds.x0) || near(point.x, bounds.x1)) && (near(point.y, bounds.y0) || near(point.y, bounds.y1))
    };
    (4..=5).contains(&points.len()) && points.iter().all(corner)
}

impl Device<'_> for Drawing {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'_>, mode: &DrawMode) {
        if !matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) || path.elements().len() > 64 {
            return;
        }
        let path = props.transform * path.clone();
        let (colour, alpha) = solid(&props.paint);
        let opaque =
            alpha > 0.99 && self.opacity() > 0.99 && props.soft_mask.is_none() && props.blend_mode == BlendMode::Normal;
        let faint = alpha * self.opacity() < FAINT;
        if !faint {
            let rectangle = is_rectangle(&path);
            self.area(path.bounding_box(), colour.filter(|_| opaque), opaque && rectangle && colour.is_some());
        }
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        let rect = clip.path.bounding_box().intersect(self.clip());
        self.clips.push(rect);
    }

    fn push_transparency_group(&mut self, opacity: f32, _: Option<SoftMask<'_>>, _: BlendMode) {
        self.groups.push(opacity);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        self.sequence += 1;
        let (colour, alpha) = solid(&props.paint);
        let invisible = matches!(mode, DrawMode::Invisible);
        let faint = alpha * self.opacity() < FAINT;
        // A mask shows some of it, as far as is known.
        let colour = colour.filter(|_| props.blend_mode == BlendMode::Normal);
        let sight = |drawing: &Self, place: Point| match (invisible, faint) {
            (true, _) => Sight::Invisible,
            (_, true) => Sight::Hidden,
            _ => drawing.sight(place, colour),
        };
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform, vertical, &sight);
        }
    }

    fn draw_image(&mut self, image: Image<'_, '_>, props: ImageDrawProps<'_>) {
        let size = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let rect = (props.transform * size.to_path(0.1)).bounding_box();
        self.pictures.push(rect.intersect(self.clip()));
        self.pictures.truncate(MAX_AREAS);
        self.area(rect, None, false);
    }

    fn pop_clip(&mut self) {
        self.clips.pop();
    }

    fn pop_transparency_group(&mut self) {
        self.groups.pop();
    }
}
