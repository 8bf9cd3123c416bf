//! Reminder preferences, read from flat rows.

use chrono::NaiveDate;
use entity::{PatientId, Sealed, access_event::ActorKind, contact_way, reminder_preference};
use uuid::Uuid;

use super::{cols::Cols, rows::rows};
use crate::{
    auth::policy::{Noun, Who, reach_sql},
    crypto::Place,
    domain::{
        phone::masked,
        reminder_preference::{rules::waits_for_own_word, set::ADDRESS},
    },
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::{enums::Channel, messages::ReminderPreference, reminders::ContactWay},
    },
    session::Session,
};

/// The columns of a [`ReminderPreference`] for `rp`.
pub const COLUMN_LIST: &str = "rp.id, rp.kind, rp.channel, rp.opted_in, rp.detail, rp.text_shown, rp.decided_at, rp.by_kind, \
     (SELECT bp.birth_date FROM patient bp WHERE bp.id = rp.patient_id)";

/// Reads [`COLUMN_LIST`] after a left join, as the last group of a row.
pub fn opt_preference(session: &Session, cols: &mut Cols<'_>) -> Result<Option<ReminderPreference>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else { return Ok(None) };
    let kind: reminder_preference::PreferenceKind = cols.text_enum()?;
    let channel: contact_way::Channel = cols.text_enum()?;
    let opted_in = cols.take()?;
    let detail: reminder_preference::Detail = cols.text_enum()?;
    let (text_shown, decided_at) = (cols.take()?, cols.take()?);
    let (by_kind, born) = (cols.text_enum::<ActorKind>()?, cols.take::<NaiveDate>()?);
    let sends = matches!(channel, contact_way::Channel::Mail | contact_way::Channel::Sms);
    let ages = &session.core.settings.ages;
    Ok(Some(ReminderPreference {
        id: GlobalId::new(NodeKind::ReminderPreference, id),
        kind: kind.into(),
        channel: channel.into(),
        opted_in,
        detail: detail.into(),
        text_shown,
        decided_at,
        awaits_own_word: opted_in
            && sends
            && waits_for_own_word(born, by_kind, decided_at, ages, session.now()),
    }))
}

/// Where messages to a patient go, as far as the caller may see it: the newest address of each channel, masked, or not
/// at all where it is to be `hidden`.
pub async fn contact_ways(
    session: &Session,
    patient: PatientId,
    hidden: bool,
) -> Result<Vec<ContactWay>, Fault> {
    let reach = reach_sql(Who::from(&session.actor), Noun::ReminderPreference, "w.patient_id", None);
    let provider = if session.actor.staff().is_some() { " AND w.care_provider_id = $3" } else { "" };
    let sql = format!(
        "SELECT w.id, w.channel, w.address, w.status FROM contact_way w WHERE w.patient_id = $5{provider} AND {reach} \
         ORDER BY w.channel, w.id DESC"
    );
    let mut ways: Vec<ContactWay> = Vec::new();
    for row in rows(session, sql, [patient.0.into()]).await? {
        let cols = &mut Cols::new(&row);
        let id: Uuid = cols.take()?;
        let channel: Channel = cols.text_enum::<contact_way::Channel>()?.into();
        let address = Sealed(cols.take()?);
        let status: contact_way::Status = cols.text_enum()?;
        if ways.last().is_some_and(|way| way.channel == channel) {
            continue;
        }
        let shown = if hidden {
            None
        } else {
            Some(masked(&session.core.keys.open(Place::new(ADDRESS, id), &address)?))
        };
        let reachable = status == contact_way::Status::Good;
        ways.push(ContactWay { channel, address: shown, reachable });
    }
    Ok(ways)
}
