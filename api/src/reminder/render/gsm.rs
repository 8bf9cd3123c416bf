//! The alphabet of a cheap SMS. One letter outside it would more than halve the room of the whole text.

use any_ascii::any_ascii_char;
use sms_splitter::{SplitSms, SplitSmsResult};

/// A value in the GSM alphabet: a letter that it lacks becomes the nearest it has (Sámi: Sami), what has none goes.
pub(super) fn folded(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for c in text.chars() {
        if is_gsm(c) {
            told.push(c);
        } else {
            // An emoji would become its name between colons.
            let near = any_ascii_char(c);
            told.push_str(if near.len() > 1 && near.starts_with(':') { "" } else { near });
        }
    }
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a folded value that takes at most so much room.
pub(super) fn cut(text: &str, room: usize) -> String {
    let mut kept = text.to_owned();
    while !kept.is_empty() && split(&kept).bytes > room {
        kept.pop();
    }
    kept.trim_end().to_owned()
}

/// Whether the text is one SMS of the cheap kind: at most 160 characters of the GSM alphabet.
pub(super) fn is_one_segment(text: &str) -> bool {
    let split = split(text);
    split.character_set == "GSM" && split.parts.len() == 1
}

fn is_gsm(c: char) -> bool {
    c == ' '
        || (c.is_ascii_graphic() && c != '`')
        || (!c.is_ascii() && is_one_segment(c.encode_utf8(&mut [0; 4])))
}

fn split(text: &str) -> SplitSmsResult {
    SplitSms::split(&SplitSms::default(), text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_in_the_letters_that_an_sms_has() {
        for (name, told) in [
            ("Sámi Vård Á", "Sami Vård A"),
            ("Dr. Szabó AB", "Dr. Szabo AB"),
            ("Min Doktor®", "Min Doktor(R)"),
            ("Façade Łódź", "Facade Lodz"),
            ("Åsele ÄÖ åäö É é ü ß æ ø", "Åsele ÄÖ åäö É é ü ß æ ø"),
            ("Vård 🙂 \u{e000} här", "Vård här"),
            ("€ [1] {2} ~^|\\", "€ [1] {2} ~^|\\"),
            ("🙂", ""),
        ] {
            assert_eq!(folded(name), told, "{name}");
            assert!(is_one_segment(told) || told.is_empty(), "{told}");
        }
    }

    #[test]
    fn what_an_escape_costs_counts() {
        assert_eq!(cut("[[[[", 4), "[[");
        assert_eq!(cut("Region Exempel", 7), "Region");
        assert_eq!(cut("", 7), "");
    }
}
