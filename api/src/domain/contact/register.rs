//! What the population register (befolkningsregistret) is told: every appointment and every ending, as an event in
//! the transaction of the act.
//!
//! The table `register_event` is the outbox that an integration reads: [`pending`] gives what the register has not
//! got, oldest first, and [`delivered`] notes what it has. Delivery is at least once: the event's id tells a repeated
//! one.

use entity::{
    RegisterEventId,
    care_contact::{self, Role},
    register_event::{self, Change, Code},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    db::Tx,
    domain::act::{self, Event},
    error::Fault,
    session::{Core, FixedContactPolicy, Session},
};

/// How many events one read gives at most.
pub const MOST: u64 = 500;

/// The code of a role in `kv_typ_av_fast_kontakt`. Where a patient may have several fasta vårdkontakter, the main
/// responsible one is the one with the overall responsibility to coordinate. Treating roles and supporters have no
/// code there.
pub fn code(role: Role, is_lead: bool, policy: FixedContactPolicy) -> Option<Code> {
    match role {
        Role::FastVardkontakt if is_lead && policy == FixedContactPolicy::SeveralWithLead => {
            Some(Code::SamordnandeVardkontakt)
        }
        Role::FastVardkontakt => Some(Code::FastVardkontakt),
        Role::FastLakarkontakt => Some(Code::FastLakarkontakt),
        Role::FastOmsorgskontakt => Some(Code::FastOmsorgskontakt),
        Role::BehandlandeRoll | Role::Supporter => None,
    }
}

/// Tells the register, and everybody who listens, of an appointment or an ending.
pub async fn tell(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    change: Change,
) -> Result<(), Fault> {
    let row = register_event::ActiveModel {
        id: Set(RegisterEventId(session.core.clock.uuid())),
        patient_id: Set(contact.patient_id),
        care_unit_id: Set(contact.care_unit_id),
        care_provider_id: Set(contact.care_provider_id),
        contact_id: Set(contact.id),
        change: Set(change),
        code: Set(code(contact.role, contact.is_lead, session.core.settings.fixed_contacts)),
        valid_from: Set(contact.valid_from),
        valid_until: Set(match change {
            Change::Appointed => contact.valid_until,
            Change::Ended => contact.ended_at.or(Some(session.now())),
        }),
        at: Set(session.now()),
        delivered_at: Set(None),
    };
    register_event::Entity::insert(row).exec_without_returning(tx).await?;
    let kind = match change {
        Change::Appointed => "contact.appointed",
        Change::Ended => "contact.ended",
    };
    act::emit(tx, session, [event(contact, kind)]).await
}

/// Something else that happened to a contact.
pub fn event(contact: &care_contact::Model, kind: &'static str) -> Event {
    Event {
        kind,
        patient: contact.patient_id,
        care_unit: contact.care_unit_id,
        care_provider: contact.care_provider_id,
        subject: contact.id.0,
    }
}

/// What the register has not got yet, oldest first; at most [`MOST`].
pub async fn pending(core: &Core) -> Result<Vec<register_event::Model>, Fault> {
    use register_event::Column as C;
    core.db
        .read(async |db| -> Result<_, Fault> {
            let found = register_event::Entity::find()
                .filter(C::DeliveredAt.is_null())
                .order_by_asc(C::At)
                .order_by_asc(C::Id)
                .limit(MOST);
            Ok(found.all(db).await?)
        })
        .await
}

/// Notes that the register has these. Gives how many it had not before.
pub async fn delivered(core: &Core, events: &[RegisterEventId]) -> Result<u64, Fault> {
    use register_event::Column as C;
    let now = core.clock.now();
    core.db
        .write(async |tx| -> Result<u64, Fault> {
            let noted = register_event::Entity::update_many()
                .set(register_event::ActiveModel { delivered_at: Set(Some(now)), ..Default::default() })
                .filter(C::Id.is_in(events.iter().copied()))
                .filter(C::DeliveredAt.is_null())
                .exec(tx)
                .await?;
            Ok(noted.rows_affected)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_code_list() {
        use FixedContactPolicy::{SeveralWithLead, Single};
        let text = |role, lead, policy| code(role, lead, policy).map(Code::as_str);
        assert_eq!(text(Role::FastVardkontakt, true, Single), Some("1"));
        assert_eq!(text(Role::FastVardkontakt, false, SeveralWithLead), Some("1"));
        assert_eq!(text(Role::FastVardkontakt, true, SeveralWithLead), Some("4"));
        assert_eq!(text(Role::FastLakarkontakt, false, Single), Some("2"));
        assert_eq!(text(Role::FastOmsorgskontakt, false, Single), Some("3"));
        assert_eq!(text(Role::BehandlandeRoll, false, Single), None);
        assert_eq!(text(Role::Supporter, false, Single), None);
    }
}
