//! What a version says apart from its goals and items: stored as one sealed JSON document, covered by the digest.
//!
//! A version is edited by naming its sections, each with its whole new content; what is not named stays as it is.

use chrono::NaiveDate;
use entity::{SafetyInstructionId, safety_instruction};
use serde::{Deserialize, Serialize};

/// How many warning signs a version holds at most.
pub const MAX_SIGNS: usize = 30;
/// How many as-needed medicines a version holds at most.
pub const MAX_MEDICINES: usize = 30;
/// How many own measurements a version holds at most.
pub const MAX_MEASUREMENTS: usize = 20;

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
    // From here on: format 2. A version of format 1 has none of it.
    /// Ambitionsnivå.
    #[serde(default)]
    pub ambition: Option<String>,
    #[serde(default)]
    pub resources: Option<String>,
    #[serde(default)]
    pub wishes: Option<String>,
    /// In the order in which they were agreed; readers get red first.
    #[serde(default)]
    pub warning_signs: Vec<WarningSign>,
    #[serde(default)]
    pub as_needed_medication: Vec<Medicine>,
    #[serde(default)]
    pub own_measurements: Vec<Measurement>,
    /// What care has laid over the agreement (säkerhetsanvisningar), in care's words: agreed on with this version.
    #[serde(default)]
    pub safety: Vec<SafetyWording>,
}

/// What a version says of one safety instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SafetyWording {
    pub id: SafetyInstructionId,
    pub kind: safety_instruction::Kind,
    pub text: String,
    pub action: Option<String>,
    pub phone: Option<String>,
    /// Of a medicine: the medication list that it is taken from, and that list's date.
    pub source: Option<String>,
    pub source_on: Option<NaiveDate>,
}

/// How serious a warning sign (varningstecken) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Light {
    /// Rött: at once.
    Red,
    /// Gult: something is changing.
    Yellow,
    /// Grönt: as usual.
    Green,
}

/// A warning sign, across all conditions, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarningSign {
    pub light: Light,
    /// What the patient notices.
    pub sign: String,
    /// What to do then. May be missing while it is a draft.
    pub action: Option<String>,
    /// Whom to call, E.164 or a short number. May be missing while it is a draft.
    pub phone: Option<String>,
    /// On weekdays.
    pub weekdays: Option<String>,
    /// At weekends and on holidays.
    pub weekends: Option<String>,
}

/// A medicine that is taken when needed (vid behov).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Medicine {
    pub name: String,
    /// In words.
    pub dose: String,
    /// When it is taken.
    pub when: String,
    /// At most how much, in words.
    pub at_most: Option<String>,
    /// The medication list (läkemedelslista) it is taken from. May be missing while it is a draft.
    pub source: Option<String>,
    /// The date of that list. May be missing while it is a draft.
    pub source_on: Option<NaiveDate>,
}

/// Something that the patient measures (egen mätning).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measurement {
    pub what: String,
    pub unit: String,
    /// A decimal number in [`decimal`]'s form: the value below which something is to be done.
    pub lower: Option<String>,
    /// Likewise, above which.
    pub upper: Option<String>,
    pub how_often: String,
    /// Who reads the values. This and the two below may be missing while it is a draft.
    pub read_by: Option<String>,
    /// When they are read.
    pub read_when: Option<String>,
    /// What to do outside the limits.
    pub outside: Option<String>,
}

/// The sections that are plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TextSection {
    Title,
    Story,
    WhatMatters,
    SharedGoal,
    Ambition,
    OwnResponsibility,
    Resources,
    Wishes,
    SelfCare,
    WhenToSeekHelp,
    HowResultsCome,
}

impl TextSection {
    /// In the order in which a plan is read.
    pub const ALL: [Self; 11] = [
        Self::Title,
        Self::Story,
        Self::WhatMatters,
        Self::SharedGoal,
        Self::Ambition,
        Self::OwnResponsibility,
        Self::Resources,
        Self::Wishes,
        Self::SelfCare,
        Self::WhenToSeekHelp,
        Self::HowResultsCome,
    ];
}

/// The whole new content of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Section {
    /// An empty text clears it.
    Text(TextSection, String),
    WarningSigns(Vec<WarningSign>),
    AsNeededMedication(Vec<Medicine>),
    OwnMeasurements(Vec<Measurement>),
}

impl AgreementContent {
    /// A text section. The heading is there always, if empty.
    pub fn text(&self, section: TextSection) -> Option<&str> {
        use TextSection as S;
        match section {
            S::Title => return Some(&self.title).filter(|t| !t.is_empty()).map(String::as_str),
            S::Story => &self.story,
            S::WhatMatters => &self.what_matters,
            S::SharedGoal => &self.shared_goal,
            S::Ambition => &self.ambition,
            S::OwnResponsibility => &self.own_responsibility,
            S::Resources => &self.resources,
            S::Wishes => &self.wishes,
            S::SelfCare => &self.self_care,
            S::WhenToSeekHelp => &self.when_to_seek_help,
            S::HowResultsCome => &self.how_results_come,
        }
        .as_deref()
    }

    /// Puts a section that has been checked in place of the old one.
    pub fn set(&mut self, section: Section) {
        use TextSection as S;
        let (section, text) = match section {
            Section::Text(section, text) => (section, text),
            Section::WarningSigns(signs) => return self.warning_signs = signs,
            Section::AsNeededMedication(medicines) => return self.as_needed_medication = medicines,
            Section::OwnMeasurements(measurements) => return self.own_measurements = measurements,
        };
        let place = match section {
            S::Title => return self.title = text,
            S::Story => &mut self.story,
            S::WhatMatters => &mut self.what_matters,
            S::SharedGoal => &mut self.shared_goal,
            S::Ambition => &mut self.ambition,
            S::OwnResponsibility => &mut self.own_responsibility,
            S::Resources => &mut self.resources,
            S::Wishes => &mut self.wishes,
            S::SelfCare => &mut self.self_care,
            S::WhenToSeekHelp => &mut self.when_to_seek_help,
            S::HowResultsCome => &mut self.how_results_come,
        };
        *place = Some(text).filter(|text| !text.is_empty());
    }
}
