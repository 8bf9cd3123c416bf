//! The texts of an agreement version, stored as one sealed JSON document.

use serde::{Deserialize, Serialize};

/// Everything in a version apart from its goals and items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgreementContent {
    /// A heading in plain words.
    pub title: String,
    /// Patientberättelse: the patient's own words.
    pub story: Option<String>,
    pub what_matters: Option<String>,
    pub shared_goal: Option<String>,
    pub own_responsibility: Option<String>,
    pub self_care: Option<String>,
    pub when_to_seek_help: Option<String>,
    pub how_results_come: Option<String>,
}
