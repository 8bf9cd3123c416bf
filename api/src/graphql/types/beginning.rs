//! How agreements begin, and the patient's row of them.

use chrono::{DateTime, Utc};

use super::{
    enums::{
        ActorKind, AgreementEndReason, AgreementOfferStatus, AgreementRequestStatus, AgreementStatus,
        WayOfTelling,
    },
    people::{CareUnitSummary, PatientSummary, StaffSummary},
};
use crate::{
    graphql::{plain::plain_object, scalars::GlobalId},
    session::Session,
};

plain_object! {
    /// A group that agreements are counted under (patientgrupp). Regions add their own.
    PatientGroup {
        /// The code, which never changes.
        code: String,
        /// Its name, in the caller's language.
        name: String,
    }
}

impl PatientGroup {
    /// The group of a stored code; one that the region no longer has is shown by its code.
    pub fn of(session: &Session, code: String) -> Self {
        let known = session.core.settings.patient_groups.iter().find(|group| group.code == code);
        let name =
            known.map_or_else(|| code.clone(), |group| group.name.in_locale(session.locale).to_owned());
        Self { code, name }
    }

    /// Every group of the region.
    pub fn all(session: &Session) -> Vec<Self> {
        let groups = session.core.settings.patient_groups.iter();
        groups
            .map(|group| Self {
                code: group.code.clone(),
                name: group.name.in_locale(session.locale).to_owned(),
            })
            .collect()
    }
}

plain_object! {
    /// An offer of an agreement (erbjudande om patientkontrakt), and what the patient answered.
    AgreementOffer implements Node {
        /// Global id.
        id: GlobalId,
        /// What became of it.
        status: AgreementOfferStatus,
        /// The unit that offered it.
        care_unit: CareUnitSummary,
        /// Who offered it.
        offered_by: Option<StaffSummary>,
        /// How it was said.
        offered_how: WayOfTelling,
        /// When.
        offered_at: DateTime<Utc>,
        /// The group that the patient was thought of in.
        patient_group: Option<PatientGroup>,
        /// When it was answered.
        answered_at: Option<DateTime<Utc>>,
        /// Who answered: STAFF where staff recorded what the patient said.
        answered_by: Option<ActorKind>,
        /// How the patient said it.
        answered_how: Option<WayOfTelling>,
        /// What more the patient said.
        answer_words: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A request for an agreement (önskan om patientkontrakt). Care cannot close it: it ends when an agreement is
    /// proposed, or when the patient takes it back.
    AgreementRequest implements Node {
        /// Global id.
        id: GlobalId,
        /// What became of it.
        status: AgreementRequestStatus,
        /// Why, in the patient's words.
        why: Option<String>,
        /// The unit that must act.
        care_unit: CareUnitSummary,
        /// When it was asked.
        asked_at: DateTime<Utc>,
        /// Who asked: STAFF where staff recorded what the patient asked for.
        asked_by: ActorKind,
        /// How the patient reached staff.
        asked_how: Option<WayOfTelling>,
        /// By when care must have proposed an agreement.
        due_at: DateTime<Utc>,
        /// How it went from unit to unit, the first step first.
        passes: Vec<AgreementRequestPass>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// How the patient said it to staff, when staff wrote down that it was taken back.
        ended_how: Option<WayOfTelling>,
        /// What the patient said when taking it back.
        end_words: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// One step of a request from a unit to another (vidarebefordran).
    AgreementRequestPass {
        /// When.
        at: DateTime<Utc>,
        /// The unit that passed it on.
        from_unit_name: String,
        /// The unit that got it.
        to_unit_name: String,
        /// Who passed it on.
        by: Option<StaffSummary>,
        /// Why.
        reason: String,
    }
}

plain_object! {
    /// An agreement of a patient's as a row of the list of all, earlier ones among them.
    PatientAgreement {
        /// The agreement's global id.
        id: GlobalId,
        /// The heading of the version a reader sees first.
        title: String,
        /// Where it stands.
        status: AgreementStatus,
        /// The unit that drew it up.
        care_unit: CareUnitSummary,
        /// The group that it is counted under.
        patient_group: Option<PatientGroup>,
        /// When it was begun.
        created_at: DateTime<Utc>,
        /// When it ended, if it has.
        ended_at: Option<DateTime<Utc>>,
        /// Why it ended.
        end_reason: Option<AgreementEndReason>,
    }
}

plain_object! {
    /// A patient of the unit without an agreement (möjlig patient för patientkontrakt). Ask the patient whether there
    /// is one elsewhere (fråga patienten).
    AgreementCandidate {
        /// Who.
        patient: PatientSummary,
        /// The latest offer, open or answered.
        last_offer: Option<OfferSummary>,
        /// What the patient asks for and waits for.
        open_request: Option<RequestSummary>,
    }
}

plain_object! {
    /// An offer (erbjudande) as a row of a list shows it.
    OfferSummary {
        /// The offer's global id.
        id: GlobalId,
        /// What became of it.
        status: AgreementOfferStatus,
        /// When it was made.
        offered_at: DateTime<Utc>,
    }
}

plain_object! {
    /// A request (önskan) as a row of a list shows it.
    RequestSummary {
        /// The request's global id.
        id: GlobalId,
        /// When it was asked.
        asked_at: DateTime<Utc>,
        /// By when care must have proposed an agreement.
        due_at: DateTime<Utc>,
        /// The unit that must act.
        unit_name: String,
    }
}
