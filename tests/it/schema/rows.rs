//! One valid row of every table, belonging together: what the schema tests then bend.

use chrono::{DateTime, NaiveDate, Utc};
use entity::register_event;
use entity::{LookupHash, Sealed, access_event::ActorKind, agreement_version::Party};
use entity::{
    access_assessment, access_event, access_event_patient, agreement, agreement_offer, agreement_request,
    agreement_request_pass, agreement_version, appointment, appointment_type, assignment, battery_answer,
    battery_answer_set, calendar_feed, care_contact, care_provider, care_relation, care_unit, change_entry,
    channel_pause, channel_set, contact_absence, contact_function_rule, contact_offer, contact_request,
    contact_request_pass, contact_way, data_key, domain_event, goal, goal_revision, guarantee_pause,
    guardian_exception, guardian_reminder, idempotency_key, item_concern, left_slot, notice, occupancy,
    patient, patient_identity, patient_undecided, phone_call, phone_call_attempt, plan_item, plan_item_mark,
    plan_item_revision, plan_link, progress_note, question_battery, reminder_ladder, reminder_preference,
    representative, safety_instruction, schedule, schedule_staff, seat_claim, sending_hold, sending_mark,
    slot, slot_staff, staff_member, staff_notice, task, template_item, template_use, thread, thread_message,
    thread_read, time_offer, time_wish, version_assent, version_goal, version_item, version_objection,
    worker_beat,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, ModelTrait,
    TransactionTrait,
};
use uuid::Uuid;

/// Ids that all differ, and are the same in every run.
pub fn id<T: From<Uuid>>(number: u128) -> T {
    T::from(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_800_000_000_123_456 + minute * 60_000_000).unwrap()
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, 1).unwrap()
}

fn sealed() -> Sealed {
    Sealed(vec![1, 0, 255])
}

/// Inserts the row as it stands.
pub async fn insert<M>(db: &impl ConnectionTrait, row: M) -> Result<M, DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    M::Entity: EntityTrait<Model = M>,
{
    let row = row.into_active_model().reset_all();
    M::Entity::insert(row).exec_with_returning(db).await
}

macro_rules! world {
    ($($name:ident: $model:ty = $row:expr),+ $(,)?) => {
        /// The rows, in the order in which they can be inserted.
        #[derive(Clone)]
        pub struct World { $(pub $name: $model),+ }

        impl World {
            pub fn new() -> Self { Self { $($name: $row),+ } }

            /// Inserts every row: in one transaction, for agreement and version refer to each other.
            pub async fn insert(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
                let tx = db.begin().await?;
                $(insert(&tx, self.$name.clone()).await.map_err(|e| DbErr::Custom(format!("{}: {e}", stringify!($name))))?;)+
                tx.commit().await
            }

            /// Reads every table through its entity.
            pub async fn assert_stored(&self, db: &DatabaseConnection) {
                $({
                    let rows = <$model as ModelTrait>::Entity::find().all(db).await.expect(stringify!($name));
                    assert_eq!(rows, vec![self.$name.clone()], stringify!($name));
                })+
            }
        }

        pub const TABLES: &[&str] = &[$(stringify!($name)),+];
    };
}

world! {
    care_provider: care_provider::Model = care_provider::Model {
        id: id(1), hsa_id: Some("se1-p".into()), name: "Region Norr".into(), kind: care_provider::Kind::Region,
        region: "25".into(), source: "OWN".into(),
    },
    care_unit: care_unit::Model = care_unit::Model {
        id: id(2), care_provider_id: id(1), hsa_id: Some("se1-u".into()), name: "Vårdcentralen".into(),
        kind: care_unit::Kind::HealthCare, phone: "+4692000000".into(), address: None, opening_hours: "[]".into(),
        closing_days: "[]".into(), after_hours_name: None, after_hours_phone: None, sensitive: false,
        source: "OWN".into(),
    },
    staff_member: staff_member::Model = staff_member::Model {
        id: id(3), issuer: "https://login.example".into(), subject: "s".into(), hsa_id: Some("se1-s".into()),
        display_name: "Åsa Öberg".into(), title: "Sjuksköterska".into(), source: "OWN".into(),
    },
    assignment: assignment::Model = assignment::Model {
        id: id(4), staff_member_id: id(3), care_unit_id: id(2), care_provider_id: id(1), hsa_id: "se1-a".into(),
        role: assignment::Role::Care, valid_from: at(0), valid_until: None, source: "OWN".into(),
    },
    patient: patient::Model = patient::Model {
        id: id(5), care_unit_id: id(2), care_provider_id: id(1), given_name: "Örjan".into(),
        family_name: "Ek".into(), name_search: "örjan ek".into(), birth_date: day(), language: "sv".into(),
        protected_identity: patient::ProtectedIdentity::None, interpreter_language: None,
        access_needs: Some(sealed()), deceased_on: Some(day()), source: "OWN".into(), created_at: at(0), row_version: 1,
    },
    patient_identity: patient_identity::Model = patient_identity::Model {
        id: id(6), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: patient_identity::Kind::Personnummer, issuer: None, number: sealed(), lookup: LookupHash(vec![1]),
        is_current: true, created_at: at(0),
    },
    contact_way: contact_way::Model = contact_way::Model {
        id: id(7), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        channel: contact_way::Channel::Sms, address: sealed(), lookup: LookupHash(vec![2]),
        status: contact_way::Status::Good, created_at: at(0), row_version: 1,
    },
    representative: representative::Model = representative::Model {
        id: id(8), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: representative::Kind::GodMan, display_name: "Ove".into(), number: sealed(),
        lookup: LookupHash(vec![3]), rights: "{}".into(), may_assent: true, valid_from: at(0),
        valid_until: Some(at(1)), created_at: at(0), row_version: 1,
    },
    access_assessment: access_assessment::Model = access_assessment::Model {
        id: id(90), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        representative_id: Some(id(8)), decision: access_assessment::Decision::Extend, rights: None,
        may_assent: false, until: Some(at(1)), reason: sealed(), assessed_by: id(4), at: at(0),
    },
    care_relation: care_relation::Model = care_relation::Model {
        id: id(9), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        source: care_relation::Source::StaffDeclared, reason: Some(sealed()),
        declaration: Some(care_relation::Declaration::PatientPresent), declared_by: Some(id(4)),
        subject_id: Some(id(5)), valid_from: at(0), valid_until: None, created_at: at(0),
    },
    data_key: data_key::Model = data_key::Model {
        id: 1, purpose: data_key::Purpose::Seal, master_key_id: "m1".into(), wrapped: vec![9], created_at: at(0),
    },
    idempotency_key: idempotency_key::Model = idempotency_key::Model {
        scope: vec![1, 2], input_hash: vec![3], result: None, created_at: at(0),
    },
    agreement: agreement::Model = agreement::Model {
        id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), region: "25".into(),
        status: agreement::Status::Active, current_version_id: id(11), patient_group: Some("FRAIL".into()), end_reason: None, ended_at: None,
        ended_by_kind: Some(ActorKind::Staff), ended_by_id: Some(id(4)), end_words: Some(sealed()),
        created_at: at(0), updated_at: at(0), row_version: 1,
    },
    agreement_version: agreement_version::Model = agreement_version::Model {
        id: id(11), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        number: 1, base_version_id: None, answers_version_id: None, status: agreement_version::Status::Active,
        withdrawal: None, content: sealed(),
        hash: Some(vec![7]), hash_format: 1, proposed_by: Some(Party::Care), proposed_at: Some(at(1)),
        patient_assent_at: Some(at(2)), patient_assent_kind: Some(ActorKind::Patient),
        patient_assent_id: Some(id(5)), patient_assent_given: Some(version_assent::Given::Oral),
        objected_at: Some(at(3)), objected_by: Some(id(8)), care_assent_at: Some(at(2)), care_assent_id: Some(id(4)),
        created_at: at(0), row_version: 1,
    },
    goal: goal::Model = goal::Model {
        id: id(12), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        status: goal::Status::Active, achievement: goal::Achievement::InProgress, set_by: Party::Patient,
        status_reason: Some(sealed()), status_by_kind: Some(ActorKind::Staff), status_at: Some(at(1)),
        achievement_by_kind: Some(ActorKind::Patient), achievement_at: Some(at(2)),
        created_at: at(0), row_version: 1,
    },
    version_assent: version_assent::Model = version_assent::Model {
        id: id(91), agreement_id: id(10), version_id: id(11), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), side: Party::Patient, by_kind: ActorKind::Patient, by_id: id(5), digest: vec![1; 32],
        given: version_assent::Given::Oral, at: at(1), recorded_by: Some(id(4)),
        setting: Some(version_assent::Setting::ByPhone), interpreter: Some(sealed()), present: Some(sealed()),
    },
    version_objection: version_objection::Model = version_objection::Model {
        id: id(94), agreement_id: id(10), version_id: id(11), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), by_kind: ActorKind::Patient, by_id: id(5), at: at(2), words: sealed(),
        recorded_by: Some(id(4)), how: Some(agreement_offer::Way::Phone), ended_at: Some(at(3)),
        ending: Some(version_objection::Ending::Dropped),
    },
    patient_undecided: patient_undecided::Model = patient_undecided::Model {
        id: id(92), agreement_id: id(10), version_id: id(11), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), reason: sealed(), known_will: sealed(), ask_again_on: day(), recorded_by: id(4),
        at: at(1),
    },
    guardian_exception: guardian_exception::Model = guardian_exception::Model {
        id: id(93), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        representative_id: id(8), reason: sealed(), recorded_by: id(4), at: at(1), ended_at: Some(at(2)),
        ended_by: Some(id(4)), end_reason: Some(sealed()),
    },
    goal_revision: goal_revision::Model = goal_revision::Model {
        id: id(13), goal_id: id(12), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        text: sealed(), priority: 1, target_on: Some(day()), by_kind: ActorKind::Patient, by_id: id(5),
        created_at: at(0),
    },
    version_goal: version_goal::Model = version_goal::Model {
        version_id: id(11), goal_id: id(12), goal_revision_id: id(13),
    },
    plan_item: plan_item::Model = plan_item::Model {
        id: id(14), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        status: plan_item::Status::Accepted, proposed_by: Party::Care, status_reason: None,
        status_by_kind: Some(ActorKind::Staff), status_at: Some(at(1)), started_at: Some(at(1)), work_note: None,
        referral_state: Some(plan_item::ReferralState::Sent), referral_on: Some(day()), result_told_on: Some(day()),
        result_told_how: Some(sealed()), relative_consent_revision_id: Some(id(15)),
        relative_consent_at: Some(at(1)), relative_consent_words: Some(sealed()),
        relative_consent_by_id: Some(id(4)), guarantee_kind: Some(plan_item::GuaranteeKind::Assessment),
        guarantee_from: Some(day()), created_at: at(0),
        row_version: 1,
    },
    plan_item_revision: plan_item_revision::Model = plan_item_revision::Model {
        id: id(15), plan_item_id: id(14), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        category: plan_item_revision::Category::Examination, title: sealed(), description: None,
        owner: plan_item_revision::Owner::Care, relative_name: Some(sealed()),
        timing: plan_item_revision::Timing::Date, due_on: Some(day()),
        starts_on: None, recurrence: None, trigger: Some(sealed()), responsible_unit_id: Some(id(2)),
        responsible_assignment_id: Some(id(4)), responsible_contact_id: None, goal_id: Some(id(12)), result_how: None, result_by: None,
        by_kind: ActorKind::Staff, by_id: id(4), created_at: at(0),
    },
    version_item: version_item::Model = version_item::Model {
        version_id: id(11), plan_item_id: id(14), plan_item_revision_id: id(15),
    },
    progress_note: progress_note::Model = progress_note::Model {
        id: id(31), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        goal_id: Some(id(12)), plan_item_id: None, corrects_id: None, text: sealed(), by_kind: ActorKind::Patient,
        by_id: id(5), created_at: at(1),
    },
    plan_item_mark: plan_item_mark::Model = plan_item_mark::Model {
        id: id(32), plan_item_id: id(14), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), on_day: day(), outcome: plan_item_mark::Outcome::NotDone, reason: Some(sealed()),
        by_kind: ActorKind::Patient, by_id: id(5), marked_at: at(1),
    },
    item_concern: item_concern::Model = item_concern::Model {
        id: id(33), plan_item_id: id(14), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), kind: item_concern::Kind::TooMuchNow, words: Some(sealed()),
        status: item_concern::Status::Open, by_kind: ActorKind::Patient, by_id: id(5), created_at: at(1),
        answer: None, ended_by_kind: None, ended_by_id: None, ended_at: None, row_version: 1,
    },
    guarantee_pause: guarantee_pause::Model = guarantee_pause::Model {
        id: id(34), plan_item_id: id(14), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), kind: guarantee_pause::Kind::Medical, from_day: day(), until_day: None,
        by_kind: ActorKind::Staff, by_id: id(4), created_at: at(1),
    },
    care_contact: care_contact::Model = care_contact::Model {
        id: id(16), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), region: "25".into(),
        role: care_contact::Role::FastVardkontakt, treating_kind: None, is_lead: true,
        assignment_id: Some(id(4)), name: "Åsa".into(), function: "Samordnare".into(), phone: None,
        how_to_reach: Some(sealed()), reach_hours: Some("{}".into()), status: care_contact::Status::Active, valid_from: at(0),
        valid_until: None, review_on: Some(day()), appointed_by: id(4), on_request: true, ended_at: None,
        end_reason: None, consultation: None, told_ground: None, follows_id: None, row_version: 1,
    },
    contact_request: contact_request::Model = contact_request::Model {
        id: id(40), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        role: care_contact::Role::FastLakarkontakt, treating_kind: None, why: sealed(),
        status: contact_request::Status::Open, due_at: at(60), asked_by_kind: ActorKind::Patient,
        asked_by_id: id(5), created_at: at(0), ended_at: None, ended_how: None, ending: None, contact_id: None,
        row_version: 1,
    },
    contact_request_pass: contact_request_pass::Model = contact_request_pass::Model {
        id: id(41), request_id: id(40), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        to_unit_id: id(2), reason: sealed(), by_id: id(4), at: at(1),
    },
    contact_offer: contact_offer::Model = contact_offer::Model {
        id: id(42), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        role: care_contact::Role::FastLakarkontakt, treating_kind: None, words: Some(sealed()),
        status: contact_offer::Status::Open, offered_by: id(4), offered_at: at(0), answered_at: None,
        answered_by_kind: None, answered_by_id: None, answered_how: None, answer_words: None, row_version: 1,
    },
    contact_absence: contact_absence::Model = contact_absence::Model {
        id: id(43), care_unit_id: id(2), care_provider_id: id(1), contact_id: Some(id(16)), assignment_id: None,
        from_at: at(10), until_at: at(20), substitute_id: Some(id(4)), created_by: id(4), created_at: at(0),
        cancelled_at: None, cancelled_by: None, row_version: 1,
    },
    contact_function_rule: contact_function_rule::Model = contact_function_rule::Model {
        id: id(44), care_unit_id: id(2), care_provider_id: id(1), number: 1, functions: "[]".into(),
        set_by: id(4), set_at: at(0),
    },
    register_event: register_event::Model = register_event::Model {
        id: id(45), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), contact_id: id(16),
        change: register_event::Change::Appointed, code: Some(register_event::Code::FastVardkontakt),
        valid_from: at(0), valid_until: None, at: at(0), delivered_at: None,
    },
    appointment_type: appointment_type::Model = appointment_type::Model {
        id: id(17), care_unit_id: id(2), care_provider_id: id(1), name: "Provtagning".into(),
        mode: appointment_type::Mode::Visit, length_minutes: 15, seats: 1,
        web_booking: appointment_type::WebBooking::Everyone, conditions: None, preparation: None,
        cancel_working_days: 1, staff_needed: 1, retired_at: None, created_at: at(0), row_version: 1,
    },
    schedule: schedule::Model = schedule::Model {
        id: id(18), care_unit_id: id(2), care_provider_id: id(1), appointment_type_id: id(17),
        rule: "FREQ=WEEKLY;BYDAY=MO".into(), valid_from: day(), valid_until: None, block_from: "08:00".into(),
        block_until: "12:00".into(), pauses: "[]".into(), except_days: "[]".into(), extra_days: "[]".into(),
        on_closed_days: false, seats: 1, web_bookable: true, published_until: day(), ended_at: None,
        created_by: id(4), created_at: at(0), row_version: 1,
    },
    schedule_staff: schedule_staff::Model = schedule_staff::Model {
        schedule_id: id(18), assignment_id: id(4), place: 0,
    },
    slot: slot::Model = slot::Model {
        id: id(19), schedule_id: Some(id(18)), care_unit_id: id(2), care_provider_id: id(1), appointment_type_id: id(17),
        assignment_id: Some(id(4)), starts_at: at(60), ends_at: at(75), local_start: "2027-01-15T09:00".into(),
        zone: "Europe/Stockholm".into(), time_slice: 0, seats: 2, open_seats: 1, web_bookable: true,
        withdrawn_at: None, withdrawal: None, withdrawn_for: None, source: "OWN".into(), created_at: at(0),
    },
    slot_staff: slot_staff::Model = slot_staff::Model {
        slot_id: id(19), assignment_id: id(4), starts_at: at(60),
    },
    appointment: appointment::Model = appointment::Model {
        id: id(20), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), slot_id: id(19), seat_no: 1,
        appointment_type_id: id(17), assignment_id: Some(id(4)), plan_item_id: Some(id(14)),
        status: appointment::Status::Booked, origin: appointment::Origin::SelfBooked,
        booking_channel: appointment::BookingChannel::Web, mode: appointment_type::Mode::Visit,
        starts_at: at(60), ends_at: at(75), cancel_by: at(30), schedule_version: 1, known_starts_at: Some(at(45)), confirmed_at: None,
        cancelled_at: None, cancelled_by: None, booked_by: ActorKind::Patient, confirmed_by: None, outcome_at: None, item_closed_at: None,
        conditions: Some("Remiss".into()), conditions_version: Some(1), conditions_accepted_at: Some(at(0)),
        conditions_accepted_by: Some(ActorKind::Patient), source: "OWN".into(), created_at: at(0), row_version: 1,
    },
    seat_claim: seat_claim::Model = seat_claim::Model {
        id: id(20), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), slot_id: id(19), seat_no: 1,
        starts_at: at(60), ends_at: at(75), held_until: None, by_kind: ActorKind::Patient, by_id: id(5),
        created_at: at(0),
    },
    occupancy: occupancy::Model = occupancy::Model { subject_id: id(5), cell_start: at(60), holder_id: id(20) },
    thread: thread::Model = thread::Model {
        id: id(21), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: thread::Kind::PatientCare, subject: sealed(), status: thread::Status::Open,
        last_message_at: at(1), last_message_id: id(22), last_author: ActorKind::Patient, answer_by: None,
        to_role: Some(care_contact::Role::FastVardkontakt), to_treating_kind: None, role_unit_id: Some(id(2)), begun_by_link: true, from_unit_id: None, created_at: at(0),
    },
    thread_message: thread_message::Model = thread_message::Model {
        id: id(22), thread_id: id(21), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        author_kind: ActorKind::Patient, author_id: id(5), body: sealed(), sent_at: at(1),
    },
    thread_read: thread_read::Model = thread_read::Model {
        thread_id: id(21), reader_id: id(5), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        reader_kind: ActorKind::Patient, message_id: id(22), read_at: at(2),
    },
    reminder_preference: reminder_preference::Model = reminder_preference::Model {
        id: id(23), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: reminder_preference::PreferenceKind::Appointment, channel: contact_way::Channel::Sms,
        opted_in: true, detail: reminder_preference::Detail::TimeOnly, text_shown: "Vill du få påminnelser?".into(),
        text_version: None, by_kind: ActorKind::Patient, by_id: id(5), decided_at: at(0),
    },
    guardian_reminder: guardian_reminder::Model = guardian_reminder::Model {
        id: id(44), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), representative_id: id(8),
        channel: contact_way::Channel::Sms, address: sealed(), lookup: entity::LookupHash(vec![4, 4]),
        status: contact_way::Status::Good, opted_in: true, detail: reminder_preference::Detail::TimeOnly,
        text_shown: "Mån 1 mars".into(), text_version: Some("sv.1".into()), by_kind: ActorKind::Representative,
        by_id: id(8), decided_at: at(0), row_version: 1,
    },
    reminder_ladder: reminder_ladder::Model = reminder_ladder::Model {
        id: id(45), care_unit_id: id(2), care_provider_id: id(1), appointment_type_id: None, subject_id: id(2),
        number: 1, rungs: Some("[]".into()), set_by: id(4), set_at: at(0),
    },
    sending_hold: sending_hold::Model = sending_hold::Model {
        id: id(46), what: sending_hold::What::Hold, cause: sending_hold::Cause::Operator, at: at(0),
    },
    sending_mark: sending_mark::Model = sending_mark::Model { id: id(47), database_id: id(48), mark: 1, at: at(0) },
    staff_notice: staff_notice::Model = staff_notice::Model {
        id: id(49), care_unit_id: id(2), care_provider_id: id(1), assignment_id: id(4), address: sealed(),
        status: contact_way::Status::Good, opted_in: true, about: staff_notice::About::Unit, decided_at: at(0),
        row_version: 1,
    },
    notice: notice::Model = notice::Model {
        id: id(24), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: notice::Kind::Reminder, rule: "24h".into(), channel: contact_way::Channel::Sms,
        contact_way_id: Some(id(7)), guardian_reminder_id: None, staff_notice_id: None, appointment_id: Some(id(20)), schedule_version: Some(1),
        thread_id: Some(id(21)), agreement_id: Some(id(10)), due_at: at(30), useless_at: at(60),
        state: notice::State::Planned, reason: None, attempts: 0, leased_until: None, lease_token: None, claimed_at: None,
        dedupe_key: "a:1:24h".into(), link_hash: None, provider_ref: None, sent_at: None, report_by: None, ended_at: None, created_at: at(0),
        handled_as: None, handled_by: None, handled_at: None,
    },
    task: task::Model = task::Model {
        id: id(28), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), kind: task::Kind::Call,
        subject_id: id(10), agreement_id: Some(id(10)), assignee_id: Some(id(4)), instead_of_id: None, note: Some(sealed()),
        due_at: at(60), raised_to_manager_at: None, status: task::Status::Open, created_by_kind: ActorKind::Staff,
        created_by_id: id(4), created_at: at(1), ended_at: None, ended_by_kind: None, ended_by_id: None,
        ending: None, row_version: 1,
    },
    template_use: template_use::Model = template_use::Model {
        id: id(40), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        template: "surgery".into(), version: 1, anchor_on: day(), by_kind: ActorKind::Staff, by_id: id(4),
        created_at: at(0),
    },
    template_item: template_item::Model = template_item::Model {
        plan_item_id: id(14), use_id: id(40), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), item: "home-plan".into(), discharge: Some(template_item::Discharge::HomePlan),
        daily_call: false,
    },
    question_battery: question_battery::Model = question_battery::Model {
        id: id(30), key: "own-questions".into(), version: 1, definition: "{}".into(), created_at: at(0),
    },
    battery_answer_set: battery_answer_set::Model = battery_answer_set::Model {
        id: id(31), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), battery_id: id(30),
        agreement_version_id: Some(id(11)), channel: battery_answer_set::Channel::Phone, corrects_id: None,
        by_kind: ActorKind::Staff, by_id: id(4), answered_at: at(0), created_at: at(0),
    },
    battery_answer: battery_answer::Model = battery_answer::Model {
        id: id(32), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), answer_set_id: id(31),
        question: "hur".into(), choice: Some(battery_answer::Choice::Partly), text: None, comment: Some(sealed()),
    },
    agreement_offer: agreement_offer::Model = agreement_offer::Model {
        id: id(1301), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), region: "25".into(),
        patient_group: None, offered_by: id(4), offered_how: agreement_offer::Way::OnSite, offered_at: at(0),
        status: agreement_offer::Status::Accepted, answered_at: Some(at(1)),
        answered_by_kind: Some(ActorKind::Staff), answered_by_id: Some(id(4)),
        answered_how: Some(agreement_offer::Way::Phone), answer_words: Some(sealed()), row_version: 2,
    },
    agreement_request: agreement_request::Model = agreement_request::Model {
        id: id(1302), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), region: "25".into(),
        why: Some(sealed()), asked_by_kind: ActorKind::Patient, asked_by_id: id(5), asked_how: None,
        asked_at: at(0), due_at: at(60), status: agreement_request::Status::Fulfilled,
        agreement_id: Some(id(10)), ended_at: Some(at(2)), ended_by_kind: Some(ActorKind::Staff),
        ended_by_id: Some(id(4)), ended_how: None, end_words: None, row_version: 2,
    },
    agreement_request_pass: agreement_request_pass::Model = agreement_request_pass::Model {
        id: id(1303), request_id: id(1302), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        from_unit_id: id(2), passed_by: id(4), reason: sealed(), passed_at: at(1),
    },
    safety_instruction: safety_instruction::Model = safety_instruction::Model {
        id: id(1304), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: safety_instruction::Kind::Medicine, text: sealed(), action: Some(sealed()),
        phone: Some("1177".into()), source: Some(sealed()), source_on: Some(day()),
        status: safety_instruction::Status::Open, added_by: id(4), added_at: at(1), agreed_version_id: None,
        settled_at: None, withdrawn_by: None, withdraw_reason: None, row_version: 1,
    },
    plan_link: plan_link::Model = plan_link::Model {
        id: id(1305), agreement_id: id(10), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        kind: plan_link::Kind::Rehab, title: sealed(), holder: sealed(), reference: Some(sealed()),
        url: Some(sealed()), dated_on: Some(day()), parties: Some(sealed()), fulfils: false,
        added_by_kind: ActorKind::Staff, added_by_id: id(4), added_at: at(1), removed_at: None,
        removed_by_kind: None, removed_by_id: None, remove_reason: None, row_version: 1,
    },
    phone_call: phone_call::Model = phone_call::Model {
        id: id(40), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        direction: phone_call::Direction::Incoming, with_whom: sealed(), about: sealed(), phone: Some(sealed()),
        call_by: Some(at(60)), status: phone_call::Status::ToMake, created_by: id(4), created_at: at(1),
        ended_at: None, row_version: 1,
    },
    phone_call_attempt: phone_call_attempt::Model = phone_call_attempt::Model {
        id: id(41), call_id: id(40), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1),
        reached: false, words: Some(sealed()), by: id(4), at: at(2),
    },
    change_entry: change_entry::Model = change_entry::Model {
        id: id(25), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), agreement_id: Some(id(10)),
        subject_kind: "goal".into(), subject_id: id(12), action: "goalAdd".into(), by_kind: ActorKind::Staff,
        by_id: id(4), acting_for: Some(id(5)), before: None, after: Some(sealed()), at: at(1),
    },
    time_wish: time_wish::Model = time_wish::Model {
        id: id(201), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), appointment_type_id: id(17),
        assignment_id: Some(id(4)), weekdays: 127, spans: "[]".into(), modes: "[]".into(), from_on: day(),
        until_on: day(), notice_minutes: 60, by_phone: true, channel: appointment::BookingChannel::Web,
        status: time_wish::Status::Open, answer_by: at(90), raised_at: Some(at(2)), unanswered: 1, appointment_id: None,
        created_by_kind: ActorKind::Patient, created_by_id: id(5), created_at: at(1), ended_at: None,
        ended_by_kind: None, ended_by_id: None, row_version: 1,
    },
    time_offer: time_offer::Model = time_offer::Model {
        id: id(202), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), wish_id: id(201), slot_id: id(19),
        seat_no: 2, status: time_offer::Status::Open, offered_at: at(1), answer_by: at(30), answered_at: None,
        answered_by_kind: None, answered_by_id: None, row_version: 1,
    },
    left_slot: left_slot::Model = left_slot::Model {
        slot_id: id(19), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), left_at: at(2),
    },
    calendar_feed: calendar_feed::Model = calendar_feed::Model {
        id: id(119), patient_id: id(5), care_unit_id: id(2), care_provider_id: id(1), secret_hash: Some(vec![7; 32]),
        detail: reminder_preference::Detail::TimeOnly, created_at: at(0), row_version: 1,
    },
    channel_pause: channel_pause::Model = channel_pause::Model { channel: "SMS".into(), paused_at: at(1) },
    channel_set: channel_set::Model = channel_set::Model {
        id: Uuid::nil(), channels: "MAIL,SMS".into(), taken_at: at(1), planned_to: Some(id(5)),
    },
    worker_beat: worker_beat::Model = worker_beat::Model {
        id: id(120), started_at: at(0), beat_at: at(1), trouble: String::new(),
    },
    domain_event: domain_event::Model = domain_event::Model {
        id: id(26), kind: "AGREEMENT_ACTIVE".into(), patient_id: id(5), care_unit_id: id(2),
        care_provider_id: id(1), subject_id: id(10), by_kind: ActorKind::Patient, at: at(1),
    },
    access_event: access_event::Model = access_event::Model {
        id: id(27), writer_id: id(100), seq: 1, hash: vec![1], actor_kind: ActorKind::Staff,
        actor_id: Some(id(4)), acting_for: Some(id(5)), care_unit_id: Some(id(2)), action: "patient".into(),
        outcome: access_event::Outcome::Allowed, reason: None, words: None, request_id: "r".into(), at: at(1),
    },
    access_event_patient: access_event_patient::Model = access_event_patient::Model {
        event_id: id(27), patient_id: id(5),
    },
}
