//! The values of the numbers in a document, and which numbers of a sentence are none of them.

use std::collections::HashSet;

use super::decimal::Decimal;
use super::marks::Marks;
use super::numbers::{Kind, Number, numbers};
use super::{signs, spelled};

/// How many more digits than "thousands" a number may have that the word stands for.
const MORE_DIGITS: usize = 2;

/// The values of the numbers in a document.
#[derive(Default)]
pub(super) struct Values {
    plain: HashSet<Decimal>,
    percent: HashSet<Decimal>,
    /// Parts that words such as "half" say, in hundredths.
    shares: HashSet<Decimal>,
    negative: HashSet<Decimal>,
    times: HashSet<(u32, u32)>,
    /// One bit for each number of digits that a number other than a year has.
    lengths: u64,
    marks: Marks,
}

impl Values {
    /// Every reading of every number of a document, and of words that imply one.
    pub(super) fn of(text: &str) -> Self {
        let marks = Marks::of(text);
        let mut values = Self { marks, ..Self::default() };
        for number in numbers(text, marks.document()) {
            values.push(text, number);
        }
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            let lower = word.to_lowercase();
            values.plain.extend(spelled::implied(&lower).iter().map(|value| Decimal::from(*value)));
            values.shares.extend(spelled::share(&lower).map(Decimal::from));
        }
        values
    }

    fn push(&mut self, text: &str, number: Number) {
        match number.kind {
            Kind::Time(hours, minutes) => _ = self.times.insert((hours, minutes)),
            Kind::Magnitude(zeros) => self.lengths |= bit(zeros + 1),
            Kind::Value | Kind::Vague => {}
        }
        let is_negative = number.negative || signs::is_below(text, number.range);
        for value in number.readings.into_iter().flatten() {
            if !number.year {
                self.lengths |= bit(value.digits());
            }
            if is_negative {
                self.negative.insert(value.clone());
            }
            if number.percent { &mut self.percent } else { &mut self.plain }.insert(value);
        }
    }

    fn contains(&self, value: &Decimal, percent: bool) -> bool {
        if self.plain.contains(value) || self.percent.contains(value) {
            return true;
        }
        if percent {
            return self.shares.contains(value) || self.plain.contains(&value.unshift(2));
        }
        let hundredfold = value.shift(2);
        self.percent.contains(&hundredfold) || self.shares.contains(&hundredfold)
    }

    /// Whether the document tells a time, on a clock of 12 or 24 hours, or a full hour.
    fn has_time(&self, hours: u32, minutes: u32) -> bool {
        [hours, hours + 12, hours.wrapping_sub(12)].into_iter().filter(|hours| *hours <= 24).any(|hours| {
            let with_point = Decimal::new(&hours.to_string(), &format!("{minutes:02}"));
            // "14.30" and "1430".
            self.times.contains(&(hours, minutes))
                || minutes > 0 && self.plain.contains(&with_point.shift(2))
                || self.plain.contains(&with_point)
        })
    }

    /// The numbers of a sentence that have no reading in the document, each once, as written.
    pub(super) fn unsupported(&self, sentence: &str) -> Vec<String> {
        let mut unsupported: Vec<String> = Vec::new();
        for number in numbers(sentence, self.marks.sentence()) {
            let holds = |value: &Decimal| {
                self.contains(value, number.percent) && (!number.negative || self.negative.contains(value))
            };
            let is_known = match number.kind {
                Kind::Vague => true,
                Kind::Time(hours, minutes) => self.has_time(hours, minutes),
                Kind::Magnitude(zeros) => (1..=1 + MORE_DIGITS).any(|more| self.lengths & bit(zeros + more) != 0),
                Kind::Value => number.readings.iter().any(|values| values.iter().all(holds)),
            };
            if !is_known
                && let Some(written) = number.range.of(sentence)
                && !unsupported.iter().any(|known| known == written)
            {
                unsupported.push(written.to_owned());
            }
        }
        unsupported
    }
}

fn bit(digits: usize) -> u64 {
    1 << digits.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported(source: &str, sentence: &str) -> Vec<String> {
        Values::of(source).unsupported(sentence)
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for (source, sentence) in [
            ("1,000 people", "1000 and 1 000 and 1.000 and 1'000 and one thousand and a thousand people"),
            ("three dogs, 4.5% of 2nd place", "3 dogs, 4.5 percent, 2 of them, 4,5 per cent"),
            ("It cost 410 million crowns", "It cost 410,000,000 crowns, 410 million, 410M"),
            ("two hundred and fifty cows", "250 cows"),
            ("twenty-one years", "21 years"),
            ("a 3.5-million budget", "3,500,000"),
            ("from 3 to 5 million", "3 million to 5 million"),
            ("in the 1980s and 2019/20", "In 1980, in 2019"),
            ("between 1980–2000", "1980 and 2000"),
            ("12,5 % der Fälle", "12.5%"),
            ("a share of 0.45", "45%"),
            ("45% of it", "a share of 0.45"),
            ("half of the men", "50% of the men"),
            ("on both sides", "on two sides"),
            ("1.234,50 euros", "1,234.5 euros"),
            ("lasted ٣٤ days", "34 days"),
            ("1,00,000 rupees", "100000"),
            ("a dozen eggs, version 2.10.3", "12 eggs in version 2.10.3"),
            ("½ cup", "0.5"),
            ("H2O and CO2", "2"),
            ("$2bn", "2 billion"),
            ("the 21st century", "the twenty-first century"),
            ("5th of May", "fifth of May"),
            ("1-3 models", "three models"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn a_comma_before_three_digits_makes_thousands() {
        for (source, sentence, expected) in [
            ("One person was hurt.", "1,000 people were hurt.", "1,000"),
            ("It rose by 1.5 %.", "There are 1,500 jobs.", "1,500"),
            ("There are 2,500 employees.", "Profit rose 2.5%.", "2.5"),
            ("1.000 Menschen, 2,5 % davon", "One per cent, so 1% of them", "1"),
            ("There are 2.5 million and 1,234 more.", "It is 1.234.", "1.234"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        for (source, sentence) in [
            ("1.000 Menschen, 2,5 % davon", "1,000 people, 2.5% of them, 1.000 Menschen"),
            ("1.000 Menschen am 25.11.", "1,000 people"),
            ("Es sind 2,5 % und 1,250 Liter.", "It is 1.25 litres."),
            ("1.234.567 Euro", "1,234,567 euros"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn digits_after_letters_without_case_are_numbers() {
        assert_eq!(unsupported("公司于2019年成立。", "公司于2015年成立。"), ["2015"]);
        assert_eq!(unsupported("ドル2019円", "ドル2015円"), ["2015"]);
        assert!(unsupported("公司于2019年5月成立。", "It was founded in May 2019, 公司于2019年成立。").is_empty());
        assert!(unsupported("No figures.", "H2O and CO2 and T5").is_empty());
    }

    #[test]
    fn letters_that_scale_replace_the_plain_number() {
        for (source, sentence, expected) in [
            ("a team of 5", "It cost $5M.", "5M"),
            ("a team of 5", "It cost €5 m.", "5 m"),
            ("a team of 5", "It cost 5bn.", "5bn"),
            ("a team of 5", "It has 5k users.", "5k"),
            ("a team of 5", "It cost USD 5 B.", "5 B"),
            ("It cost $5bn.", "a team of 5", "5"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        for (source, sentence) in [
            ("It cost 5 million.", "It cost $5M, €5 m, 5mn, 5M and 5 Mio."),
            ("5 metres", "It is 5m long."),
            ("a team of 180K", "180 K and 180,000"),
            ("between $3-5bn", "3 billion"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn words_for_parts_are_whole_words_and_only_hundredths() {
        for (source, sentence, expected) in [
            ("He spoke on behalf of them.", "50% of them", "50"),
            ("It fell in the third quarter.", "25 people", "25"),
            ("It is half of it.", "50 people", "50"),
            ("The headquarters moved.", "25% of them", "25"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        assert!(unsupported("Half of it, a quarter of that.", "50% of it, 25 percent of that, 0.5").is_empty());
    }

    #[test]
    fn a_sign_belongs_to_its_number() {
        for (source, sentence, expected) in [
            ("5 degrees", "It is -5 degrees.", "-5"),
            ("5 degrees", "It is −5 degrees.", "−5"),
            ("5 degrees", "It is minus 5 degrees.", "minus 5"),
            ("$5", "It made -$5.", "-$5"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        for (source, sentence) in [
            ("It was −5 to -8 degrees.", "It was -5, minus 8 and –8 degrees."),
            ("It was 5 degrees below zero.", "It was -5 degrees."),
            ("A loss of $(5)", "It made -$5."),
            ("-5 degrees", "5 degrees below zero"),
            ("COVID-19, 10 to 20, k - 1", "COVID-19, 10-20, 10 -20, k -1"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn hundreds_and_thousands_need_a_number_of_that_length_or_the_word() {
        for (source, sentence, expected) in [
            ("Some people in 2019.", "Thousands of people.", "Thousands"),
            ("12 people.", "Hundreds of people.", "Hundreds"),
            ("5 people.", "Dozens of people.", "Dozens"),
            ("5,000 people.", "Millions of people.", "Millions"),
            ("5,000 people.", "Hundreds of thousands of people.", "Hundreds of thousands"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        for (source, sentence) in [
            ("12,500 people.", "Thousands of people, tens of thousands of them."),
            ("350 people, 24 dogs.", "Hundreds of people, dozens of dogs."),
            ("2.5 million people.", "Millions of people."),
            ("Thousands came.", "Thousands of people."),
            ("A thousand of them", "Thousands of them."),
            ("No figures.", "It tens of them."),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn a_time_is_one_number() {
        for (source, sentence, expected) in [
            ("14 people came with 30 dogs.", "It began at 14:30.", "14:30"),
            ("It began at 14:30.", "It began at 14:45.", "14:45"),
            ("It began at 14:30.", "It began at 3:30.", "3:30"),
        ] {
            assert_eq!(unsupported(source, sentence), [expected], "{sentence}");
        }
        for (source, sentence) in [
            ("It began at 14:30.", "It began at 14:30, at 2:30 p.m., at 14h30."),
            ("It began at 2.30 pm.", "It began at 14:30."),
            ("It began at 1430 hours and ended at 9.", "It began at 14:30 and ended at 09:00 or 21:00."),
            ("A ratio of 3:2", "A ratio of 3:2"),
        ] {
            assert!(unsupported(source, sentence).is_empty(), "{sentence}: {:?}", unsupported(source, sentence));
        }
    }

    #[test]
    fn a_number_that_the_document_does_not_have_is_found() {
        let source = "Of 1,000 people in 2014, 4.5% had two dogs; it cost 410 million and took a decade.";
        for (sentence, expected) in [
            ("1001 people", "1001"),
            ("45% of them", "45"),
            ("410 billion", "410 billion"),
            ("410 people", "410"),
            ("in 2015", "2015"),
            ("three dogs", "three"),
            ("a hundred people", "hundred"),
            ("2 million", "2 million"),
            ("0.5%", "0.5"),
            ("1,001 of them", "1,001"),
            ("in the 1990s", "1990"),
            ("the 19th time", "19"),
            ("thirty-seven", "thirty-seven"),
            ("at 14:30", "14:30"),
        ] {
            assert_eq!(unsupported(source, sentence).first().map(String::as_str), Some(expected), "{sentence}");
        }
        assert_eq!(unsupported(source, "7 and 7 and 8"), ["7", "8"]);
    }

    #[test]
    fn words_that_only_sound_like_numbers_are_let_be() {
        assert!(
            unsupported("No figures.", "First of all, one of them said it at once, for a second or a third time.")
                .is_empty()
        );
        assert!(unsupported("No figures.", "Someone often weighs the tension.").is_empty());
    }
}
