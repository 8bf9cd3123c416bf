//! Gateways of the 46elks kind: a form by POST, HTTP basic authentication, an answer in JSON.

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{FailureCode, Fields, Gateway, Handed, Outcome, Report, SmsConfig};

/// The kind.
pub struct Elks;

/// What a gateway of this kind answers. More may stand there.
#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    status: Option<String>,
}

impl Gateway for Elks {
    fn request(&self, client: &Client, config: &SmsConfig, handed: &Handed<'_>) -> RequestBuilder {
        let message = handed.message;
        let mut form = vec![("from", config.from.as_str()), ("to", handed.to), ("message", handed.text)];
        if let Some(report) = &handed.report {
            form.push(("whendelivered", report));
        }
        client
            .post(config.url.clone())
            .basic_auth(&config.user, Some(config.password.expose_secret()))
            .header("Idempotency-Key", &message.message_id)
            .form(&form)
    }

    fn answered(&self, _: StatusCode, body: &[u8]) -> Outcome {
        // What cannot be read may have been a yes.
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            return Outcome::Unknown { reason: FailureCode::BadAnswer };
        };
        match (answer.id.filter(|id| !id.is_empty()), answer.status.as_deref()) {
            (Some(id), Some("created" | "sent" | "delivered")) => {
                Outcome::Accepted { provider_ref: Some(id) }
            }
            (_, Some("failed")) => Outcome::Fail { reason: FailureCode::Refused },
            // Well-formed, and not a yes: an error in the guise of a success.
            _ => Outcome::retry(FailureCode::BadAnswer),
        }
    }

    fn report(&self, fields: &Fields) -> Option<Report> {
        match fields.get("status").map(String::as_str) {
            Some("delivered") => Some(Report::Delivered),
            Some("failed") => Some(Report::Undelivered),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "elks_tests.rs"]
mod tests;
