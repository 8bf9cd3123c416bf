//! Declining (avböja) what the other side proposes: a no, with the reason in one's own words. Neither side has to write a
//! proposal of its own to say that it does not want this one.
//!
//! The proposal is withdrawn, and stays readable with the no. What is in force stays so; a first proposal goes on as a
//! draft, to be talked about and changed. The other side hears of it: the patient in the way they have chosen, or by
//! letter; care in a task.

use entity::{
    AgreementId, AgreementVersionId, RepresentativeId,
    access_event::ActorKind,
    agreement,
    agreement_offer::Way,
    agreement_version::{self, Party, Withdrawal},
};
use serde::Serialize;

use super::{
    rules, signal, standing,
    version::{Locked, event},
    withdraw::{Fall, fall},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        notice,
        offer::answer::said_how,
        representative,
        task::{letter, words::Words},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which proposal, and why not.
#[derive(Clone, Debug, Serialize)]
pub struct Decline {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// In the words of whoever says no.
    pub words: String,
    /// How the patient said it, where staff write down the patient's no to what care proposes.
    pub how: Option<Way>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementDecline";

/// What a letter says to somebody who is told in no other way.
const CARES_NO: (&str, &str) = (
    "Vården har sagt nej till det som patienten föreslog. Skriv eller ring, och berätta varför.",
    "Care has said no to what the patient proposed. Write or phone, and tell them why.",
);
const WRITTEN_DOWN: (&str, &str) = (
    "Skicka en bekräftelse på att patienten har sagt nej till vårdens förslag, så som det är antecknat.",
    "Send a confirmation that the patient has said no to what care proposed, as it was written down.",
);

/// Whose no it is.
struct No {
    side: Party,
    /// Staff write it down for the patient.
    is_recorded: bool,
}

/// Says no.
pub async fn decline(session: &Session, key: &str, cmd: &Decline) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Answer, cmd.agreement).await?;
        let actor = session.actor.party().ok_or_else(Problem::forbidden)?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        // To what care proposes only the patient's side says no, also where staff write it down.
        let is_recorded = actor == Party::Care && version.proposed_by == Some(Party::Care);
        let no = No { side: if is_recorded { Party::Patient } else { actor }, is_recorded };
        rules::decline(version.status, version.proposed_by, no.side)?;
        let mut problems = Vec::new();
        if no.is_recorded || actor == Party::Patient {
            said_how(session, cmd.how, &mut problems);
        } else if cmd.how.is_some() {
            problems.push(Problem::input(
                "how",
                "Utelämna det här: det är vårdens eget svar.",
                "Leave this out: it is care's own answer.",
            ));
        }
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        may_say_no(tx, session, &agreement, &version, &no).await?;
        act::emit(tx, session, [event(&agreement, "agreement.declined", version.id.0)]).await?;
        let how = Fall { withdrawal: Withdrawal::Declined, words: Some(&words), action: ACTION };
        fall(tx, session, &mut agreement, version.clone(), &how).await?;
        // Nobody is to answer it any more.
        notice::withdraw_plan(tx, agreement.id, version.id, "PROPOSAL_WITHDRAWN").await?;
        told(tx, session, &agreement, &version, &no, &words).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}

/// Whether it is theirs to say.
async fn may_say_no(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    no: &No,
) -> Result<(), Stop> {
    // Of a child who does not decide yet, the guardians do.
    if no.is_recorded && !representative::patient_may_assent(tx, session, agreement.patient_id).await? {
        return Err(rules::too_young().into());
    }
    if session.actor.kind() != ActorKind::Representative {
        return Ok(());
    }
    // What the patient has said yes to is nobody else's to decline.
    if version.patient_assent_kind == Some(ActorKind::Patient) {
        return Err(rules::the_patient_decides().into());
    }
    if agreement.status == agreement::Status::PatientUndecided {
        return Err(rules::the_patient_decides().into());
    }
    if standing::excepted(tx, agreement.id).await?.contains(&RepresentativeId(session.actor.id())) {
        return Err(rules::excepted_guardian().into());
    }
    Ok(())
}

/// The other side hears of it, and the patient also of what staff wrote down for them.
async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    no: &No,
    words: &str,
) -> Result<(), Stop> {
    let by_patient = session.actor.kind() == ActorKind::Patient;
    let heard =
        by_patient || notice::plan_notice(tx, session, agreement, version.id, "PLAN_DECLINED").await?;
    if !heard && session.actor.staff().is_some() {
        let note = Words::from(if no.is_recorded { WRITTEN_DOWN } else { CARES_NO });
        letter::write(tx, session, agreement.into(), version.id.0, note).await?;
    }
    if no.side == Party::Patient {
        let (sv, en) = match session.actor.kind() {
            ActorKind::Representative => {
                ("Ett ombud har sagt nej för patienten", "A representative has said no")
            }
            _ => ("Patienten har sagt nej", "The patient has said no"),
        };
        let note = Words::ours(
            format!("{sv} till ett förslag från vården: {words}"),
            format!("{en} to a proposal of care's: {words}"),
        );
        signal::about(tx, session, agreement, version.id, note).await?;
    }
    Ok(())
}
