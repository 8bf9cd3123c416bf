//! What people write in free-text fields: trimmed, bounded, without control characters.
//!
//! Every field is checked, so that the writer gets all problems at once. Two people assent to one text: what would show
//! it in another order than it is stored, or hide words in it, is taken out before anybody reads it.

use crate::error::Problem;

/// Headings and names.
pub const TITLE: usize = 200;
/// Paragraphs: goals, descriptions, the patient's story.
pub const TEXT: usize = 4_000;
/// One message.
pub const MESSAGE: usize = 5_000;

/// A text that must be there. Adds a problem, and gives an empty text, when it cannot be used.
///
/// `max` is in characters.
pub fn required(field: &str, text: &str, max: usize, problems: &mut Vec<Problem>) -> String {
    match clean(field, text, max) {
        Ok(Some(text)) => text,
        Ok(None) => {
            problems.push(Problem::input(field, "Skriv något här.", "Write something here."));
            String::new()
        }
        Err(problem) => {
            problems.push(problem);
            String::new()
        }
    }
}

/// A text that may be left out; a blank one counts as left out.
pub fn optional(field: &str, text: Option<&str>, max: usize, problems: &mut Vec<Problem>) -> Option<String> {
    clean(field, text?, max).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}

/// None when nothing is left after trimming.
fn clean(field: &str, text: &str, max: usize) -> Result<Option<String>, Problem> {
    let text: String = text.chars().filter(|c| !reorders_or_hides(*c)).collect();
    let text = text.trim().replace("\r\n", "\n").replace(['\u{2028}', '\u{2029}'], "\n");
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Problem::input(
            field,
            "Texten innehåller tecken som inte kan visas. Skriv om den.",
            "The text has characters that cannot be shown. Rewrite it.",
        ));
    }
    if text.chars().count() > max {
        return Err(Problem::input(
            field,
            format!("Texten är för lång: högst {max} tecken."),
            format!("The text is too long: {max} characters at most."),
        ));
    }
    Ok(Some(text).filter(|t| !t.chars().all(is_blank)))
}

/// Marks that telephones put around copied text and that nobody sees: embeddings, overrides and isolates of direction
/// (Unicode Standard Annex 9), tags, annotations. Right-to-left scripts are read right without them.
const fn reorders_or_hides(c: char) -> bool {
    matches!(
        c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether nobody would see it: white space, joiners, marks of direction, fillers.
const fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_keeps_its_lines() {
        let mut problems = Vec::new();
        assert_eq!(required("text", "  gå\r\nut\t \n", TEXT, &mut problems), "gå\nut");
        assert_eq!(optional("text", Some(" \n "), TEXT, &mut problems), None);
        assert!(problems.is_empty());
    }

    #[test]
    fn a_text_that_nobody_would_see_is_empty_and_a_joined_sign_is_kept() {
        let mut problems = Vec::new();
        required("a", "\u{200b}\u{feff} \u{2060}\u{3164}", TITLE, &mut problems);
        assert_eq!(problems.len(), 1);
        assert_eq!(required("b", "👩\u{200d}⚕\u{fe0f}", TITLE, &mut problems), "👩\u{200d}⚕\u{fe0f}");
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn a_text_reads_in_the_order_in_which_it_is_stored() {
        let mut problems = Vec::new();
        let hidden = "Ta \u{202e}5 gnag\u{202c} \u{2066}1\u{2069} gång\u{e0041}";
        assert_eq!(required("a", hidden, TITLE, &mut problems), "Ta 5 gnag 1 gång");
        assert_eq!(required("b", "en\u{2028}två", TITLE, &mut problems), "en\ntvå");
        assert_eq!(required("c", "مرحبا بك", TITLE, &mut problems), "مرحبا بك");
        assert!(problems.is_empty());
    }

    #[test]
    fn empty_long_and_unprintable_texts_are_all_told_of_at_once() {
        let mut problems = Vec::new();
        required("a", "  ", TITLE, &mut problems);
        required("b", &"å".repeat(201), TITLE, &mut problems);
        required("c", "in\u{0}ut", TITLE, &mut problems);
        optional("d", Some("\u{1b}[31m"), TITLE, &mut problems);
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(fields, ["a", "b", "c", "d"]);
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        let mut problems = Vec::new();
        assert_eq!(required("a", &"ö".repeat(200), TITLE, &mut problems).chars().count(), 200);
        assert!(problems.is_empty());
    }
}
