//! Dates as Intel and people write them, to Unix seconds, and what clocks may differ. Pure.

/// Tolerance between two honest clocks, seconds.
pub const CLOCK_TOLERANCE_SECONDS: u64 = 300;

/// Unix seconds of `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339 in UTC, whole seconds), the one form Intel writes.
#[must_use]
pub fn unix_seconds(text: &str) -> Option<u64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if separators.iter().any(|(index, byte)| bytes[*index] != *byte) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u64> {
        bytes[from..to]
            .iter()
            .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59
    {
        return None;
    }
    // Days since the epoch, counting years from March so that the leap day is the last of its year.
    let (march_year, march_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + (march_month * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_one_form_are_read() {
        assert_eq!(unix_seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(unix_seconds("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(unix_seconds("2026-10-08T00:09:46Z"), Some(1_791_418_186));
        for bad in [
            "2026-10-08",
            "2026-10-08T00:09:46+00:00",
            "2026-13-08T00:09:46Z",
            "1969-12-31T23:59:59Z",
            "2026-10-08 00:09:46Z",
            "",
        ] {
            assert_eq!(unix_seconds(bad), None, "{bad}");
        }
    }
}
