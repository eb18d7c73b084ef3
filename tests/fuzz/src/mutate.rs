//! Seeded mutations for the runs without libFuzzer: equal seeds give equal bytes on every machine.

/// xorshift64*: small, and good enough to spoil bytes.
pub struct Random(u64);

impl Random {
    /// A sequence that follows from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number below `end`; zero if `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default().checked_rem(end).unwrap_or_default()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let longest = (length - start).min(64);
        start..start + self.below(longest + 1)
    }
}

/// Bytes at which lengths, numbers and text formats turn.
const TURNING: [u8; 16] = [0, 1, 0x17, 0x18, 0x1b, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff, b'"', b'\\', b'{', b'[', b'0'];

/// `seed` with one to eight things changed; some of what replaces it comes from `other`.
pub fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        let turning = TURNING[random.below(TURNING.len())];
        match random.below(8) {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = turning),
            2 => bytes.insert(at, turning),
            3 => drop(bytes.drain(random.range(bytes.len()))),
            4 => {
                let again = bytes[random.range(bytes.len())].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 => {
                let foreign = other[random.range(other.len())].to_vec();
                drop(bytes.splice(random.range(bytes.len()), foreign));
            }
            6 if random.below(4) == 0 => bytes.truncate(at),
            _ => bytes.get_mut(at).into_iter().for_each(|byte| *byte = byte.wrapping_add(1)),
        }
    }
    bytes
}
