//! What a refusal for good of the recipient tells about the address.
//!
//! A relay's own policy is refused with the same codes as a mailbox that does not exist. An address is only given up
//! when the reply is about the address: otherwise one day of a badly configured relay would cost every patient's.

use lettre::transport::smtp::response::Code;

use crate::reminder::channel::{FailureCode, Outcome};

/// The outcome of a 5xx reply to RCPT: by its status, or, as 550 alone may be about our relay too, by its words. `text` is
/// what stands after the code, perhaps with an enhanced status (RFC 3463) first.
pub(super) fn of_recipient(code: Code, text: Option<&str>) -> Outcome {
    let code = u16::from(code);
    let status = text.and_then(enhanced);
    // A full mailbox is emptied one day, whatever severity the server gives it.
    if code == 552 || status == Some((2, 2)) {
        return Outcome::retry(FailureCode::RefusedForNow);
    }
    let about_the_address = match status {
        // 5.1.7 and 5.1.8 are about the sender's address. 5.2.1: a mailbox that is closed.
        Some((1, detail)) => !matches!(detail, 7 | 8),
        Some((2, 1)) => true,
        // 5.7: security or policy.
        Some((7, _)) => false,
        _ => text.is_some_and(says_nobody_is_there),
    };
    let reason = if about_the_address { FailureCode::BadAddress } else { FailureCode::Refused };
    Outcome::Fail { reason }
}

/// What servers write, without a status, of a mailbox that they do not have.
const NOBODY: [&str; 24] = [
    "user unknown",
    "unknown user",
    "no such user",
    "user not found",
    "user does not exist",
    "user doesn't exist",
    "user not local",
    "unknown local part",
    "no such mailbox",
    "mailbox not found",
    "mailbox does not exist",
    "mailbox name not allowed",
    "no mailbox here by that name",
    "recipient not found",
    "recipient unknown",
    "unknown recipient",
    "no such recipient",
    "recipient does not exist",
    "invalid recipient",
    "account does not exist",
    "account that you tried to reach does not exist",
    "no such address",
    "address unknown",
    "unrouteable address",
];

/// What such words are about instead, where one of these stands beside them: us, not the one it goes to.
const US: [&str; 5] = ["sender", "relay", "client host", "blocked", "policy"];

/// Whether a reply without a telling status clearly speaks of a mailbox that does not exist.
fn says_nobody_is_there(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    NOBODY.iter().any(|said| text.contains(said)) && !US.iter().any(|said| text.contains(said))
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
            // Postfix.
            (
                mailbox(Detail::Zero),
                "5.1.1 <a@b.se>: Recipient address rejected: User unknown in local table",
                &bad,
            ),
            (mailbox(Detail::Four), "5.7.1 <a@b.se>: Relay access denied", &refused),
            (
                mailbox(Detail::Four),
                "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen",
                &refused,
            ),
            (mailbox(Detail::Zero), "5.1.8 <x@y.se>: Sender address rejected: Domain not found", &refused),
            (mailbox(Detail::Zero), "5.1.7 <x>: Sender address rejected", &refused),
            // Exim.
            (mailbox(Detail::Zero), "Unrouteable address", &bad),
            (mailbox(Detail::Zero), "Unknown user", &bad),
            (mailbox(Detail::Zero), "relay not permitted", &refused),
            (mailbox(Detail::Zero), "Administrative prohibition", &refused),
            (mailbox(Detail::Zero), "Sender verify failed: user unknown", &refused),
            (mailbox(Detail::Zero), "rejected because 192.0.2.1 is in a black list at bl.example", &refused),
            // Exchange.
            (mailbox(Detail::Zero), "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", &bad),
            (mailbox(Detail::Zero), "5.7.1 Unable to relay", &refused),
            (mailbox(Detail::Zero), "5.4.1 Recipient address rejected: Access denied", &refused),
            (mailbox(Detail::Zero), "Requested action not taken: mailbox unavailable", &refused),
            // qmail.
            (mailbox(Detail::Zero), "sorry, no mailbox here by that name. (#5.1.1)", &bad),
            (
                mailbox(Detail::Three),
                "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
                &refused,
            ),
            // Others.
            (mailbox(Detail::Zero), "No such user here", &bad),
            (mailbox(Detail::Zero), "5.1.1 No such user here", &bad),
            (mailbox(Detail::One), "User not local; please try <c@d.se>", &bad),
            (mailbox(Detail::Three), "Mailbox name not allowed", &bad),
            (mailbox(Detail::Four), "5.1.10 Recipient not found", &bad),
            (mailbox(Detail::Zero), "5.7.1 Relaying denied", &refused),
            (mailbox(Detail::Three), "5.7.1 Sender not allowed", &refused),
            (mailbox(Detail::Four), "Transaction failed", &refused),
            (code(Category::Syntax, Detail::One), "Syntax error", &refused),
            (mailbox(Detail::Two), "Exceeded storage allocation", &full),
            (mailbox(Detail::Zero), "5.2.2 Mailbox full", &full),
            (mailbox(Detail::Zero), "5.2.1 Mailbox disabled", &bad),
            // Not a status: a version, a number that is too long.
            (mailbox(Detail::Zero), "5.1 unknown", &refused),
            (mailbox(Detail::Zero), "5.7.99999999 unknown", &refused),
            (mailbox(Detail::Zero), "", &refused),
        ] {
            assert_eq!(of_recipient(code, Some(text)), *expected, "{code} {text}");
        }
        assert_eq!(of_recipient(mailbox(Detail::Zero), None), refused);
    }
}
