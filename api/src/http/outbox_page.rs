//! The demo's outbox as a page: what would have been sent, readable by someone who tries the service out.

use axum::{
    Router,
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    response::{Html, IntoResponse},
    routing::get,
};
use minijinja::HtmlEscape;

use crate::{
    calendar::to_local,
    reminder::{
        ChannelKind,
        channel::outbox::{Entry, Outbox},
    },
};

/// How often the page asks for itself again (seconds).
const REFRESH: u32 = 5;

/// The page at `/`; where it is mounted decides its address. Only for the demo.
pub fn router(outbox: Outbox) -> Router {
    Router::new().route("/", get(show)).with_state(outbox)
}

async fn show(State(outbox): State<Outbox>) -> impl IntoResponse {
    let headers = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
        ),
        (CACHE_CONTROL, "private, no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(page(&outbox.entries())))
}

/// The page's HTML, every value escaped.
pub fn page(entries: &[Entry]) -> String {
    let mut rows = String::new();
    for entry in entries {
        let channel = if entry.channel == ChannelKind::Mail { "E-post" } else { "SMS" };
        let at = to_local(entry.at).format("%Y-%m-%d %H:%M:%S").to_string();
        let cell = |tag: &str, text: &str| format!("<td><{tag}>{}</{tag}></td>", HtmlEscape(text));
        rows += "<tr>";
        rows += &cell("span", &at);
        rows += &cell("span", channel);
        rows += &cell("span", &entry.to);
        rows += &cell("strong", &entry.subject);
        rows += &cell("pre", &entry.text);
        rows += "</tr>\n";
    }
    if rows.is_empty() {
        rows += "<tr><td colspan=\"5\">Inget har skickats än.</td></tr>\n";
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"sv\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"{REFRESH}\">\
         <title>Utkorg</title></head>\n<body>\n<h1>Utkorg</h1>\n\
         <p>I demon skickas ingenting. Här står det som skulle ha skickats, det senaste först. \
         Sidan läses om var {REFRESH}:e sekund.</p>\n\
         <table border=\"1\">\n<thead><tr><th scope=\"col\">Tid</th><th scope=\"col\">Kanal</th>\
         <th scope=\"col\">Till</th><th scope=\"col\">Ämne</th><th scope=\"col\">Text</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn every_message_is_shown_with_its_values_escaped() {
        let entry = Entry {
            at: "2027-06-22T10:00:00Z".parse().unwrap(),
            channel: ChannelKind::Mail,
            to: "a***@exempel.se".to_owned(),
            subject: "<b>Tid</b>".to_owned(),
            text: "Onsdag & \"torsdag\"\n</pre><script>".to_owned(),
            message_id: "id".to_owned(),
        };
        let html = page(&[entry]);
        for shown in
            ["2027-06-22 12:00:00", "E-post", "a***@exempel.se", "&lt;b&gt;Tid", "Onsdag &amp; &quot;"]
        {
            assert!(html.contains(shown), "{shown}");
        }
        assert!(!html.contains("<script>") && !html.contains("<b>"));
        assert!(page(&[]).contains("Inget har skickats än."));
    }
}
