//! The addresses at which a gateway tells us something, and how we know that it is the gateway.
//!
//! Gateways of these kinds cannot sign. So the address of each report is signed by us: whoever sees one can tell of
//! that one message, and of no other. The address for replies is given to the gateway once and holds the secret.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::crypto::sha256;

/// Where a gateway reports.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Our address as the gateway reaches it, without a slash at its end.
    base: String,
    secret: SecretString,
}

impl Hooks {
    pub fn new(base: &str, secret: SecretString) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), secret }
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose_secret().as_bytes())
    }

    /// Where the report of the message of this notice goes.
    pub fn report_url(&self, notice: Uuid) -> String {
        let id = notice.simple().to_string();
        let signature = hex::encode(hmac::sign(&self.key(), id.as_bytes()));
        format!("{}/hooks/sms/report/{id}/{signature}", self.base)
    }

    /// The notice that a report is about, if we made its address. In constant time.
    pub fn reported(&self, id: &str, signature: &str) -> Option<Uuid> {
        let signature = hex::decode(signature).ok()?;
        hmac::verify(&self.key(), id.as_bytes(), &signature).ok()?;
        Uuid::try_parse(id).ok()
    }

    /// Whether `given` is the secret of the address for replies. In constant time, whatever its length.
    pub fn is_secret(&self, given: &str) -> bool {
        let (ours, theirs) = (sha256(&[self.secret.expose_secret().as_bytes()]), sha256(&[given.as_bytes()]));
        verify_slices_are_equal(&ours, &theirs).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_the_address_that_we_made_is_believed() {
        let hooks = Hooks::new("https://plan.example/", "en hemlighet".to_owned().into());
        let url = hooks.report_url(Uuid::from_u128(7));
        let mut parts = url.strip_prefix("https://plan.example/hooks/sms/report/").unwrap().split('/');
        let (id, signature) = (parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(hooks.reported(id, signature), Some(Uuid::from_u128(7)));
        assert_eq!(hooks.reported(&Uuid::from_u128(8).simple().to_string(), signature), None);
        for forged in ["", "00", &signature[2..], &signature.replace(&signature[..1], "x")] {
            assert_eq!(hooks.reported(id, forged), None);
        }
        let other = Hooks::new("https://plan.example", "en annan".to_owned().into());
        assert_eq!(other.reported(id, signature), None);
        assert!(hooks.is_secret("en hemlighet"));
        assert!(!hooks.is_secret("en hemlighe") && !hooks.is_secret(""));
    }
}
