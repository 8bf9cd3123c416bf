//! Assents: one side's yes to exactly one text. When both sides are whole the version comes into force.
//!
//! Care's side is whole with one assent. So is the patient's with the patient's own, with one that staff recorded as
//! given by word of mouth, and with a representative's who may assent; of joint guardians (vårdnadshavare) each must
//! have assented, unless the exception is on record. Whether it still is, [`standing`] works out anew.

use chrono::{DateTime, Utc};
use entity::{
    AgreementVersionId, AssignmentId, RepresentativeId, VersionAssentId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party, Status},
    task::Kind,
    version_assent::{self, Given, Setting},
    version_objection,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    guardians, members,
    objection::{self, Objector},
    proposal,
    rules::{self, Assented, Facts},
    standing,
    told::told,
    version::{Locked, another_in_force, document},
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        notice::news,
        safety,
        task::{self, Ending, words::Words},
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Columns that hold what was said about an assent.
pub const INTERPRETER: &str = "version_assent.interpreter";
pub const PRESENT: &str = "version_assent.present";

/// The circumstances of an assent by word of mouth.
#[derive(Clone, Copy, Debug)]
pub struct Oral<'a> {
    pub recorded_by: AssignmentId,
    pub setting: Setting,
    pub interpreter: Option<&'a str>,
    pub present: Option<&'a str>,
}

/// Whose yes it is, and how it was given.
#[derive(Clone, Copy, Debug)]
pub struct Giver<'a> {
    pub side: Party,
    pub kind: ActorKind,
    pub id: Uuid,
    /// None when they gave it themself, in the service.
    pub oral: Option<Oral<'a>>,
}

impl Giver<'_> {
    /// The actor, if the policy lets them give an assent.
    fn of(session: &Session) -> Result<Self, Problem> {
        policy::check(&session.actor, Noun::Agreement, Action::Assent)?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let (kind, id) = act::by(session);
        Ok(Self { side, kind, id, oral: None })
    }

    fn given(&self) -> Given {
        if self.oral.is_some() { Given::Oral } else { Given::Direct }
    }

    /// As it was written.
    pub fn of_row(row: &version_assent::Model) -> Self {
        let oral = row.recorded_by.zip(row.setting);
        let oral = oral.map(|(recorded_by, setting)| Oral {
            recorded_by,
            setting,
            interpreter: None,
            present: None,
        });
        Self { side: row.side, kind: row.by_kind, id: row.by_id, oral }
    }

    /// Whether it is the patient's own, given by themself: it may confirm what others said for them.
    pub(super) fn is_the_patient(&self) -> bool {
        self.kind == ActorKind::Patient && self.oral.is_none()
    }

    /// Whether this is the side that has not decided about what holds.
    fn is_undecided(&self, agreement: agreement::Status) -> bool {
        agreement == agreement::Status::PatientUndecided && self.side == Party::Patient
    }

    /// Whether this is a yes in the place of a patient who cannot decide: that one does not exist.
    fn in_place_of_the_patient(&self, agreement: agreement::Status) -> bool {
        self.is_undecided(agreement) && self.kind != ActorKind::Patient
    }

    /// Sets the columns that sum up the side.
    pub(super) fn sum_up(&self, at: DateTime<Utc>, row: &mut agreement_version::ActiveModel) {
        if self.side == Party::Care {
            row.care_assent_at = Set(Some(at));
            row.care_assent_id = Set(Some(AssignmentId(self.id)));
        } else {
            row.patient_assent_at = Set(Some(at));
            row.patient_assent_kind = Set(Some(self.kind));
            row.patient_assent_id = Set(Some(self.id));
            row.patient_assent_given = Set(Some(self.given()));
        }
    }
}

/// Proposing is the proposer's assent to exactly that; of staff, only where the role may give care's. Once the version
/// is stored with its digest. A change is no decision about a plan that holds without the patient's: that takes a yes
/// to the text as it was read.
pub async fn by_proposer(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    digest: &[u8],
) -> Result<(), Stop> {
    let Ok(giver) = Giver::of(session) else { return Ok(()) };
    if giver.is_undecided(agreement.status) {
        return Ok(());
    }
    write(tx, session, agreement, version, digest, &giver).await?;
    if is_whole(tx, session, agreement, version, digest, &giver).await? {
        let mut row = agreement_version::ActiveModel::default();
        giver.sum_up(session.now(), &mut row);
        agreement_version::Entity::update_many()
            .set(row)
            .filter(agreement_version::Column::Id.eq(version))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Gives the actor's assent to a version, and brings it into force when both sides are whole.
///
/// `digest` is what the actor has read; None where the act itself names what it is about.
pub async fn assent(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
    digest: Option<&[u8]>,
    action: &'static str,
) -> Result<Assented, Stop> {
    let giver = Giver::of(session)?;
    give(tx, session, agreement, version, digest, &giver, action).await
}

/// [`assent`] of somebody: the actor, or the one whose word the actor records.
pub async fn give(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
    digest: Option<&[u8]>,
    giver: &Giver<'_>,
    action: &'static str,
) -> Result<Assented, Stop> {
    let facts = Facts {
        agreement: agreement.status,
        in_force: agreement.in_force(),
        status: version.status,
        withdrawal: version.withdrawal,
        base: version.base_version_id,
        digest: version.hash.as_deref(),
        patient_assented: standing::has_assented(tx, session, agreement, version).await?,
        care_assented: version.care_assent_at.is_some(),
        objection: Objector::of(version),
        has_last_word: objection::outranked_by(version, giver)
            || (giver.is_the_patient() && said_by_others(version)),
    };
    let effect = rules::assent(&facts, giver.side, digest)?;
    if giver.in_place_of_the_patient(agreement.status) {
        return Err(rules::the_patient_decides().into());
    }
    // What is assented to is what is stored, not what once was hashed.
    let stored = document(tx, &session.core.keys, version).await?.digest()?;
    if version.hash.as_deref() != Some(stored.as_slice()) {
        return Err(Fault::internal("a proposed version does not match its digest").into());
    }
    let repeated = has_given(tx, version.id, giver).await?;
    if !repeated {
        write(tx, session, agreement, version.id, &stored, giver).await?;
    }
    let whole = is_whole(tx, session, agreement, version.id, &stored, giver).await?;
    if repeated && !whole {
        // Whoever may say yes for a child and is not enough alone is one of joint guardians.
        return Err(rules::awaits_guardian(facts.care_assented).into());
    }
    if version.status == Status::PatientUndecided && safety::taken_back(tx, session, version).await? {
        return Err(rules::instruction_gone().into());
    }
    let mut effect = if whole { effect } else { Assented::Waits };
    if effect == Assented::Activates && agreement.another_in_force(tx).await? {
        // The patient's side sees both and chooses; what care has said stands until they do.
        if session.actor.party() == Some(Party::Patient) || (facts.patient_assented && facts.care_assented) {
            return Err(another_in_force(session).into());
        }
        effect = Assented::AwaitsChoice;
    }
    let lapsed = version.patient_assent_at.is_some() && !facts.patient_assented;
    settle(tx, session, agreement, version, &Yes { effect, giver: Some(giver), whole, lapsed }, action)
        .await?;
    Ok(effect)
}

/// Whether others have said or written down the yes of the patient's side.
fn said_by_others(version: &agreement_version::Model) -> bool {
    version.patient_assent_kind != Some(ActorKind::Patient)
        || version.patient_assent_given == Some(Given::Oral)
}

/// Whether this very assent is written already.
async fn has_given(tx: &Tx, version: AgreementVersionId, giver: &Giver<'_>) -> Result<bool, Fault> {
    use version_assent::Column as C;
    let own = version_assent::Entity::find()
        .filter(C::VersionId.eq(version))
        .filter(C::ByKind.eq(giver.kind))
        .filter(C::ById.eq(giver.id))
        .filter(C::Given.eq(giver.given()));
    Ok(own.one(tx).await?.is_some())
}

/// Writes the assent itself. Nobody assents twice.
async fn write(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    digest: &[u8],
    giver: &Giver<'_>,
) -> Result<(), Stop> {
    let id = VersionAssentId(session.core.clock.uuid());
    let seal = |column, text| session.core.keys.seal_opt(Place::new(column, id.0), text);
    let row = version_assent::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        version_id: Set(version),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        side: Set(giver.side),
        by_kind: Set(giver.kind),
        by_id: Set(giver.id),
        digest: Set(digest.to_vec()),
        given: Set(giver.given()),
        at: Set(session.now()),
        recorded_by: Set(giver.oral.map(|oral| oral.recorded_by)),
        setting: Set(giver.oral.map(|oral| oral.setting)),
        interpreter: Set(seal(INTERPRETER, giver.oral.and_then(|oral| oral.interpreter))?),
        present: Set(seal(PRESENT, giver.oral.and_then(|oral| oral.present))?),
    };
    version_assent::Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, || rules::already(giver.side, false)))?;
    if giver.kind == ActorKind::Representative {
        guardians::is_there_again(tx, session, agreement, RepresentativeId(giver.id)).await?;
    }
    Ok(())
}

/// Whether the giver's side is whole, now that their assent is written.
async fn is_whole(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    digest: &[u8],
    giver: &Giver<'_>,
) -> Result<bool, Fault> {
    match giver.side {
        Party::Care => Ok(true),
        Party::Patient => Ok(standing::of_patient(tx, session, agreement, version, digest).await?.is_some()),
    }
}

/// An assent, or all of them together, and what follows.
pub struct Yes<'a> {
    pub effect: Assented,
    /// Whose; none when nothing is said anew.
    pub giver: Option<&'a Giver<'a>>,
    /// Whether their side is whole with it.
    pub whole: bool,
    /// What the patient's side had said counts no longer.
    pub lapsed: bool,
}

/// Writes what an assent brought about.
pub async fn settle(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
    yes: &Yes<'_>,
    action: &'static str,
) -> Result<(), Stop> {
    let (effect, whole) = (yes.effect, yes.giver.filter(|_| yes.whole));
    let superseded = agreement.in_force().filter(|current| *current != version.id);
    let status = match effect {
        Assented::Activates => Status::Active,
        Assented::AwaitsChoice | Assented::Confirms | Assented::Waits => version.status,
    };
    if status != version.status {
        supersede(tx, agreement, version.id).await?;
    }
    let mut row = agreement_version::ActiveModel {
        status: Set(status),
        row_version: Set(version.row_version + 1),
        ..Default::default()
    };
    if yes.lapsed {
        standing::lapse(&mut row);
    }
    if let Some(giver) = whole {
        giver.sum_up(session.now(), &mut row);
    }
    let settled = yes.giver.and_then(|giver| objection::settled_by(version, giver));
    if settled.is_some() {
        (row.objected_at, row.objected_by) = (Set(None), Set(None));
    }
    let changed = agreement_version::Entity::update_many()
        .set(row)
        .filter(agreement_version::Column::Id.eq(version.id))
        .filter(agreement_version::Column::RowVersion.eq(version.row_version))
        .filter(agreement_version::Column::Status.eq(version.status))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    if let Some(ending) = settled {
        objection::settle(tx, session, version.id, ending).await?;
    }
    if effect == Assented::Activates || whole.is_some_and(|giver| giver.side == Party::Patient) {
        news::decided(tx, session, version.id).await?;
    }
    let mut changes = Vec::new();
    if effect == Assented::Activates {
        agreement.touch(tx, session, agreement::Status::Active, version.id).await?;
        let words = Words::ours("Patienten har tagit ställning.", "The patient has decided.");
        task::end(tx, session, Kind::PatientDecision, agreement.id.0, Ending::Done, Some(words)).await?;
        // What held without the patient's decision is in place already: what it says of safety is agreed now.
        changes = if version.status == Status::Proposed {
            in_force(tx, session, agreement, version, superseded).await?
        } else {
            safety::agreed(tx, session, version).await?
        };
    } else {
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, session, status, current).await?;
    }
    // Whatever it waits for now, care has answered.
    let by_care = yes.giver.is_some_and(|giver| giver.side == Party::Care);
    let words = if effect == Assented::Activates {
        Some(("Båda har godkänt förslaget.", "Both have assented to the proposal."))
    } else if agreement.status == agreement::Status::PatientUndecided {
        by_care.then_some((
            "Vården har godkänt förslaget. Det gäller när patienten har läst och godkänt hela planen.",
            "Care has assented to the proposal. It holds when the patient has read and assented to the whole plan.",
        ))
    } else {
        by_care.then_some(("Vården har godkänt förslaget.", "Care has assented to the proposal."))
    };
    if let Some(words) = words {
        proposal::settled(tx, session, version, Ending::Done, words.into()).await?;
    }
    changes.extend(told(tx, session, agreement, version, yes, superseded).await?);
    history::record(tx, session, (&**agreement).into(), action, changes).await?;
    Ok(())
}

/// What is in force gives way to `next`.
pub(super) async fn supersede(tx: &Tx, agreement: &Locked, next: AgreementVersionId) -> Result<(), Fault> {
    agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel {
            status: Set(Status::Superseded),
            objected_at: Set(None),
            objected_by: Set(None),
            ..Default::default()
        })
        .col_expr(
            agreement_version::Column::RowVersion,
            Expr::col(agreement_version::Column::RowVersion).add(1),
        )
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .filter(agreement_version::Column::Id.ne(next))
        .filter(agreement_version::Column::Status.is_in(Status::IN_FORCE))
        .exec(tx)
        .await?;
    Ok(())
}

/// A version has come into force: what it holds is agreed, and what it replaces is settled.
pub(super) async fn in_force(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
    superseded: Option<AgreementVersionId>,
) -> Result<Vec<Change>, Stop> {
    let mut changes = members::agree(tx, session, version.id).await?;
    if let Some(base) = superseded {
        changes.extend(members::withdraw_siblings(tx, session, agreement, base).await?);
        let words = || Some(Words::ours("En ny version gäller.", "A new version is in force."));
        news::replaced(tx, session, base).await?;
        objection::end(tx, session, &[base], version_objection::Ending::Superseded).await?;
        task::end(tx, session, Kind::Objection, base.0, Ending::Done, words()).await?;
        task::end(tx, session, Kind::RevisePlan, agreement.id.0, Ending::Done, words()).await?;
    }
    Ok(changes)
}
