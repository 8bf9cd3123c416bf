//! Who exists in every test: two care providers, three units, their staff, and three patients.
//!
//! P1 is listed at unit U1, P2 at U2 (both of the first provider), P3 at U3 (of the second). Staff have no care
//! relation with anyone until a test gives them one. Every patient's name is a word of its own, so a leak is seen.

use chrono::{NaiveDate, TimeDelta};
use entity::{
    AppointmentTypeId, AssignmentId, CareProviderId, CareRelationId, CareUnitId, PatientId,
    PatientIdentityId, RepresentativeId, StaffMemberId, appointment_type, assignment, care_provider,
    care_relation, care_unit, patient, patient_identity, representative, staff_member,
};
use patientkontrakt::{
    auth::token::Identity,
    calendar::{OpenSpan, OpeningHours},
    crypto::Place,
    domain::patient::IDENTITY_LOOKUP,
    graphql::scalars::{GlobalId, NodeKind},
    session::Core,
};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

/// Somebody at work.
#[derive(Clone, Debug)]
pub struct Staff {
    pub identity: Identity,
    pub assignment: AssignmentId,
    pub unit: CareUnitId,
    pub provider: CareProviderId,
}

/// A patient.
#[derive(Clone, Debug)]
pub struct TestPatient {
    pub identity: Identity,
    pub id: PatientId,
    pub number: String,
    pub unit: CareUnitId,
    pub provider: CareProviderId,
    /// A word that stands in this patient's texts and nowhere else.
    pub canary: &'static str,
}

impl TestPatient {
    pub fn global_id(&self) -> String {
        GlobalId::new(NodeKind::Patient, self.id).to_string()
    }
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct World {
    pub p1: TestPatient,
    pub p2: TestPatient,
    pub p3: TestPatient,
    /// CARE at U1.
    pub s1: Staff,
    /// CARE at U2, same provider.
    pub s2: Staff,
    /// CARE at U3, another provider.
    pub s3: Staff,
    /// COORDINATOR at U1.
    pub coordinator: Staff,
    /// `UNIT_MANAGER` at U1.
    pub manager: Staff,
    /// ANALYST at U1.
    pub analyst: Staff,
    /// ADMIN at U1.
    pub admin: Staff,
    /// A 30-minute visit at U1, bookable on the web, cancelled one working day before at the latest.
    pub visit: AppointmentTypeId,
    /// The same at U2.
    pub visit_u2: AppointmentTypeId,
    /// The same at U3.
    pub visit_u3: AppointmentTypeId,
}

impl World {
    pub async fn insert(core: &Core) -> Self {
        use assignment::Role as R;
        let first = provider(core, "Region Exempel", care_provider::Kind::Region).await;
        let second = provider(core, "Exempel Rehab AB", care_provider::Kind::Private).await;
        let u1 = unit(core, first, "Vårdcentralen Granen", "se0000000001-u1").await;
        let u2 = unit(core, first, "Hjärtmottagningen Ekens sjukhus", "se0000000001-u2").await;
        let u3 = unit(core, second, "Rehab Björken", "se0000000002-u3").await;
        let staff = async |name: &str, role, unit, provider| staff(core, name, role, unit, provider).await;
        Self {
            p1: patient(core, "Etta", "Kanariesson", "198202282380", u1, first, "kanarie-ett").await,
            p2: patient(core, "Tvåa", "Papegojsson", "198503152388", u2, first, "papegoja-tva").await,
            p3: patient(core, "Trea", "Undulatsson", "199006012388", u3, second, "undulat-tre").await,
            s1: staff("Stina Exempel", R::Care, u1, first).await,
            s2: staff("Sven Exempel", R::Care, u2, first).await,
            s3: staff("Sara Exempel", R::Care, u3, second).await,
            coordinator: staff("Kim Exempel", R::Coordinator, u1, first).await,
            manager: staff("Mona Exempel", R::UnitManager, u1, first).await,
            analyst: staff("Alva Exempel", R::Analyst, u1, first).await,
            admin: staff("Adam Exempel", R::Admin, u1, first).await,
            visit: visit(core, u1, first).await,
            visit_u2: visit(core, u2, first).await,
            visit_u3: visit(core, u3, second).await,
        }
    }
}

/// Gives the unit of `staff` a care relation with `patient`, from now on for a year.
pub async fn relate(core: &Core, staff: &Staff, patient: &TestPatient) -> CareRelationId {
    let id = CareRelationId(core.clock.uuid());
    let now = core.clock.now();
    let row = care_relation::Model {
        id,
        patient_id: patient.id,
        care_unit_id: staff.unit,
        care_provider_id: staff.provider,
        source: care_relation::Source::Listing,
        reason: None,
        declaration: None,
        declared_by: None,
        subject_id: None,
        valid_from: now,
        valid_until: Some(now + TimeDelta::days(365)),
        created_at: now,
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    id
}

/// One more of CARE where `like` works.
pub async fn colleague(core: &Core, like: &Staff, name: &str) -> Staff {
    staff(core, name, assignment::Role::Care, like.unit, like.provider).await
}

/// CARE at one more unit of the care provider of `like`.
pub async fn neighbour(core: &Core, like: &Staff) -> Staff {
    let unit = unit(core, like.provider, "Medicinmottagningen Ekens sjukhus", "se0000000001-u4").await;
    staff(core, "Siv Exempel", assignment::Role::Care, unit, like.provider).await
}

/// Somebody named as a representative (ombud), who signs in with `number`.
#[derive(Clone, Debug)]
pub struct Ombud {
    pub identity: Identity,
    pub id: RepresentativeId,
}

/// Names the person with this number (its last digit is worked out) as a representative of `patient`, from now on.
/// `areas` as they are stored: `{"BOOKING":"ACT"}`.
pub async fn represent(
    core: &Core,
    patient: &TestPatient,
    kind: representative::Kind,
    digits: &str,
    areas: &str,
    may_assent: bool,
) -> Ombud {
    let (id, now) = (RepresentativeId(core.clock.uuid()), core.clock.now());
    let number = with_check_digit(&digits[..11]);
    let row = representative::Model {
        id,
        patient_id: patient.id,
        care_unit_id: patient.unit,
        care_provider_id: patient.provider,
        kind,
        display_name: "Olle Ombudsson".to_owned(),
        number: core.keys.seal(Place::new("representative.number", id), &number).unwrap(),
        lookup: core.keys.lookup_hash(IDENTITY_LOOKUP, &number),
        rights: areas.to_owned(),
        may_assent,
        valid_from: now,
        valid_until: None,
        created_at: now,
        row_version: 1,
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    Ombud { identity: Identity::Patient { number }, id }
}

/// A child listed where `like` is. The birth date is that of the number.
pub async fn child(core: &Core, like: &TestPatient, digits: &str) -> TestPatient {
    patient(core, "Cesar", "Tukansson", digits, like.unit, like.provider, "tukanen-barn").await
}

/// Up to 300 more people, listed where `like` is.
pub async fn crowd(core: &Core, like: &TestPatient, count: usize) -> Vec<TestPatient> {
    let mut people = Vec::with_capacity(count);
    for n in 0..count {
        let digits = format!("1971{:02}{:02}2380", 1 + n / 28, 1 + n % 28);
        let family = format!("Skarsson {n}");
        people.push(patient(core, "Ska", &family, &digits, like.unit, like.provider, "skata-skara").await);
    }
    people
}

async fn provider(core: &Core, name: &str, kind: care_provider::Kind) -> CareProviderId {
    let id = CareProviderId(core.clock.uuid());
    let row = care_provider::Model {
        id,
        hsa_id: None,
        name: name.to_owned(),
        kind,
        region: "99".to_owned(),
        source: "OWN".to_owned(),
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    id
}

async fn unit(core: &Core, provider: CareProviderId, name: &str, hsa_id: &str) -> CareUnitId {
    let id = CareUnitId(core.clock.uuid());
    let hours = OpeningHours::weekdays(OpenSpan::new("08:00", "17:00").unwrap());
    let row = care_unit::Model {
        id,
        care_provider_id: provider,
        hsa_id: Some(hsa_id.to_owned()),
        name: name.to_owned(),
        kind: care_unit::Kind::HealthCare,
        phone: "+468465004".to_owned() + &hsa_id[hsa_id.len() - 1..] + "0",
        address: Some("Exempelgatan 1".to_owned()),
        opening_hours: serde_json::to_string(&hours).unwrap(),
        closing_days: "[]".to_owned(),
        after_hours_name: None,
        after_hours_phone: None,
        sensitive: false,
        source: "OWN".to_owned(),
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    id
}

async fn staff(
    core: &Core,
    name: &str,
    role: assignment::Role,
    unit: CareUnitId,
    provider: CareProviderId,
) -> Staff {
    let (member, id) = (StaffMemberId(core.clock.uuid()), AssignmentId(core.clock.uuid()));
    let hsa = format!("se0000000001-{}", name.split(' ').next().unwrap_or_default().to_lowercase());
    let row = staff_member::Model {
        id: member,
        issuer: "demo".to_owned(),
        subject: hsa.clone(),
        hsa_id: Some(hsa.clone()),
        display_name: name.to_owned(),
        // Those in care can have any role, also one that takes a doctor.
        title: if role == assignment::Role::Care { "läkare" } else { "sjuksköterska" }.to_owned(),
        source: "OWN".to_owned(),
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    let row = assignment::Model {
        id,
        staff_member_id: member,
        care_unit_id: unit,
        care_provider_id: provider,
        hsa_id: format!("{hsa}-uppdrag"),
        role,
        valid_from: core.clock.now() - TimeDelta::days(1),
        valid_until: None,
        source: "OWN".to_owned(),
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    let identity = Identity::Staff { person: hsa.to_uppercase(), assignment: Some(format!("{hsa}-uppdrag")) };
    Staff { identity, assignment: id, unit, provider }
}

async fn visit(core: &Core, unit: CareUnitId, provider: CareProviderId) -> AppointmentTypeId {
    let id = AppointmentTypeId(core.clock.uuid());
    let row = appointment_type::Model {
        id,
        care_unit_id: unit,
        care_provider_id: provider,
        name: "Återbesök".to_owned(),
        mode: appointment_type::Mode::Visit,
        length_minutes: 30,
        seats: 1,
        web_booking: appointment_type::WebBooking::Everyone,
        conditions: None,
        preparation: Some("Ta med din läkemedelslista.".to_owned()),
        cancel_working_days: 1,
        staff_needed: 0,
        retired_at: None,
        created_at: core.clock.now(),
        row_version: 1,
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    id
}

async fn patient(
    core: &Core,
    given: &str,
    family: &str,
    digits: &str,
    unit: CareUnitId,
    provider: CareProviderId,
    canary: &'static str,
) -> TestPatient {
    // The first eleven digits are a published test number's; the last is its check digit.
    let number = with_check_digit(&digits[..11]);
    let (id, now) = (PatientId(core.clock.uuid()), core.clock.now());
    let row = patient::Model {
        id,
        care_unit_id: unit,
        care_provider_id: provider,
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        name_search: format!("{family} {given}").to_lowercase(),
        birth_date: NaiveDate::parse_from_str(&number[..8], "%Y%m%d")
            .unwrap_or(NaiveDate::from_ymd_opt(1982, 2, 28).unwrap()),
        language: "sv".to_owned(),
        protected_identity: patient::ProtectedIdentity::None,
        interpreter_language: None,
        access_needs: None,
        deceased_on: None,
        source: "OWN".to_owned(),
        created_at: now,
        row_version: 1,
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    let row_id = PatientIdentityId(core.clock.uuid());
    let row = patient_identity::Model {
        id: row_id,
        patient_id: id,
        care_unit_id: unit,
        care_provider_id: provider,
        kind: patient_identity::Kind::Personnummer,
        issuer: None,
        number: core.keys.seal(Place::new("patient_identity.number", row_id), &number).unwrap(),
        lookup: core.keys.lookup_hash(IDENTITY_LOOKUP, &number),
        is_current: true,
        created_at: now,
    };
    row.into_active_model().insert(core.db.reader()).await.unwrap();
    let identity = Identity::Patient { number: number.clone() };
    TestPatient { identity, id, number, unit, provider, canary }
}

/// Appends the check digit (Luhn over the last nine digits and this one).
fn with_check_digit(eleven: &str) -> String {
    let sum: u32 = eleven[2..]
        .bytes()
        .enumerate()
        .map(|(i, b)| {
            let product = u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum();
    format!("{eleven}{}", (10 - sum % 10) % 10)
}
