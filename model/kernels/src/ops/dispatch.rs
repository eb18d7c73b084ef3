//! One body, compiled once for each instruction set.

/// Defines a function that takes an [`crate::Isa`] first and runs its body compiled for it. The body must be made of
/// operations that round alike everywhere: plain arithmetic and `mul_add`, in an order that does not depend on the set.
macro_rules! by_isa {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name(isa: $crate::Isa, $($argument: $type),*) $(-> $output)? {
            #[inline(always)]
            fn body($($argument: $type),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2($($argument: $type),*) $(-> $output)? {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl")]
            fn avx512($($argument: $type),*) $(-> $output)? {
                body($($argument),*)
            }

            isa.check();
            match isa {
                $crate::Isa::Scalar => body($($argument),*),
                // SAFETY: `check` has seen that this processor has the instructions that `isa` names.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above; both sets contain all of AVX-512 that is enabled here, and AVX2.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx512 | $crate::Isa::Amx => unsafe { avx512($($argument),*) },
                #[cfg(not(target_arch = "x86_64"))]
                _ => body($($argument),*),
            }
        }
    };
}

pub(crate) use by_isa;
