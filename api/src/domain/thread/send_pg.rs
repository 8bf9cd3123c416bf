//! A patient's message in one round trip, on PostgreSQL.
//!
//! Patients often write several messages in a row. Then nothing has to be looked up first: the promise of an answer
//! stands, they have read what stands there, and nobody is notified but staff. One statement holds the policy's
//! condition and every row that the general path writes. Where it does not apply - another actor, a closed or foreign
//! thread, a key used before, a first message, one that came in between - it returns no row and has written nothing, and
//! the general path decides and answers.

use std::{collections::BTreeSet, sync::LazyLock};

use entity::{CareProviderId, CareUnitId, DomainEventId, ThreadMessageId, access_event::Outcome, thread};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};

use super::{
    BODY, RELATION_AFTER, rules,
    send::{Fresh, Send, Sent},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun, Who, reach_sql, reach_values},
    },
    crypto::Place,
    domain::act::{Done, Key, Receipt},
    error::Fault,
    events::Happened,
    session::Session,
    telemetry,
};

static SQL: LazyLock<String> = LazyLock::new(|| {
    let reach = reach_sql(Who::Patient, Noun::Thread, "h.patient_id", Some("h.care_provider_id"));
    format!(
        "WITH target AS (SELECT h.id, h.patient_id, h.care_unit_id, h.care_provider_id FROM thread h \
           WHERE h.id = $5 AND h.status = 'OPEN' AND h.kind = 'PATIENT_CARE' AND h.answer_by IS NOT NULL \
           AND h.last_author = 'PATIENT' AND h.last_message_id < $11 AND {reach} AND NOT EXISTS (SELECT 1 FROM patient x \
             WHERE x.id = h.patient_id AND x.deceased_on IS NOT NULL) FOR UPDATE), \
         key AS (INSERT INTO idempotency_key (scope, input_hash, result, created_at) \
           SELECT $6, $7, $8, $9 FROM target ON CONFLICT DO NOTHING RETURNING scope), \
         t AS (UPDATE thread SET last_message_at = $9, last_message_id = $11, last_author = $10 FROM target, key \
           WHERE thread.id = target.id \
           RETURNING target.id, target.patient_id, target.care_unit_id, target.care_provider_id), \
         m AS (INSERT INTO thread_message (id, thread_id, patient_id, care_unit_id, care_provider_id, author_kind, \
             author_id, body, sent_at) \
           SELECT $11, id, patient_id, care_unit_id, care_provider_id, $10, $1, $12, $9 FROM t), \
         r AS (UPDATE care_relation SET valid_until = $13 FROM t WHERE care_relation.patient_id = t.patient_id \
           AND care_relation.care_unit_id = t.care_unit_id AND care_relation.source = 'THREAD' \
           AND care_relation.subject_id = t.id), \
         d AS (INSERT INTO domain_event (id, kind, patient_id, care_unit_id, care_provider_id, subject_id, \
             by_kind, at) \
           SELECT $14, 'thread.message_sent', patient_id, care_unit_id, care_provider_id, id, $10, $9 FROM t), \
         e AS (INSERT INTO access_event (id, writer_id, seq, hash, actor_kind, actor_id, action, outcome, \
             request_id, at) \
           SELECT $15, $16, $17, $18, $10, $1, 'messageSend', 'ALLOWED', $19, $20 FROM t RETURNING id), \
         p AS (INSERT INTO access_event_patient (event_id, patient_id) SELECT e.id, t.patient_id FROM e, t) \
         SELECT care_unit_id, care_provider_id FROM t"
    )
});

/// Sends, if this is the common case.
pub async fn send(session: &Session, key: &str, cmd: &Send) -> Result<Option<Sent>, Fault> {
    let Actor::Patient { id: patient } = session.actor else { return Ok(None) };
    let allowed = policy::check(&session.actor, Noun::Thread, Action::Send).is_ok();
    if session.core.db.backend() != DatabaseBackend::Postgres || !allowed || !Key::is_usable(key) {
        return Ok(None);
    }
    let Ok(body) = rules::body(&cmd.body, cmd.expects_answer, thread::Kind::PatientCare) else {
        return Ok(None);
    };
    let (core, now) = (&session.core, session.now());
    let message = ThreadMessageId(core.clock.uuid());
    let receipt = Receipt::of(Done::on(patient).with("thread", cmd.thread.0).with("message", message.0));
    let key = Key::new(session, "messageSend", key, cmd)?;
    let mut record = session.record("messageSend", Outcome::Allowed, None);
    record.patients = BTreeSet::from([patient]);
    let event = core.log.prepare(&record)?;
    let sealed = key.seal(session, &receipt)?;
    let happened = DomainEventId(core.clock.uuid());
    let mut values = reach_values(&session.actor, now);
    values.extend([
        Value::from(cmd.thread.0),
        key.scope.into(),
        key.input.into(),
        sealed.0.into(),
        now.into(),
        session.actor.kind().as_str().into(),
        message.0.into(),
        core.keys.seal(Place::new(BODY, message.0), &body)?.0.into(),
        (now + RELATION_AFTER).into(),
        happened.0.into(),
        event.id.0.into(),
        event.writer_id.into(),
        event.seq.into(),
        event.hash.into(),
        event.request_id.into(),
        event.at.into(),
    ]);
    // One statement is its own transaction.
    let sent = core
        .db
        .write_at_once(async |db| -> Result<Option<(CareUnitId, CareProviderId)>, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), SQL.as_str(), values);
            let Some(row) = db.query_one_raw(statement).await? else { return Ok(None) };
            Ok(Some((CareUnitId(row.try_get_by_index(0)?), CareProviderId(row.try_get_by_index(1)?))))
        })
        .await;
    let written = match sent {
        // Which part of the statement was refused, or whether it was run before its connection broke, cannot be told
        // here. The general path finds out: it runs into the key of what was written.
        Err(fault @ (Fault::Internal(_) | Fault::ConnectionLost(_))) => {
            telemetry::note_failure("sending a message in one statement", &fault);
            None
        }
        sent => sent?,
    };
    let Some((care_unit, care_provider)) = written else { return Ok(None) };
    core.db.events().tell(vec![Happened {
        id: happened,
        kind: "thread.message_sent".to_owned(),
        patient,
        care_unit,
        care_provider,
        subject: cmd.thread.0,
    }]);
    session.trail.logged(&record.patients);
    Ok(Some(Sent { receipt, fresh: Some(Fresh { body, sent_at: now }) }))
}
