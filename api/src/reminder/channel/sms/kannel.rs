//! Kannel's `sendsms`, by POST: number, login and text stand in headers and body, not in an address that is logged.
//!
//! Kannel answers 202 as soon as the text is in its own queue. It knows no idempotency key: our id stands in its logs
//! as the account, and in the address of the delivery report.

use reqwest::{Client, RequestBuilder, StatusCode, header::CONTENT_TYPE};
use secrecy::ExposeSecret;

use super::{FailureCode, Fields, Gateway, Handed, Outcome, Report, SmsConfig};

/// The kind.
pub struct Kannel;

/// Delivered (1), undelivered (2), rejected by the centre (16): the final ones.
const REPORTS: &str = "19";
/// The longest account that Kannel takes.
const ACCOUNT: usize = 20;

impl Gateway for Kannel {
    fn request(&self, client: &Client, config: &SmsConfig, handed: &Handed<'_>) -> RequestBuilder {
        let id = &handed.message.message_id;
        let request = client
            .post(config.url.clone())
            .header("X-Kannel-Username", &config.user)
            .header("X-Kannel-Password", config.password.expose_secret())
            .header("X-Kannel-From", &config.from)
            .header("X-Kannel-To", handed.to)
            .header("X-Kannel-Coding", "0")
            .header("X-Kannel-Account", id.get(..ACCOUNT).unwrap_or(id))
            .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
            .body(handed.text.to_owned());
        match &handed.report {
            Some(report) => request
                .header("X-Kannel-DLR-Mask", REPORTS)
                .header("X-Kannel-DLR-Url", format!("{report}?type=%d")),
            None => request,
        }
    }

    fn answered(&self, status: StatusCode, body: &[u8]) -> Outcome {
        let taken = [&b"0:"[..], b"3:"].iter().any(|yes| body.starts_with(yes));
        if status == StatusCode::ACCEPTED && taken {
            Outcome::Accepted { provider_ref: None }
        } else {
            // Not a yes of Kannel's, and not a no: somebody else may have answered for it.
            Outcome::Unknown { reason: FailureCode::BadAnswer }
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Option<Outcome> {
        // 403 is both a wrong login and a number that no centre takes.
        let not_routable = status == StatusCode::FORBIDDEN && body.starts_with(b"Not routable");
        not_routable.then_some(Outcome::Fail { reason: FailureCode::Refused })
    }

    fn report(&self, fields: &Fields) -> Option<Report> {
        match fields.get("type").map(String::as_str) {
            Some("1") => Some(Report::Delivered),
            Some("2") => Some(Report::Undelivered),
            Some("16") => Some(Report::Rejected),
            _ => None,
        }
    }
}
