//! The mail as it goes over the wire: headers, text, HTML and the calendar file.
//!
//! The ids are those of the message, so that a second attempt is recognised as the same mail, and nothing that came
//! in can become a header of its own.

use lettre::{
    Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue, MessageId},
    },
};

use crate::{domain::phone::EmailAddress, reminder::channel::Outgoing};

/// The mail itself. None when a header cannot be built from what came in.
pub(super) fn build(sender: &EmailAddress, to: &EmailAddress, message: &Outgoing) -> Option<Message> {
    let rendered = &message.rendered;
    let clean = |text: &str| !text.chars().any(char::is_control);
    if !clean(&rendered.subject) || !clean(&rendered.sender_name) || !clean(&message.message_id) {
        return None;
    }
    let from = Mailbox::new(Some(rendered.sender_name.clone()), sender.address().clone());
    let domain = sender.address().domain();
    let mut builder = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to.address().clone()))
        .subject(rendered.subject.as_str())
        .header(MessageId::from(format!("<{}@{domain}>", message.message_id)))
        // RFC 3834: no holiday answers to a machine.
        .raw_header(header("Auto-Submitted", "auto-generated")?);
    if let Some(url) = &rendered.unsubscribe_url {
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{url}>"))?)
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")?);
    }
    let body = MultiPart::alternative()
        .singlepart(SinglePart::plain(rendered.text.clone()))
        .singlepart(SinglePart::html(rendered.html.clone()));
    let whole = match &rendered.ics {
        None => body,
        Some(ics) => {
            let kind = format!("text/calendar; charset=utf-8; method={}", ics.method);
            let attachment =
                Attachment::new("tid.ics".to_owned()).body(ics.body.clone(), ContentType::parse(&kind).ok()?);
            MultiPart::mixed().multipart(body).singlepart(attachment)
        }
    };
    builder.multipart(whole).ok()
}

fn header(name: &'static str, value: &str) -> Option<HeaderValue> {
    let clean = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    clean.then(|| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()))
}
