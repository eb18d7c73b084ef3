//! What a file of a model consists of.

/// Type of a tensor's elements or blocks, by its GGUF name.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::F32,
        Self::F16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// Number in the file, elements of a block, bytes of a block.
    fn facts(self) -> (u32, usize, usize) {
        match self {
            Self::F32 => (0, 1, 4),
            Self::F16 => (1, 1, 2),
            Self::Q4_0 => (2, 32, 18),
            Self::Q4_1 => (3, 32, 20),
            Self::Q8_0 => (8, 32, 34),
            Self::Q2K => (10, 256, 84),
            Self::Q3K => (11, 256, 110),
            Self::Q4K => (12, 256, 144),
            Self::Q5K => (13, 256, 176),
            Self::Q6K => (14, 256, 210),
        }
    }

    pub(super) fn code(self) -> u32 {
        self.facts().0
    }

    pub(super) fn block(self) -> usize {
        self.facts().1
    }

    pub(super) fn block_bytes(self) -> usize {
        self.facts().2
    }

    pub(super) fn row_bytes(self, cols: usize) -> usize {
        cols / self.block() * self.block_bytes()
    }
}

/// One tensor of a file.
pub struct Tensor {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// 1 for a vector.
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) is_norm: bool,
}

impl Tensor {
    pub(super) fn size(&self) -> usize {
        self.rows * self.kind.row_bytes(self.cols)
    }
}

/// A metadata value.
pub(super) enum Value {
    Number(u32),
    Float(f32),
    Text(&'static str),
}
