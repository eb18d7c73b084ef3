//! Types of a tensor's elements, as ggml numbers them.

use precis_kernels::Format;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $code:literal, $block:literal, $bytes:literal, $packed:expr;)*) => {
        /// Type of a tensor's elements or blocks, by its GGUF name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, non_camel_case_types)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Number in the file.
            pub fn code(self) -> u32 {
                match self { $(Self::$name => $code,)* }
            }

            /// Elements of a block.
            pub fn block(self) -> usize {
                match self { $(Self::$name => $block,)* }
            }

            /// Bytes of a block.
            pub fn block_bytes(self) -> usize {
                match self { $(Self::$name => $bytes,)* }
            }

            /// Packed form of the products that holds its blocks without loss.
            pub fn format(self) -> Option<Format> {
                match self { $(Self::$name => $packed,)* }
            }
        }
    };
}

kinds! {
    F32: 0, 1, 4, None;
    F16: 1, 1, 2, None;
    BF16: 30, 1, 2, None;
    Q4_0: 2, 32, 18, Some(Format::Q4_0);
    Q4_1: 3, 32, 20, Some(Format::Q4_1);
    Q5_0: 6, 32, 22, Some(Format::Q5_0);
    Q5_1: 7, 32, 24, Some(Format::Q5_1);
    Q8_0: 8, 32, 34, Some(Format::Q8_0);
    Q2K: 10, 256, 84, Some(Format::Q2K);
    Q3K: 11, 256, 110, Some(Format::Q3K);
    Q4K: 12, 256, 144, Some(Format::Q4K);
    Q5K: 13, 256, 176, Some(Format::Q5K);
    Q6K: 14, 256, 210, Some(Format::Q6K);
    IQ4_NL: 20, 32, 18, Some(Format::IQ4_NL);
    /// 4 bits by a table, 6-bit scales for 32.
    IQ4_XS: 23, 256, 136, None;
    /// 4-bit floats, one power of two for 32 (OCP Microscaling).
    MXFP4: 39, 32, 17, None;
}

impl Kind {
    /// The type with this number, if this build knows it.
    pub fn of(code: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Bytes of a row of so many elements.
    pub fn row_bytes(self, cols: usize) -> usize {
        cols / self.block() * self.block_bytes()
    }
}
