//! Sixteen single-precision values side by side, for kernels that keep their sums in registers.

#![allow(unsafe_code)]

use crate::half::{from_half, to_half};

/// Sixteen lanes. The values of a vector type exist only inside functions compiled for it, which are entered through
/// [`for_lanes`] after a check of the processor: that is what each use of an intrinsic below relies on.
pub(super) trait Lanes: Copy {
    /// Query rows of one block of registers.
    const ROWS: usize;
    /// Vectors of one block of registers, beside each other.
    const COLUMNS: usize;

    fn splat(x: f32) -> Self;
    fn load(x: &[f32; 16]) -> Self;
    fn load_half(x: &[u16; 16]) -> Self;
    fn store(self, out: &mut [f32; 16]);
    fn store_half(self, out: &mut [u16; 16]);
    fn times(self, other: Self) -> Self;
    /// `self * other + sum`, rounded once.
    fn fma(self, other: Self, sum: Self) -> Self;
}

impl Lanes for [f32; 16] {
    const ROWS: usize = 3;
    const COLUMNS: usize = 2;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; 16]
    }

    #[inline(always)]
    fn load(x: &[f32; 16]) -> Self {
        *x
    }

    #[inline(always)]
    fn load_half(x: &[u16; 16]) -> Self {
        x.map(from_half)
    }

    #[inline(always)]
    fn store(self, out: &mut [f32; 16]) {
        *out = self;
    }

    #[inline(always)]
    fn store_half(self, out: &mut [u16; 16]) {
        *out = self.map(to_half);
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] * other[i])
    }

    #[inline(always)]
    fn fma(self, other: Self, sum: Self) -> Self {
        std::array::from_fn(|i| self[i].mul_add(other[i], sum[i]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    /// Two registers of AVX2, with FMA and F16C.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256, __m256);

    impl Lanes for Avx2 {
        const ROWS: usize = 3;
        const COLUMNS: usize = 2;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: AVX is there, see the trait.
            let x = unsafe { _mm256_set1_ps(x) };
            Avx2(x, x)
        }

        #[inline(always)]
        fn load(x: &[f32; 16]) -> Self {
            // SAFETY: AVX is there, see the trait; both reads of 8 lie within the 16, and need no alignment.
            unsafe { Avx2(_mm256_loadu_ps(x.as_ptr()), _mm256_loadu_ps(x.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn load_half(x: &[u16; 16]) -> Self {
            // SAFETY: F16C is there, see the trait; both reads of 8 lie within the 16, and need no alignment.
            unsafe {
                Avx2(
                    _mm256_cvtph_ps(_mm_loadu_si128(x.as_ptr().cast())),
                    _mm256_cvtph_ps(_mm_loadu_si128(x.as_ptr().add(8).cast())),
                )
            }
        }

        #[inline(always)]
        fn store(self, out: &mut [f32; 16]) {
            // SAFETY: AVX is there, see the trait; both writes of 8 lie within the 16, and need no alignment.
            unsafe {
                _mm256_storeu_ps(out.as_mut_ptr(), self.0);
                _mm256_storeu_ps(out.as_mut_ptr().add(8), self.1);
            }
        }

        #[inline(always)]
        fn store_half(self, out: &mut [u16; 16]) {
            // SAFETY: F16C is there, see the trait; both writes of 8 lie within the 16, and need no alignment.
            unsafe {
                let low = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0);
                let high = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.1);
                _mm_storeu_si128(out.as_mut_ptr().cast(), low);
                _mm_storeu_si128(out.as_mut_ptr().add(8).cast(), high);
            }
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            // SAFETY: AVX is there, see the trait.
            unsafe { Avx2(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn fma(self, other: Self, sum: Self) -> Self {
            // SAFETY: FMA is there, see the trait.
            unsafe { Avx2(_mm256_fmadd_ps(self.0, other.0, sum.0), _mm256_fmadd_ps(self.1, other.1, sum.1)) }
        }
    }

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    impl Lanes for Avx512 {
        const ROWS: usize = 6;
        const COLUMNS: usize = 4;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: AVX-512F is there, see the trait.
            unsafe { Avx512(_mm512_set1_ps(x)) }
        }

        #[inline(always)]
        fn load(x: &[f32; 16]) -> Self {
            // SAFETY: AVX-512F is there, see the trait; the read is of exactly the 16, and needs no alignment.
            unsafe { Avx512(_mm512_loadu_ps(x.as_ptr())) }
        }

        #[inline(always)]
        fn load_half(x: &[u16; 16]) -> Self {
            // SAFETY: AVX-512F is there, see the trait; the read is of exactly the 16, and needs no alignment.
            unsafe { Avx512(_mm512_cvtph_ps(_mm256_loadu_si256(x.as_ptr().cast()))) }
        }

        #[inline(always)]
        fn store(self, out: &mut [f32; 16]) {
            // SAFETY: AVX-512F is there, see the trait; the write is of exactly the 16, and needs no alignment.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn store_half(self, out: &mut [u16; 16]) {
            // SAFETY: AVX-512F is there, see the trait; the write is of exactly the 16, and needs no alignment.
            unsafe {
                let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0);
                _mm256_storeu_si256(out.as_mut_ptr().cast(), halves);
            }
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            // SAFETY: AVX-512F is there, see the trait.
            unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
        }

        #[inline(always)]
        fn fma(self, other: Self, sum: Self) -> Self {
            // SAFETY: AVX-512F is there, see the trait.
            unsafe { Avx512(_mm512_fmadd_ps(self.0, other.0, sum.0)) }
        }
    }
}

/// A stored value: single precision, or the bits of half precision.
pub(super) trait Stored: Copy + Default {
    fn load<V: Lanes>(x: &[Self; 16]) -> V;
}

impl Stored for f32 {
    #[inline(always)]
    fn load<V: Lanes>(x: &[f32; 16]) -> V {
        V::load(x)
    }
}

impl Stored for u16 {
    #[inline(always)]
    fn load<V: Lanes>(x: &[u16; 16]) -> V {
        V::load_half(x)
    }
}

/// Defines a function that takes an [`crate::Isa`] first and runs a generic body with its lanes: `body::<V>(..)` where
/// `V` is the name given in brackets.
macro_rules! for_lanes {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident<$lanes:ident $(, $kind:ident: $bound:ident)*>($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        // One more than the body has, for the instruction set.
        #[allow(clippy::too_many_arguments)]
        $(#[$meta])*
        $visibility fn $name<$($kind: $bound),*>(isa: $crate::Isa, $($argument: $type),*) {
            #[inline(always)]
            fn body<$lanes: Lanes $(, $kind: $bound)*>($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2<$($kind: $bound),*>($($argument: $type),*) {
                body::<$crate::attention::lanes::x86::Avx2 $(, $kind)*>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl")]
            fn avx512<$($kind: $bound),*>($($argument: $type),*) {
                body::<$crate::attention::lanes::x86::Avx512 $(, $kind)*>($($argument),*)
            }

            isa.check();
            match isa {
                $crate::Isa::Scalar => body::<[f32; 16] $(, $kind)*>($($argument),*),
                // SAFETY: `check` has seen that this processor has the instructions that `isa` names.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx2 => unsafe { avx2::<$($kind),*>($($argument),*) },
                // SAFETY: as above; both sets contain all of AVX-512 that is enabled here, and AVX2.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx512 | $crate::Isa::Amx => unsafe { avx512::<$($kind),*>($($argument),*) },
                #[cfg(not(target_arch = "x86_64"))]
                _ => body::<[f32; 16] $(, $kind)*>($($argument),*),
            }
        }
    };
}

pub(super) use for_lanes;

/// Query rows of one block of registers, by which queries are interleaved.
pub(super) fn block_rows(isa: crate::Isa) -> usize {
    match isa {
        crate::Isa::Avx512 | crate::Isa::Amx => 6,
        _ => 3,
    }
}
