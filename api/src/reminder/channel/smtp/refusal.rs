//! What a refusal for good of the recipient tells about the address.
//!
//! A relay's own policy is refused with the same codes as a mailbox that does not exist. An address is only given up
//! when the reply is about the address: otherwise one day of a badly configured relay would cost every patient's.

use lettre::transport::smtp::response::Code;

use crate::reminder::channel::{FailureCode, Outcome};

/// The outcome of a 5xx reply to RCPT. `text` is what stands after the code, perhaps with an enhanced status (RFC
/// 3463) first.
pub(super) fn of_recipient(code: Code, text: Option<&str>) -> Outcome {
    let code = u16::from(code);
    let status = text.and_then(enhanced);
    // A full mailbox is emptied one day, whatever severity the server gives it.
    if code == 552 || status == Some((2, 2)) {
        return Outcome::retry(FailureCode::RefusedForNow);
    }
    let subject = status.map(|(subject, _)| subject);
    // 5.7: security or policy.
    let about_the_address = subject == Some(1) || (matches!(code, 550 | 551 | 553) && subject != Some(7));
    let reason = if about_the_address { FailureCode::BadAddress } else { FailureCode::Refused };
    Outcome::Fail { reason }
}

/// Subject and detail of the enhanced status that a reply's text begins with.
fn enhanced(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    if class != "5" || parts.next().is_some() {
        return None;
    }
    Some((subject.parse().ok()?, detail.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use lettre::transport::smtp::response::{Category, Detail, Severity};

    use super::*;

    #[test]
    fn only_a_reply_about_the_address_gives_the_address_up() {
        let bad = Outcome::Fail { reason: FailureCode::BadAddress };
        let refused = Outcome::Fail { reason: FailureCode::Refused };
        let full = Outcome::retry(FailureCode::RefusedForNow);
        let code = |category, detail| Code::new(Severity::PermanentNegativeCompletion, category, detail);
        let mailbox = |detail| code(Category::MailSystem, detail);
        for (code, text, expected) in [
            (mailbox(Detail::Zero), "No such user here", &bad),
            (mailbox(Detail::Zero), "5.1.1 No such user here", &bad),
            (mailbox(Detail::One), "User not local", &bad),
            (mailbox(Detail::Three), "Mailbox name not allowed", &bad),
            (mailbox(Detail::Four), "5.1.10 Recipient not found", &bad),
            (mailbox(Detail::Zero), "5.7.1 Relaying denied", &refused),
            (mailbox(Detail::Three), "5.7.1 Sender not allowed", &refused),
            (mailbox(Detail::Four), "Transaction failed", &refused),
            (code(Category::Syntax, Detail::One), "Syntax error", &refused),
            (mailbox(Detail::Two), "Exceeded storage allocation", &full),
            (mailbox(Detail::Zero), "5.2.2 Mailbox full", &full),
            (mailbox(Detail::Zero), "5.2.1 Mailbox disabled", &bad),
            // Not a status: a version, a number that is too long, one of another class.
            (mailbox(Detail::Zero), "5.1 unknown", &bad),
            (mailbox(Detail::Zero), "5.7.99999999 unknown", &bad),
            (mailbox(Detail::Zero), "", &bad),
        ] {
            assert_eq!(of_recipient(code, Some(text)), *expected, "{code} {text}");
        }
        assert_eq!(of_recipient(mailbox(Detail::Zero), None), bad);
    }
}
