//! Times for people.

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH: u64 = 719_468;
/// Days of 400 years.
const ERA: u64 = 146_097;
/// Last second of the year 9999; later times are written as numbers.
const LAST: u64 = 253_402_300_799;

/// `2026-11-30 02:10:05 UTC` for Unix seconds.
#[must_use]
pub fn utc(seconds: u64) -> String {
    if seconds > LAST {
        return format!("{seconds} (Unix seconds)");
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (days, rest) = (seconds / DAY + EPOCH, seconds % DAY);
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::{LAST, utc};

    #[test]
    fn a_time_is_the_date_that_the_verifier_reads_back() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (1_791_418_186, "2026-10-08 00:09:46 UTC"),
            (LAST, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
            let read = text.replacen(' ', "T", 1).replace(" UTC", "Z");
            assert_eq!(precis_verify::time::unix_seconds(&read), Some(seconds));
        }
        for seconds in (0..LAST).step_by(86_400 * 97 + 12_345).take(20_000) {
            let read = utc(seconds).replacen(' ', "T", 1).replace(" UTC", "Z");
            assert_eq!(precis_verify::time::unix_seconds(&read), Some(seconds), "{seconds}");
        }
        assert_eq!(utc(u64::MAX), "18446744073709551615 (Unix seconds)");
    }
}
