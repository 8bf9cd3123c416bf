//! The population of a seed: as many patients as wanted, each with the same amount of everything.
//!
//! Every text about a patient has a word that names its owner and its field ([`canary`]): found anywhere it should
//! not be, it says whose text leaked.

use chrono::TimeDelta;
use entity::{
    AgreementId, ThreadId, agreement,
    agreement_version::Party,
    appointment::Origin,
    appointment_type::{Mode, WebBooking},
    assignment::Role,
    care_contact, care_provider, care_unit,
    contact_way::Channel,
    goal, patient, plan_item,
    plan_item_revision::{Category, Owner},
    reminder_preference::{Detail, PreferenceKind},
};

use super::{
    care::{ContactText, Line},
    ids::mix,
    people::{self, Person},
    plan::{AgreementText, GoalText, ItemText, Stage, When},
    units::{TypeText, UnitText, WorkerText, WorkingDays, half_hour},
    writer::{Unit, Whose, Worker, Writer},
};
use crate::{domain::agreement::content::AgreementContent, error::Fault};

/// Patients of one unit, and staff.
pub const PATIENTS_PER_UNIT: u32 = 500;
pub const STAFF_PER_UNIT: usize = 15;
/// Of the staff, those with the role CARE come first.
const CARE_STAFF: usize = 11;
/// Of those, the doctors.
const DOCTORS: [usize; 3] = [1, 5, 9];
/// The organisation of the seeded units: no such number is given to anyone.
pub const HSA_PREFIX: &str = "SE9999990001-S";

/// The word that names the owner of a text, and the field.
pub fn canary(patient: u32, field: &str) -> String {
    format!("kanariefågel-{patient}-{field}")
}

/// One seeded patient.
#[derive(Clone, Debug)]
pub struct Seeded {
    pub whose: Whose,
    pub person: Person,
    pub agreement: AgreementId,
    pub thread: ThreadId,
}

const TYPES: [TypeText; 3] = [
    TypeText {
        name: "Återbesök",
        mode: Mode::Visit,
        minutes: 30,
        web: WebBooking::Everyone,
        cancel_days: 1,
        preparation: Some("Ta med din läkemedelslista."),
    },
    TypeText {
        name: "Telefonsamtal",
        mode: Mode::Phone,
        minutes: 15,
        web: WebBooking::Everyone,
        cancel_days: 1,
        preparation: None,
    },
    TypeText {
        name: "Videomöte",
        mode: Mode::Video,
        minutes: 20,
        web: WebBooking::Everyone,
        cancel_days: 1,
        preparation: None,
    },
];

/// The units for so many patients.
pub fn units(writer: &mut Writer, patients: u32) -> Result<Vec<Unit>, Fault> {
    let region = writer.provider(&format!("{HSA_PREFIX}R"), "Region Exempel", care_provider::Kind::Region);
    let private = writer.provider(&format!("{HSA_PREFIX}P"), "Exempelvård AB", care_provider::Kind::Private);
    (0..patients.div_ceil(PATIENTS_PER_UNIT).max(1))
        .map(|n| unit(writer, n, if n % 5 == 4 { private } else { region }))
        .collect()
}

fn unit(writer: &mut Writer, n: u32, provider: entity::CareProviderId) -> Result<Unit, Fault> {
    let nth = n as usize;
    let kinds = ["Vårdcentralen", "Hjärtmottagningen", "Psykiatrimottagningen", "Rehabenheten"];
    let places = ["Ängen", "Björkön", "Östermalm", "Västra Å", "Södra Hamnen"];
    let text = UnitText {
        provider,
        hsa_id: format!("{HSA_PREFIX}U{n}"),
        name: format!("{} {} {}", kinds[nth % 4], places[nth % 5], n + 1),
        kind: care_unit::Kind::HealthCare,
        phone: people::landline(u64::from(n)),
        address: Some(format!("Exempelgatan {}", n + 1)),
        after_hours: ("Sjukvårdsrådgivningen", writer.core.settings.after_hours_phone.clone()),
        sensitive: nth % 4 == 2,
    };
    let titles = ["Sjuksköterska", "Läkare", "Fysioterapeut", "Kurator"];
    let given = ["Åsa", "Björn", "Eva", "Göran", "Maria", "Lars", "Örjan"];
    let family = ["Provlind", "Provberg", "Provåker", "Provsjö", "Provgren", "Provdal"];
    let workers = (0..STAFF_PER_UNIT).map(|i| {
        let number = nth * STAFF_PER_UNIT + i;
        WorkerText {
            name: format!("{} {}", given[number % 7], family[number % 6]),
            title: titles[i % 4],
            role: match i {
                0..CARE_STAFF => Role::Care,
                11 | 12 => Role::Coordinator,
                13 => Role::UnitManager,
                _ if n.is_multiple_of(2) => Role::Analyst,
                _ => Role::Admin,
            },
            person_hsa_id: format!("{HSA_PREFIX}P{number}"),
            assignment_hsa_id: format!("{HSA_PREFIX}A{number}"),
        }
    });
    writer.unit(text, &TYPES, workers.collect())
}

/// The `n`th patient, from 0, of unit `n % units`; `in_unit` counts the unit's own patients.
pub fn patient(
    writer: &mut Writer,
    days: &WorkingDays,
    unit: &Unit,
    seed: u64,
    (n, in_unit): (u32, usize),
) -> Result<Seeded, Fault> {
    let person = people::person(seed, n, writer.today);
    let number = n + 1;
    let protected = if number.is_multiple_of(97) {
        patient::ProtectedIdentity::Sekretessmarkering
    } else {
        patient::ProtectedIdentity::None
    };
    let needs = number
        .is_multiple_of(7)
        .then(|| format!("Behöver plats för rullstol och god tid ({}).", canary(number, "behov")));
    let whose = writer.patient(&person, unit, protected, needs.as_deref())?;
    addresses(writer, whose, number)?;
    let care = |i: usize| &unit.workers[(in_unit + i) % CARE_STAFF];
    let doctor = &unit.workers[DOCTORS[in_unit % DOCTORS.len()]];
    contacts(writer, whose, unit, number, (doctor, care))?;
    let agreement = agreement(writer, whose, number, care)?;
    if number.is_multiple_of(4) {
        ended_agreement(writer, whose, number, care(0))?;
    }
    appointments(writer, whose, unit, days, in_unit);
    let thread = threads(writer, whose, number, care(2))?;
    Ok(Seeded { whose, person, agreement, thread })
}

fn addresses(writer: &mut Writer, whose: Whose, number: u32) -> Result<(), Fault> {
    writer.contact_way(whose, Channel::Mail, &people::mail(&format!("p{number}")))?;
    writer.contact_way(whose, Channel::Sms, &people::mobile(u64::from(number)))?;
    let shown = "Du har en tid måndag 1 mars kl. 09.00. Ring oss om du har frågor.";
    let kind = PreferenceKind::Appointment;
    if number.is_multiple_of(2) {
        writer.opt_in(whose, kind, Channel::Mail, Detail::UnitName, shown);
    }
    if !number.is_multiple_of(3) {
        writer.opt_in(whose, kind, Channel::Sms, Detail::TimeOnly, shown);
    }
    Ok(())
}

fn contacts<'a>(
    writer: &mut Writer,
    whose: Whose,
    unit: &Unit,
    number: u32,
    (doctor, care): (&Worker, impl Fn(usize) -> &'a Worker),
) -> Result<(), Fault> {
    let days = |n: i64| writer.at - TimeDelta::days(n);
    let (since, earlier, ended) = (days(500), days(1500), days(501));
    let contact = |role, field: &str| ContactText {
        role,
        treating_kind: None,
        lead: role == care_contact::Role::FastVardkontakt,
        how_to_reach: Some(format!("Ring vardagar 8–10 ({}).", canary(number, field))),
        from: since,
        ended: None,
        on_request: number.is_multiple_of(5),
    };
    writer.contact(
        whose,
        care(0),
        &unit.phone,
        contact(care_contact::Role::FastVardkontakt, "vårdkontakt"),
    )?;
    if number.is_multiple_of(2) {
        let text = contact(care_contact::Role::FastLakarkontakt, "läkarkontakt");
        writer.contact(whose, doctor, &unit.phone, text)?;
    }
    if number.is_multiple_of(3) {
        let text = ContactText {
            from: earlier,
            ended: Some((ended, format!("Slutade på mottagningen ({}).", canary(number, "avslut")))),
            ..contact(care_contact::Role::FastVardkontakt, "tidigare")
        };
        writer.contact(whose, care(3), &unit.phone, text)?;
    }
    Ok(())
}

fn content(number: u32, title: &str) -> AgreementContent {
    let tell = |text: &str, field: &str| Some(format!("{text} ({}).", canary(number, field)));
    AgreementContent {
        title: format!("{title} ({})", canary(number, "rubrik")),
        story: tell("Jag har haft ont länge och vill klara mig själv hemma", "berättelse"),
        what_matters: tell("Att kunna gå till affären och träffa mina vänner", "viktigt"),
        shared_goal: tell("Vi siktar på en vardag som fungerar till sommaren", "mål"),
        own_responsibility: tell("Jag rör på mig varje dag och tar mina läkemedel", "ansvar"),
        self_care: tell("Promenad varje dag och vila vid behov", "egenvård"),
        when_to_seek_help: tell("Ring oss vid feber eller andnöd, ring 112 om det är bråttom", "hjälp"),
        how_results_come: tell("Provsvar kommer som meddelande inom en vecka", "svar"),
        ..AgreementContent::default()
    }
}

fn agreement<'a>(
    writer: &mut Writer,
    whose: Whose,
    number: u32,
    care: impl Fn(usize) -> &'a Worker,
) -> Result<AgreementId, Fault> {
    let goals = ["Gå utan smärta", "Sova hela natten", "Åter i arbete på halvtid"];
    let goals = (0_u32..).zip(goals).map(|(g, text)| {
        let done = (number + g + 1).is_multiple_of(5);
        GoalText {
            text: format!(
                "{text}: klara vardagen bättre och följa upp vid nästa avstämning ({}).",
                canary(number, &format!("mål{}", g + 1))
            ),
            status: if done { goal::Status::Completed } else { goal::Status::Active },
            achievement: if done { goal::Achievement::Achieved } else { goal::Achievement::InProgress },
            set_by: Party::Patient,
            target_on: Some(writer.today + TimeDelta::days(90 + i64::from(g) * 30)),
        }
    });
    let goals: Vec<_> = goals.collect();
    let items = (1..=8).map(|k| item(writer, number, k, care(k as usize))).collect();
    let minutes = i64::from(number) * 7_919 % 500_000;
    writer.agreement(
        whose,
        AgreementText {
            stage: Stage::Active,
            content: content(number, "Mitt patientkontrakt"),
            goals,
            items,
            author: care(0).assignment,
            created_at: writer.at - TimeDelta::days(400),
            updated_at: writer.at - TimeDelta::minutes(minutes),
        },
    )
}

fn item(writer: &Writer, number: u32, k: u32, worker: &Worker) -> ItemText {
    let (category, title) = match k {
        1 => (Category::SelfCare, "Ta blodtryck varje morgon"),
        2 => (Category::Examination, "Provtagning inför återbesök"),
        3 => (Category::Contact, "Boka tid hos fysioterapeut"),
        4 => (Category::Coordination, "Uppdatera läkemedelslista"),
        5 => (Category::SelfCare, "Promenad 30 minuter dagligen"),
        6 => (Category::FollowUp, "Ring upp efter provsvar"),
        7 => (Category::Referral, "Skicka remiss till röntgen"),
        _ => (Category::Information, "Fyll i egenvårdsformulär"),
    };
    let tell = |text: &str, field: &str| format!("{text} ({}).", canary(number, &format!("{field}{k}")));
    let status = if (number + k).is_multiple_of(3) {
        plan_item::Status::Done
    } else if (number + k).is_multiple_of(11) {
        plan_item::Status::Cancelled
    } else if k == 5 {
        plan_item::Status::InProgress
    } else {
        plan_item::Status::Accepted
    };
    let due = writer.today + TimeDelta::days((i64::from(number) * 31 + i64::from(k) * 17) % 400 - 60);
    ItemText {
        category,
        title: format!("{title} ({})", canary(number, &format!("insats{k}"))),
        description: Some(tell(
            "Det här ska göras, av den som står här; hör av dig om något är oklart",
            "beskrivning",
        )),
        owner: if k % 2 == 1 { Owner::Patient } else { Owner::Care },
        relative_name: None,
        when: match k {
            1 | 5 => When::Every("FREQ=DAILY", due - TimeDelta::days(60), due),
            2 => When::Between(due - TimeDelta::days(14), due),
            6 => When::After(tell("När provsvaret har kommit", "utlösare"), due),
            _ => When::On(due),
        },
        unit: None,
        responsible: Some(worker.assignment),
        goal: Some((k % 3) as usize),
        result_how: (k == 2).then(|| tell("Svaret kommer som meddelande", "resultat")),
        result_by: (k == 2).then(|| due + TimeDelta::days(7)),
        status,
        status_reason: (status == plan_item::Status::Cancelled).then(|| tell("Behövs inte längre", "orsak")),
        work_note: (k == 4).then(|| tell("Stäm av med avdelningen före återbesöket", "anteckning")),
    }
}

fn ended_agreement(writer: &mut Writer, whose: Whose, number: u32, author: &Worker) -> Result<(), Fault> {
    let (created_at, ended) = (writer.at - TimeDelta::days(1400), writer.at - TimeDelta::days(700));
    let text = AgreementText {
        stage: Stage::Ended(ended, agreement::EndReason::Completed),
        content: content(number, "Mitt förra patientkontrakt"),
        goals: Vec::new(),
        items: Vec::new(),
        author: author.assignment,
        created_at,
        updated_at: ended,
    };
    writer.agreement(whose, text).map(drop)
}

/// Two past and two coming times for the patient, and four free ones at the unit.
///
/// Each patient of a unit has a place of its own in everybody's calendar: one staff member in fifteen, one half hour
/// in four a day, and each kind of time its own weeks.
fn appointments(writer: &mut Writer, whose: Whose, unit: &Unit, days: &WorkingDays, in_unit: usize) {
    let worker = |shift: usize| &unit.workers[(in_unit + shift) % STAFF_PER_UNIT];
    let row = in_unit / STAFF_PER_UNIT;
    let (day, quarter) = (row / 4, row % 4);
    for k in 0..4 {
        let kind = &unit.types[k % 3];
        let time = half_hour(quarter * 4 + k);
        let starts_at = match k {
            0 => days.behind(40 + day, time),
            1 => days.behind(day, time),
            2 => days.ahead(30 + day, time),
            _ => days.ahead(60 + day, time),
        };
        let slot = writer.slot(unit, Some(worker(k)), kind, starts_at, false);
        let origin = if k % 2 == 0 { Origin::Agreed } else { Origin::SelfBooked };
        let booked_at = writer.at.min(starts_at) - TimeDelta::days(20);
        writer.appointment(whose, &slot, kind, origin, booked_at);
    }
    for k in 0..4 {
        let time = half_hour(quarter * 4 + k);
        writer.slot(unit, Some(worker(k)), &unit.types[(in_unit + k) % 3], days.ahead(1 + day, time), true);
    }
}

fn threads(writer: &mut Writer, whose: Whose, number: u32, worker: &Worker) -> Result<ThreadId, Fault> {
    let mut last = None;
    for (t, subject) in [(1_i64, "Fråga om läkemedel"), (2, "Inför besöket")] {
        let lines: Vec<Line> = (1_i64..=5)
            .map(|k| {
                let back = TimeDelta::days((6 - k) * 2 + (2 - t) * 20);
                let body = format!(
                    "Hej! Jag undrar om jag ska ta medicinen före eller efter frukost ({}). Vänliga hälsningar",
                    canary(number, &format!("meddelande{t}{k}"))
                );
                ((k % 2 == 0).then_some(worker.assignment), writer.at - back, body)
            })
            .collect();
        last = Some(writer.thread(
            whose,
            &format!("{subject} ({})", canary(number, &format!("ämne{t}"))),
            &lines,
        )?);
    }
    last.ok_or_else(|| Fault::internal("a patient without a thread"))
}

/// A number that spreads the first patients of different seeds.
pub fn name(seed: u64) -> String {
    format!("seed {seed} {:x}", mix(seed, 0, 0))
}
