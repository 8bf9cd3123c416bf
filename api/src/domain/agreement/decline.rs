//! Declining (avböja) a proposal: a no, with the reason in one's own words. Neither side has to write a proposal of its own
//! to say that it does not want this one.
//!
//! Each side says no to what the other one proposes. Staff who say how they were told write down the patient's no, which may
//! also be to what was proposed for the patient, by a representative or by the patient themself.
//!
//! The proposal is withdrawn, and stays readable with the no. What is in force stays so; a first proposal goes on as a
//! draft, to be talked about and changed. What holds without the patient's decision ends with their no (`decided_against`).

use entity::{
    AgreementId, AgreementVersionId,
    agreement_offer::Way,
    agreement_version::{Party, Status, Withdrawal},
};
use serde::Serialize;

use super::{
    decided_against,
    decline_rules::{self, Voice},
    declined,
    may_say_no::may_say_no,
    rules,
    version::{Locked, event},
    withdraw::{Fall, fall},
};
use crate::{
    auth::policy::Action,
    domain::{
        act::{self, Done, Receipt},
        notice,
        offer::answer::said_how,
        representative, text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Which proposal, and why not.
#[derive(Clone, Debug, Serialize)]
pub struct Decline {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// In the words of whoever says no.
    pub words: String,
    /// How the patient said it, where staff write down the patient's no.
    pub how: Option<Way>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementDecline";

/// Says no.
pub async fn decline(session: &Session, key: &str, cmd: &Decline) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Answer, cmd.agreement).await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let undecided = version.status == Status::PatientUndecided;
        let voice = match side {
            Party::Patient => Voice::PatientsSide,
            // Care answers neither what it proposes itself nor what waits for the patient: that can only be their word.
            Party::Care if undecided || cmd.how.is_some() || version.proposed_by == Some(Party::Care) => {
                Voice::WrittenDown
            }
            Party::Care => Voice::Care,
        };
        let care_assented = version.care_assent_at.is_some();
        let withdrawal = if undecided {
            None
        } else {
            Some(decline_rules::decline(version.status, version.proposed_by, care_assented, voice)?)
        };
        let mut problems = Vec::new();
        if voice != Voice::Care {
            said_how(session, cmd.how, &mut problems);
        }
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        // Of a child who does not decide yet, the guardians do.
        if voice == Voice::WrittenDown
            && !representative::patient_may_assent(tx, session, agreement.patient_id).await?
        {
            return Err(rules::too_young().into());
        }
        may_say_no(tx, session, &agreement, std::slice::from_ref(&version)).await?;
        let done =
            Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0);
        let Some(withdrawal) = withdrawal else {
            decided_against::end(tx, session, &agreement, &version, (&words, cmd.how), ACTION).await?;
            return Ok(done);
        };
        let taken_back = withdrawal == Withdrawal::TakenBack;
        let happened = if taken_back { "agreement.withdrawn" } else { "agreement.declined" };
        act::emit(tx, session, [event(&agreement, happened, version.id.0)]).await?;
        let how = Fall { withdrawal, words: Some(&words), said: cmd.how, action: ACTION };
        fall(tx, session, &mut agreement, version.clone(), &how).await?;
        // Nobody is to answer it any more.
        notice::withdraw_plan(tx, agreement.id, version.id, "PROPOSAL_WITHDRAWN").await?;
        declined::told(tx, session, &agreement, &version, voice, &words).await?;
        Ok(done)
    })
    .await
}
