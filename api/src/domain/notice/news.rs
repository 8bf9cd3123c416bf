//! News of the plan: what a message tells of, and what a letter says where none reaches the patient.
//!
//! Every room that has something about the plan to tell the patient tells it here, so that nothing is told to nobody. What
//! patients do themselves is no news to them; a child who does not decide yet is told of a guardian's act by the guardian.

use entity::{
    AgreementVersionId, access_event::ActorKind, agreement, notice::Kind, patient,
    reminder_preference::PreferenceKind,
};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::{NEWS_USEFUL, Planned, about_version, ways, write};
use crate::{
    db::Tx,
    domain::{
        history::Owner,
        representative,
        task::{self, Ending, letter, words::Words},
    },
    error::Fault,
    session::Session,
};

/// Whether a message tells the patient of it.
#[must_use = "whom no message reaches, somebody writes to"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Told,
    /// The patient has said yes to no way of being told.
    Unreached,
}

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Care has proposed a version.
    Proposed,
    /// Somebody who acts for the patient has proposed one.
    ProposedFor,
    /// Care has assented, and the patient chooses between two agreements.
    Choice,
    /// Care has assented to a change by a patient who has not decided on the whole.
    AcceptedUndecided,
    /// Care has assented to what somebody proposed for the patient.
    AcceptedFor,
    Active,
    /// In force by an oral assent, of which a copy tells.
    ActiveByWord,
    /// The copy of what the patient has assented to by word of mouth.
    OralCopy,
    Fell,
    Ended,
    /// The agreement was a draft.
    DraftEnded,
    /// Care has answered a concern.
    Answer,
    /// Care has called an item off, or has not done what it promised.
    ItemOff,
    Offered,
    /// Said to the patient already.
    OfferedInPerson,
    RequestTakenBack,
    ContactOffered,
    Contact,
    ContactRequestTakenBack,
}

/// What a letter asks the patient to decide on: when that is decided it is not sent.
const ASKING: [News; 4] = [News::Proposed, News::Choice, News::AcceptedUndecided, News::AcceptedFor];

/// What a letter says of a version that another one has replaced by now. A copy of what was agreed is sent all the same.
const OF_THE_REPLACED: [News; 5] =
    [News::Proposed, News::Choice, News::AcceptedUndecided, News::AcceptedFor, News::Active];

impl News {
    /// Under which rule the message leaves.
    const fn rule(self) -> &'static str {
        match self {
            Self::Proposed | Self::ProposedFor => "PLAN_PROPOSED",
            Self::Choice => "PLAN_CHOICE",
            Self::AcceptedUndecided | Self::AcceptedFor => "PLAN_ACCEPTED",
            Self::Active | Self::ActiveByWord => "PLAN_ACTIVE",
            Self::OralCopy => "PLAN_ORAL_ASSENT",
            Self::Fell => "PLAN_FELL",
            Self::Ended | Self::DraftEnded => "PLAN_ENDED",
            Self::Answer => "PLAN_ANSWER",
            Self::ItemOff => "PLAN_ITEM_OFF",
            Self::Offered | Self::OfferedInPerson => "PLAN_OFFERED",
            Self::RequestTakenBack => "REQUEST_TAKEN_BACK",
            Self::ContactOffered | Self::Contact | Self::ContactRequestTakenBack => "CONTACT",
        }
    }

    /// What the letter is to say. None where the copy tells, or what becomes of it, where it was said, and of what nobody
    /// had proposed yet.
    const fn note(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Proposed => (
                "Vården har lämnat ett förslag till patienten, som inte får besked på annat sätt. Skicka förslaget, eller \
                 ring: det gäller när patienten har godkänt det.",
                "Care has proposed something to the patient, who is told in no other way. Send the proposal, or phone: it \
                 holds when the patient has assented to it.",
            ),
            Self::ProposedFor | Self::ActiveByWord | Self::DraftEnded | Self::OfferedInPerson => return None,
            Self::Choice => (
                "Patienten har ett förslag till patientkontrakt att ta ställning till. Skicka det, eller ring.",
                "The patient has a proposed agreement to decide on. Send it, or phone.",
            ),
            Self::AcceptedUndecided => (
                "Vården har godkänt det som patienten föreslog. Skicka planen med ändringen, eller ring: den gäller när \
                 patienten har läst och godkänt hela planen.",
                "Care has assented to what the patient proposed. Send the plan with the change, or phone: it holds when \
                 the patient has read and assented to the whole plan.",
            ),
            Self::AcceptedFor => (
                "Vården har godkänt det som föreslogs för patienten. Skicka förslaget, eller ring: det gäller när \
                 patientens sida har godkänt det.",
                "Care has assented to what was proposed for the patient. Send the proposal, or phone: it holds when the \
                 patient's side has assented to it.",
            ),
            Self::Active => (
                "Patientens plan gäller nu, och patienten får inte besked på annat sätt. Skicka planen, eller ring.",
                "The patient's plan is in force now, and the patient is told in no other way. Send the plan, or phone.",
            ),
            Self::OralCopy => (
                "Skicka en kopia av överenskommelsen, som patienten har godkänt muntligt.",
                "Send a copy of the agreement, to which the patient has assented by word of mouth.",
            ),
            Self::Fell => (
                "Ett förslag från patientens sida föll när en annan ändring av planen började gälla. Skriv eller ring \
                 till patienten, och berätta det.",
                "A proposal of the patient's side fell when another change of the plan came into force. Write to or phone \
                 the patient, and tell them.",
            ),
            Self::Ended => (
                "Patientkontraktet är avslutat, och patienten får inte besked på annat sätt. Skriv eller ring till \
                 patienten, och berätta varför.",
                "The agreement has ended, and the patient is told in no other way. Write to or phone the patient, and tell \
                 them why.",
            ),
            Self::Answer => (
                "Vården har svarat på det som patienten sa om en insats. Skicka svaret, eller ring: patienten får inte \
                 besked på annat sätt.",
                "Care has answered what the patient said of an item. Send the answer, or phone: the patient is told in no \
                 other way.",
            ),
            Self::ItemOff => (
                "En insats i planen är inställd eller blev inte gjord. Skriv eller ring till patienten, och berätta varför.",
                "An item of the plan has been called off or was not done. Write to or phone the patient, and tell them why.",
            ),
            Self::Offered => (
                "Patienten har erbjudits ett patientkontrakt. Skicka erbjudandet, eller ring.",
                "The patient has been offered an agreement. Send the offer, or phone.",
            ),
            Self::RequestTakenBack => (
                "Skicka en bekräftelse till patienten på att önskan om ett patientkontrakt är återtagen, så som det är \
                 antecknat.",
                "Send the patient a confirmation that the request for an agreement was taken back, as it was written down.",
            ),
            Self::ContactOffered => (
                "Patienten har erbjudits en kontakt i vården. Skicka erbjudandet, eller ring.",
                "The patient has been offered a contact in care. Send the offer, or phone.",
            ),
            Self::Contact => (
                "Patientens kontakter i vården har ändrats. Skriv eller ring till patienten, och berätta vem som är \
                 kontakt nu.",
                "The patient's contacts in care have changed. Write to or phone the patient, and tell them who the contact \
                 is now.",
            ),
            Self::ContactRequestTakenBack => (
                "Skicka en bekräftelse till patienten på att önskan om en kontakt är återtagen, så som det är antecknat.",
                "Send the patient a confirmation that the request for a contact was taken back, as it was written down.",
            ),
        })
    }
}

/// Tells it, unless the patient has done it themself. `about` names what, for a message is planned once; `subject` is what
/// the letter is about.
pub async fn tell(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    about: &str,
    subject: Uuid,
    news: News,
) -> Result<(), Fault> {
    if session.actor.kind() == ActorKind::Patient {
        return Ok(());
    }
    let heard = plan_news(tx, session, owner, about, news.rule()).await?;
    or_letter(tx, session, owner, heard, subject, news).await
}

/// [`tell`] of one thing that has its own id.
pub async fn tell_of(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    subject: Uuid,
    news: News,
) -> Result<(), Fault> {
    tell(tx, session, owner, &subject.simple().to_string(), subject, news).await
}

/// [`tell`] of a version of the plan.
pub async fn tell_of_version(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    news: News,
) -> Result<(), Fault> {
    let about = about_version(agreement.id, version);
    tell(tx, session, agreement.into(), &about, version.0, news).await
}

/// [`tell`] of the patient's contacts, each time anew. The letter is for the unit that acts: a task lets its unit see the
/// patient, and the contact's own may not, not yet or no longer.
pub async fn tell_of_contact(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    subject: Uuid,
    news: News,
) -> Result<(), Fault> {
    if session.actor.kind() == ActorKind::Patient {
        return Ok(());
    }
    let about = format!("{}:{}", subject.simple(), session.now().timestamp_micros());
    let heard = plan_news(tx, session, owner, &about, news.rule()).await?;
    let writes = session.actor.staff().map_or(owner, |staff| Owner {
        care_unit: staff.care_unit,
        care_provider: staff.care_provider,
        ..owner
    });
    or_letter(tx, session, writes, heard, subject, news).await
}

/// Tells that what the patient's side had proposed has fallen: also where their own yes to something else made it fall.
pub async fn tell_of_fall(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
) -> Result<(), Fault> {
    let heard = plan_notice(tx, session, agreement, version, News::Fell.rule()).await?;
    or_letter(tx, session, agreement.into(), heard, version.0, News::Fell).await
}

/// Tells that the agreement has ended.
pub async fn tell_of_end(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<(), Fault> {
    let about = about_version(agreement.id, agreement.current_version_id);
    let draft = agreement.status == agreement::Status::Draft;
    let news = if draft { News::DraftEnded } else { News::Ended };
    tell(tx, session, agreement.into(), &about, agreement.id.0, news).await
}

async fn or_letter(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    heard: Heard,
    subject: Uuid,
    news: News,
) -> Result<(), Fault> {
    let Some(note) = news.note().filter(|_| heard == Heard::Unreached) else { return Ok(()) };
    if !is_written_to(tx, session, &whom(tx, owner).await?).await? {
        return Ok(());
    }
    letter::anew(tx, session, owner, subject, note.into()).await
}

async fn is_written_to(tx: &Tx, session: &Session, whom: &patient::Model) -> Result<bool, Fault> {
    Ok(match session.actor.kind() {
        ActorKind::Patient => false,
        _ if whom.deceased_on.is_some() => false,
        ActorKind::Representative => representative::patient_may_assent(tx, session, whom.id).await?,
        ActorKind::Staff | ActorKind::System | ActorKind::Anonymous => true,
    })
}

/// The patient has decided: a letter that only asks them to is not sent, and nobody asks them.
pub async fn decided(tx: &Tx, session: &Session, version: AgreementVersionId) -> Result<(), Fault> {
    let words = || Words::ours("Patienten har tagit ställning.", "The patient has decided.");
    letter::drop_saying(tx, session, version.0, &notes(&ASKING), words()).await?;
    task::end(tx, session, entity::task::Kind::PlanSignal, version.0, Ending::Done, Some(words())).await?;
    Ok(())
}

/// Another version is in force: a letter that says that this one is, or asks about it, is not sent.
pub async fn replaced(tx: &Tx, session: &Session, version: AgreementVersionId) -> Result<(), Fault> {
    let words = ("En ny version gäller.", "A new version is in force.");
    letter::drop_saying(tx, session, version.0, &notes(&OF_THE_REPLACED), words.into()).await
}

/// Whether this letter only asks the patient to decide.
pub fn only_asks(session: &Session, letter: &entity::task::Model) -> Result<bool, Fault> {
    letter::says(session, letter, &notes(&ASKING))
}

fn notes(of: &[News]) -> Vec<Words> {
    of.iter().filter_map(|news| news.note().map(Words::from)).collect()
}

async fn whom(tx: &Tx, owner: Owner) -> Result<patient::Model, Fault> {
    patient::Entity::find_by_id(owner.patient)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a plan without its patient"))
}

/// Plans the message of this rule about one version of the plan. By itself it leaves a patient without messages untold.
pub async fn plan_notice(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    rule: &'static str,
) -> Result<Heard, Fault> {
    let about = about_version(agreement.id, version);
    plan_news(tx, session, agreement.into(), &about, rule).await
}

/// Plans the message that there is something new about the plan. `about` names what, for a notice is planned once.
pub async fn plan_news(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    about: &str,
    rule: &'static str,
) -> Result<Heard, Fault> {
    let whom = whom(tx, owner).await?;
    let now = session.now();
    let ways = ways::of(tx, session, &whom, PreferenceKind::Plan).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        kind: Kind::Plan,
        rule: rule.to_owned(),
        way: *way,
        appointment: None,
        thread: None,
        agreement: owner.agreement,
        due_at: session.core.settings.hours.next_open(now),
        useless_at: now + NEWS_USEFUL,
        about: about.to_owned(),
    });
    write(tx, session, notices.collect()).await?;
    Ok(if ways.is_empty() { Heard::Unreached } else { Heard::Told })
}
