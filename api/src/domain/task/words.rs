//! What stands on a task: somebody's own words, or the service's in the reader's language.

use entity::Sealed;
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{Keyring, Place},
    error::{Fault, Text},
    locale::Locale,
};

/// A note on a task, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// As somebody wrote them.
    Own(String),
    /// What the service says, in both languages.
    Ours(Text),
}

impl Words {
    pub fn own(text: impl Into<String>) -> Self {
        Self::Own(text.into())
    }

    pub fn ours(sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Ours(Text::new(sv, en))
    }

    pub fn in_locale(&self, locale: Locale) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Ours(text) => text.in_locale(locale),
        }
    }

    /// Sealed for a column of a task.
    pub fn seal(&self, keys: &Keyring, place: Place) -> Result<Sealed, Fault> {
        keys.seal(place, &serde_json::to_string(self).map_err(Fault::internal)?)
    }

    /// What was sealed.
    pub fn open(keys: &Keyring, place: Place, sealed: &Sealed) -> Result<Self, Fault> {
        serde_json::from_str(&keys.open(place, sealed)?).map_err(Fault::internal)
    }
}

impl From<(&str, &str)> for Words {
    fn from((sv, en): (&str, &str)) -> Self {
        Self::ours(sv, en)
    }
}
