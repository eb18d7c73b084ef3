//! Which instruction sets this processor, and this process, may use.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// A set of vector instructions. All give the same bits; they differ in speed alone. Each contains the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust: the definition of the arithmetic.
    Scalar,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512,
    /// The above with the tile unit for 8-bit integers, which the kernel has to grant to the process.
    Amx,
}

impl Isa {
    /// All, from the plainest on.
    const ALL: [Isa; 4] = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Amx];

    /// The fastest that may be used here. Looked up once.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(detect)
    }

    /// All that may be used here, from the plainest on.
    pub fn available() -> Vec<Isa> {
        Self::ALL.into_iter().filter(|isa| *isa <= Self::best()).collect()
    }

    /// A short lower-case name, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Amx => "amx",
        }
    }

    /// Stops a caller that names instructions which do not exist here: executing them would be undefined.
    ///
    /// # Panics
    /// When `self` is beyond [`Isa::best`].
    #[inline]
    pub(crate) fn check(self) {
        assert!(self <= Self::best(), "the instruction set {} is not available here", self.name());
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Scalar
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    // The macro looks at CPUID and at what the system saves on a context switch (XCR0).
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")) {
        return Isa::Scalar;
    }
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    if !wide {
        return Isa::Avx2;
    }
    if tiles::present() && tiles::grant() { Isa::Amx } else { Isa::Avx512 }
}

#[cfg(target_arch = "x86_64")]
mod tiles {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

    /// XCR0 bits 17 (XTILECFG) and 18 (XTILEDATA).
    const XCR0_TILES: u64 = 0b11 << 17;

    /// CPUID has AMX-TILE and AMX-INT8, palette 1 has the usual eight tiles of 1 KiB, and the system saves their state.
    pub(super) fn present() -> bool {
        // CPUID exists on every x86-64 processor.
        if __cpuid(0).eax < 0x1d {
            return false;
        }
        let features = __cpuid_count(7, 0).edx;
        let wanted = 1 << 24 | 1 << 25;
        // Leaf 1 ECX bit 27: the system has enabled XGETBV.
        if features & wanted != wanted || __cpuid(1).ecx & (1 << 27) == 0 {
            return false;
        }
        let palette = __cpuid_count(0x1d, 1);
        let usual = palette.eax >> 16 == 1024 && palette.ebx >> 16 >= 8 && palette.ebx & 0xffff == 64;
        usual && palette.ecx & 0xffff >= 16 && saved()
    }

    fn saved() -> bool {
        #[target_feature(enable = "xsave")]
        fn enabled() -> u64 {
            // SAFETY: register 0 exists wherever the system has enabled XGETBV, which the caller has seen.
            unsafe { _xgetbv(0) }
        }
        // SAFETY: OSXSAVE was seen, so that XSAVE instructions exist and are enabled.
        unsafe { enabled() & XCR0_TILES == XCR0_TILES }
    }

    /// Asks Linux for the tile registers, for all threads of the process: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
    #[cfg(target_os = "linux")]
    pub(super) fn grant() -> bool {
        const SYS_ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
        const XTILEDATA: i64 = 18;
        let result: i64;
        // SAFETY: the call reads and writes no memory of ours; the kernel clobbers rcx and r11 alone.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") SYS_ARCH_PRCTL => result,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XTILEDATA,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result == 0
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn grant() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plainest_set_is_always_there_and_the_best_is_the_last() {
        let all = Isa::available();
        assert_eq!(all[0], Isa::Scalar);
        assert_eq!(all.last(), Some(&Isa::best()));
        assert!(all.is_sorted());
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Isa::ALL.iter().map(|isa| isa.name()).collect();
        names.dedup();
        assert_eq!(names, ["scalar", "avx2", "avx512", "amx"]);
    }
}
