//! Rust text as words and signs, without comments, texts, numbers and tests: enough to find paths in it.

use std::iter::Peekable;
use std::str::Chars;

/// A word, a `::`, or another sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    Word(String),
    Colons,
    Sign(char),
}

impl Token {
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// The tokens of what is compiled into the program: all but items under `#[cfg(test)]`.
pub fn shipped(text: &str) -> Vec<Token> {
    let all = tokens(text);
    let mut kept = Vec::new();
    let mut rest = all.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some(attribute) = test_attribute(rest) {
            if rest.get(1).is_some_and(|token| token.is_sign('!')) {
                return kept;
            }
            rest = after_item(&rest[attribute..]);
        } else {
            kept.push(first.clone());
            rest = after;
        }
    }
    kept
}

/// Length of the attribute that `tokens` begin with, if it is `cfg(test)` or `cfg(all(test, …))`.
fn test_attribute(tokens: &[Token]) -> Option<usize> {
    let inner = usize::from(tokens.get(1)?.is_sign('!'));
    if !tokens[0].is_sign('#') || !tokens.get(1 + inner)?.is_sign('[') || !tokens.get(2 + inner)?.is("cfg") {
        return None;
    }
    let condition = tokens.get(4 + inner..)?;
    let is_test = condition.first()?.is("test") || (condition.first()?.is("all") && condition.get(2)?.is("test"));
    let length = tokens.len() - after_group(&tokens[1 + inner..]).len();
    is_test.then_some(length)
}

/// What follows the group that `tokens` begin with.
pub fn after_group(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_u32;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &tokens[index + 1..];
        }
    }
    &[]
}

/// What follows the item that `tokens` begin with: it ends with its block, or with a semicolon; a field with its comma, or
/// where what it stands in ends.
fn after_item(mut tokens: &[Token]) -> &[Token] {
    let items = ["fn", "impl", "struct", "enum", "trait", "type", "use", "const", "static"];
    let mut is_item = false;
    while let Some(token) = tokens.first() {
        match token {
            Token::Sign('{') => return after_group(tokens),
            Token::Sign(';') => return &tokens[1..],
            Token::Sign(',') if !is_item => return &tokens[1..],
            Token::Sign(')' | ']' | '}') => return tokens,
            Token::Sign('(' | '[') => tokens = after_group(tokens),
            token => {
                is_item |= items.iter().any(|word| token.is(word));
                tokens = &tokens[1..];
            }
        }
    }
    &[]
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '/' if rest.peek() == Some(&'/') => while rest.next().is_some_and(|sign| sign != '\n') {},
            '/' if rest.peek() == Some(&'*') => skip_comment(&mut rest),
            '"' => quoted(&mut rest, &mut found),
            '\'' => skip_character(&mut rest),
            ':' if rest.next_if_eq(&':').is_some() => found.push(Token::Colons),
            sign if sign.is_ascii_digit() => while rest.next_if(|sign| is_word(*sign)).is_some() {},
            sign if is_word(sign) => word(sign, &mut rest, &mut found),
            sign if sign.is_whitespace() => {}
            sign => found.push(Token::Sign(sign)),
        }
    }
    found
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// A word; or the text, or the raw name, that it is the prefix of.
fn word(first: char, rest: &mut Peekable<Chars<'_>>, found: &mut Vec<Token>) {
    let mut word = String::from(first);
    while let Some(sign) = rest.next_if(|sign| is_word(*sign)) {
        word.push(sign);
    }
    let prefix = ["r", "b", "c", "br", "cr"].contains(&word.as_str());
    let raw = word.ends_with('r');
    match rest.peek() {
        Some('"') if prefix && !raw => {
            rest.next();
            quoted(rest, found);
        }
        Some('"' | '#') if prefix && raw => skip_raw(rest, found),
        Some('\'') if word == "b" => {
            rest.next();
            skip_character(rest);
        }
        _ => found.push(Token::Word(word)),
    }
}

/// A text. One that is a path of the crate, as attributes have them, counts as that path.
fn quoted(rest: &mut Peekable<Chars<'_>>, found: &mut Vec<Token>) {
    let mut text = String::new();
    while let Some(sign) = rest.next() {
        match sign {
            '"' => break,
            '\\' => _ = rest.next(),
            sign => text.push(sign),
        }
    }
    if ["crate::", "self::", "super::"].iter().any(|start| text.starts_with(start)) {
        found.extend(tokens(&text));
    }
}

/// A raw text, from behind its `r`; or a raw name.
fn skip_raw(rest: &mut Peekable<Chars<'_>>, found: &mut Vec<Token>) {
    let mut fence = 0;
    while rest.next_if_eq(&'#').is_some() {
        fence += 1;
    }
    if rest.next_if_eq(&'"').is_none() {
        if let Some(first) = rest.next() {
            word(first, rest, found);
        }
        return;
    }
    while let Some(sign) = rest.next() {
        let mut closing = 0;
        while sign == '"' && closing < fence && rest.next_if_eq(&'#').is_some() {
            closing += 1;
        }
        if sign == '"' && closing == fence {
            return;
        }
    }
}

/// A character, or a lifetime, from behind its quote.
fn skip_character(rest: &mut Peekable<Chars<'_>>) {
    match rest.next() {
        Some('\\') => {
            rest.next();
            while rest.next().is_some_and(|sign| sign != '\'') {}
        }
        Some(_) if rest.peek() == Some(&'\'') => _ = rest.next(),
        _ => while rest.next_if(|sign| is_word(*sign)).is_some() {},
    }
}

/// A comment, from behind its first `/`. They nest.
fn skip_comment(rest: &mut Peekable<Chars<'_>>) {
    let mut depth = 0_u32;
    let mut before = '/';
    for sign in rest.by_ref() {
        match (before, sign) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                before = sign;
                continue;
            }
        }
        before = ' ';
        if depth == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let word = |token: Token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        };
        shipped(text).into_iter().filter_map(word).collect()
    }

    #[test]
    fn texts_comments_and_characters_are_no_words() {
        let text = r####"a /* b /* c */ d */ "e \" f" r#"g " h"# b"i" 'j' '\'' b'k' 'life m // n
            r#"o" "# "crate::p" br##"q"# "## 12u8 s"####;
        assert_eq!(words(text), ["a", "m", "crate", "p", "s"]);
    }

    #[test]
    fn tests_are_left_out_and_what_follows_them_is_not() {
        let text = "a #[cfg(test)] pub fn b<T>(c: [u8; 2]) -> D { e; } f #[cfg(test)] mod g; h
            #[cfg(all(test, unix))] #[allow(x)] use i; #[cfg(not(test))] j { #[cfg(test)] k: [l; 2], m: n, #[cfg(test)] o: p } q";
        assert_eq!(words(text), ["a", "f", "h", "cfg", "not", "test", "j", "m", "n", "q"]);
        assert_eq!(words("#![allow(a)] b #![cfg(test)] c"), ["allow", "a", "b"]);
    }
}
