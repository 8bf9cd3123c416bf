//! By which ways somebody can be told: what was said yes to, and leads somewhere.

use std::collections::BTreeMap;

use entity::{
    AssignmentId, ContactWayId, GuardianReminderId, PatientId, RepresentativeId, StaffNoticeId,
    access_assessment,
    access_event::ActorKind,
    contact_way::{self, Channel},
    guardian_reminder,
    patient::{self, ProtectedIdentity},
    reminder_preference::{self, PreferenceKind},
    representative,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{
    auth::policy::{Action, Noun},
    db::Tx,
    domain::{reminder_preference::rules::waits_for_own_word, representative::rules},
    error::Fault,
    session::Session,
};

/// Whom a notice goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The patient, by the address that is referred to.
    Patient(ContactWayId),
    /// A guardian of a child, by the address in the guardian's own decision.
    Guardian(RepresentativeId, GuardianReminderId),
    /// A member of staff, by the address in their own choice.
    Staff(AssignmentId, StaffNoticeId),
}

impl Recipient {
    /// What makes notices to different people differ.
    pub fn id(self, patient: PatientId) -> Uuid {
        match self {
            Self::Patient(_) => patient.0,
            Self::Guardian(guardian, _) => guardian.0,
            Self::Staff(assignment, _) => assignment.0,
        }
    }

    pub(super) fn contact_way(self) -> Option<ContactWayId> {
        if let Self::Patient(way) = self { Some(way) } else { None }
    }

    pub(super) fn staff_notice(self) -> Option<StaffNoticeId> {
        if let Self::Staff(_, row) = self { Some(row) } else { None }
    }

    pub(super) fn guardian_reminder(self) -> Option<GuardianReminderId> {
        if let Self::Guardian(_, row) = self { Some(row) } else { None }
    }
}

/// Where one channel goes, for one kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub channel: Channel,
    pub recipient: Recipient,
}

/// Whether a choice holds under a protected identity: only if the patient made it in person.
pub fn may_leave(protected: ProtectedIdentity, chosen_by: ActorKind) -> bool {
    protected == ProtectedIdentity::None || chosen_by == ActorKind::Patient
}

/// Whether a choice leads nowhere until the young person has decided.
pub(super) fn waits(session: &Session, whom: &patient::Model, choice: &reminder_preference::Model) -> bool {
    let ages = &session.core.settings.ages;
    waits_for_own_word(whom.birth_date, choice.by_kind, choice.decided_at, ages, session.now())
}

/// The ways of one patient.
pub(super) async fn of(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    kind: PreferenceKind,
) -> Result<Vec<Way>, Fault> {
    Ok(of_all(tx, session, std::slice::from_ref(whom), kind).await?.remove(&whom.id).unwrap_or_default())
}

/// The ways that were said yes to for this kind, and that lead somewhere, in a fixed number of statements.
///
/// A protected identity lets nothing out but what the patient has asked for in person; a deceased patient gets
/// nothing. Of a child's times the guardians are reminded, each by their own ways, until the child books them; what others
/// have chosen for the child holds no more by then.
pub(super) async fn of_all(
    tx: &Tx,
    session: &Session,
    whom: &[patient::Model],
    kind: PreferenceKind,
) -> Result<BTreeMap<PatientId, Vec<Way>>, Fault> {
    let living: Vec<&patient::Model> = whom.iter().filter(|p| p.deceased_on.is_none()).collect();
    let (ages, now) = (&session.core.settings.ages, session.now());
    let young: Vec<&patient::Model> = living
        .iter()
        .copied()
        .filter(|p| {
            kind == PreferenceKind::Appointment && rules::own_rights(p.birth_date, &[], ages, now).is_some()
        })
        .collect();
    let mut ways: BTreeMap<PatientId, Vec<Way>> = BTreeMap::new();
    let mut children = Vec::new();
    if !young.is_empty() {
        let assessed = assessments(tx, &young).await?;
        for child in young {
            let decided = assessed.get(&child.id).map_or(&[][..], Vec::as_slice);
            let own = rules::own_rights(child.birth_date, decided, ages, now);
            if own.is_some_and(|rights| !rights.cover(Noun::Appointment, Action::Book)) {
                children.push(child.id);
            }
        }
        let of_children: Vec<&patient::Model> =
            living.iter().copied().filter(|p| children.contains(&p.id)).collect();
        guardians(tx, session, &of_children, &assessed, &mut ways).await?;
    }
    let adults: Vec<&patient::Model> = living.into_iter().filter(|p| !children.contains(&p.id)).collect();
    own(tx, session, &adults, kind, &mut ways).await?;
    // A yes is a consent, and stays one; by a channel that is not configured nobody is told.
    let channels = &session.core.settings.channels;
    ways.retain(|_, ways| {
        ways.retain(|way| channels.contains(&way.channel));
        !ways.is_empty()
    });
    Ok(ways)
}

async fn own(
    tx: &Tx,
    session: &Session,
    whom: &[&patient::Model],
    kind: PreferenceKind,
    ways: &mut BTreeMap<PatientId, Vec<Way>>,
) -> Result<(), Fault> {
    if whom.is_empty() {
        return Ok(());
    }
    let mut wanted = reminder_preference::Entity::find()
        .filter(reminder_preference::Column::PatientId.is_in(whom.iter().map(|p| p.id)))
        .filter(reminder_preference::Column::Kind.eq(kind))
        .filter(reminder_preference::Column::OptedIn.eq(true))
        .filter(reminder_preference::Column::Channel.is_in([Channel::Mail, Channel::Sms]))
        .order_by_asc(reminder_preference::Column::Id)
        .all(tx)
        .await?;
    wanted.retain(|choice| {
        let whose = whom.iter().find(|p| p.id == choice.patient_id);
        whose.is_some_and(|p| may_leave(p.protected_identity, choice.by_kind) && !waits(session, p, choice))
    });
    if wanted.is_empty() {
        return Ok(());
    }
    let addresses = contact_way::Entity::find()
        .filter(contact_way::Column::PatientId.is_in(wanted.iter().map(|choice| choice.patient_id)))
        .filter(contact_way::Column::Status.eq(contact_way::Status::Good))
        .order_by_desc(contact_way::Column::Id)
        .all(tx)
        .await?;
    for choice in wanted {
        let leads =
            |way: &&contact_way::Model| (way.patient_id, way.channel) == (choice.patient_id, choice.channel);
        if let Some(address) = addresses.iter().find(leads) {
            let recipient = Recipient::Patient(address.id);
            ways.entry(choice.patient_id).or_default().push(Way { channel: choice.channel, recipient });
        }
    }
    Ok(())
}

async fn assessments(
    tx: &Tx,
    whom: &[&patient::Model],
) -> Result<BTreeMap<PatientId, Vec<access_assessment::Model>>, Fault> {
    let all = access_assessment::Entity::find()
        .filter(access_assessment::Column::PatientId.is_in(whom.iter().map(|p| p.id)))
        .order_by_asc(access_assessment::Column::At)
        .order_by_asc(access_assessment::Column::Id)
        .all(tx)
        .await?;
    let mut by_patient: BTreeMap<PatientId, Vec<access_assessment::Model>> = BTreeMap::new();
    for row in all {
        by_patient.entry(row.patient_id).or_default().push(row);
    }
    Ok(by_patient)
}

/// The guardians who see the child's times now, and have said yes.
async fn guardians(
    tx: &Tx,
    session: &Session,
    children: &[&patient::Model],
    assessed: &BTreeMap<PatientId, Vec<access_assessment::Model>>,
    ways: &mut BTreeMap<PatientId, Vec<Way>>,
) -> Result<(), Fault> {
    if children.is_empty() {
        return Ok(());
    }
    let said_yes = guardian_reminder::Entity::find()
        .find_also_related(representative::Entity)
        .filter(guardian_reminder::Column::PatientId.is_in(children.iter().map(|p| p.id)))
        .filter(guardian_reminder::Column::OptedIn.eq(true))
        .filter(guardian_reminder::Column::Status.eq(contact_way::Status::Good))
        .order_by_asc(guardian_reminder::Column::Id)
        .all(tx)
        .await?;
    for (row, guardian) in said_yes {
        let Some(guardian) = guardian else { continue };
        let Some(child) = children.iter().find(|p| p.id == row.patient_id) else { continue };
        let decided = assessed.get(&child.id).map_or(&[][..], Vec::as_slice);
        if rules::is_reminded(&guardian, (*child).into(), decided, &session.core.settings.ages, session.now())
        {
            let recipient = Recipient::Guardian(guardian.id, row.id);
            ways.entry(child.id).or_default().push(Way { channel: row.channel, recipient });
        }
    }
    Ok(())
}
