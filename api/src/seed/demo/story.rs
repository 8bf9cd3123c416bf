//! The first patient: chronic lung disease, heart failure and diabetes, three care providers, one plan for all of it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    agreement_version::Party,
    appointment::Origin,
    care_contact::{Role, TreatingKind},
    goal::{Achievement, Status as GoalStatus},
    plan_item::Status,
    plan_item_revision::{
        Category::{
            Contact, Coordination, Examination, FollowUp, LoanOfEquipment, Referral, SelfCare, Treatment,
        },
        Owner,
    },
};

use super::{
    Demo, clock_time, contact,
    themes::{Due, Item},
    units::Units,
};
use crate::{
    calendar::to_local,
    domain::agreement::content::{AgreementContent, Light, Measurement, Medicine, WarningSign},
    error::Fault,
    seed::{
        care::{ContactText, Line},
        plan::{AgreementText, GoalText, ItemText, Stage, When},
        writer::{Unit, Whose, Writer},
    },
};

const PATIENT: Owner = Owner::Patient;
const CARE: Owner = Owner::Care;

pub fn first(demo: &mut Demo, writer: &mut Writer, units: &Units, whose: Whose) -> Result<(), Fault> {
    let since = writer.at - TimeDelta::days(240);
    let centre = &units.health_centre;
    let (maria, johan) = (&centre.workers[0], &centre.workers[1]);
    let amina = &units.heart.workers[0];
    let at_heart = Whose { unit: units.heart.id, provider: units.heart.provider, ..whose };

    let text = contact(
        Role::FastVardkontakt,
        since,
        "Ring vardagar 8–10, eller skriv ett meddelande när som helst.",
    );
    writer.contact(whose, maria, &centre.phone, ContactText { on_request: true, ..text })?;
    let text =
        contact(Role::FastLakarkontakt, since, "Skriv ett meddelande, jag svarar inom två arbetsdagar.");
    writer.contact(whose, johan, &centre.phone, text)?;
    let text = contact(Role::BehandlandeRoll, since, "Ring hjärtmottagningens telefontid 9–11.");
    let text = ContactText { treating_kind: Some(TreatingKind::HeartFailureNurse), ..text };
    writer.contact(at_heart, amina, &units.heart.phone, text)?;
    let (eva, samir) = (&units.home.workers[0], &units.rehab.workers[0]);
    let at_home = Whose { unit: units.home.id, provider: units.home.provider, ..whose };
    let at_rehab = Whose { unit: units.rehab.id, provider: units.rehab.provider, ..whose };
    let text = contact(Role::FastOmsorgskontakt, since, "Ring hemvården, eller fråga när vi är hos dig.");
    writer.contact(at_home, eva, &units.home.phone, text)?;
    let text = contact(Role::BehandlandeRoll, since, "Ring rehab vardagar 8–16.30.");
    let text = ContactText { treating_kind: Some(TreatingKind::Physiotherapist), ..text };
    writer.contact(at_rehab, samir, &units.rehab.phone, text)?;

    writer.agreement(
        whose,
        AgreementText {
            stage: Stage::Active,
            content: content(writer.today - TimeDelta::days(20)),
            goals: goals(writer),
            items: items(writer, units, to_local(control_at(demo)).date_naive()),
            author: maria.assignment,
            created_at: writer.at - TimeDelta::days(120),
            updated_at: writer.at - TimeDelta::hours(2),
        },
    )?;
    times(demo, writer, units, whose);
    threads(writer, units, whose, at_heart)
}

fn sign(light: Light, sign: &str, action: &str, phone: Option<&str>) -> WarningSign {
    WarningSign {
        light,
        sign: sign.to_owned(),
        action: Some(action.to_owned()),
        phone: phone.map(str::to_owned),
        weekdays: (light == Light::Yellow).then(|| "Ring Maria på vårdcentralen 8–16.30.".to_owned()),
        weekends: (light == Light::Yellow).then(|| "Ring 1177.".to_owned()),
    }
}

fn content(listed_on: NaiveDate) -> AgreementContent {
    let some = |text: &str| Some(text.to_owned());
    AgreementContent {
        title: "Mitt patientkontrakt".to_owned(),
        story: some(
            "Jag bor ensam på andra våningen utan hiss. Jag har haft kol i många år, och sedan i fjol även \
             hjärtsvikt. Sockret har jag haft koll på länge. Det svåraste är att jag blir andfådd i trappan och har \
             blivit rädd för att gå ut när det är kallt. Jag har legat inne två gånger i vinter och vill inte dit igen.",
        ),
        what_matters: some("Att orka gå till mataffären själv, och att barnbarnen kan komma på söndagar."),
        shared_goal: some(
            "Färre försämringar: vi märker dem tidigt och gör något innan det blir akut. Lagom mycket vård, på rätt ställe.",
        ),
        own_responsibility: some(
            "Jag väger mig varje morgon och skriver upp vikten, tar mina inhalationer och går en runda varje dag.",
        ),
        self_care: some(
            "Vätskedrivande extra en dag om vikten ökar ett kilo. Inhalationer enligt planen vid försämring. Vila \
             mellan sysslorna.",
        ),
        when_to_seek_help: some(
            "Grönt: som vanligt, följ planen. Gult: mer andfådd, mer slem, svullna ben eller två kilo upp på tre \
             dagar – ring Maria på vårdcentralen vardagar 8–16.30, annars 1177. Rött: svårt att andas i vila, \
             bröstsmärta eller förvirring – ring 112.",
        ),
        how_results_come: some(
            "Provsvar kommer som meddelande inom fem dagar. Maria ringer om något behöver ändras.",
        ),
        ambition: some("Lugn vardag hemma hellre än fler undersökningar."),
        resources: some("Min dotter handlar på torsdagar. Grannen har nyckel. Jag är envis."),
        wishes: some("Att få sova hemma så långt det går, och att samma person ringer."),
        warning_signs: vec![
            sign(Light::Green, "Andas som vanligt, vikten står stilla", "Följ planen.", None),
            sign(
                Light::Yellow,
                "Mer andfådd, mer slem, svullna ben eller två kilo upp på tre dagar",
                "Ta en vätskedrivande extra och ring samma dag.",
                Some("+46846500410"),
            ),
            sign(
                Light::Red,
                "Svårt att andas i vila, bröstsmärta eller förvirring",
                "Ring 112 genast.",
                Some("112"),
            ),
        ],
        as_needed_medication: vec![Medicine {
            name: "Salbutamol inhalationspulver".to_owned(),
            dose: "2 inhalationer".to_owned(),
            when: "Vid andnöd".to_owned(),
            at_most: some("8 inhalationer per dygn"),
            source: some("Läkemedelslistan, Nationella läkemedelslistan"),
            source_on: Some(listed_on),
        }],
        own_measurements: vec![Measurement {
            what: "Vikt".to_owned(),
            unit: "kg".to_owned(),
            lower: some("86"),
            upper: some("92.5"),
            how_often: "Varje morgon före frukost".to_owned(),
            read_by: some("Maria på vårdcentralen"),
            read_when: some("Vardagar före klockan 10"),
            outside: some("Ring Maria på vardagar. Helger: ring 1177."),
        }],
        safety: Vec::new(),
    }
}

fn goals(writer: &Writer) -> Vec<GoalText> {
    let goal = |text: &str, set_by, days, achievement| GoalText {
        text: text.to_owned(),
        status: GoalStatus::Active,
        achievement,
        set_by,
        target_on: Some(writer.today + TimeDelta::days(days)),
    };
    vec![
        goal(
            "Jag vill orka gå till mataffären och hem igen utan att stanna",
            Party::Patient,
            90,
            Achievement::Improving,
        ),
        goal("Jag vill slippa åka in akut den här vintern", Party::Patient, 120, Achievement::InProgress),
        goal("Långtidssocker under 60 utan känningar", Party::Care, 60, Achievement::NoChange),
    ]
}

fn items(writer: &Writer, units: &Units, control: NaiveDate) -> Vec<ItemText> {
    let (centre, heart) = (&units.health_centre, &units.heart);
    let at_centre = |n: usize, goal: usize, item: Item| {
        let responsible = (item.3 == CARE).then(|| centre.workers[n].assignment);
        ItemText { responsible, goal: Some(goal), ..item.text(writer, centre, n) }
    };
    let (home, rehab) = (&units.home, &units.rehab);
    let elsewhere = |unit: &Unit, goal: usize, item: Item| ItemText {
        unit: Some(unit.id),
        responsible: Some(unit.workers[0].assignment),
        goal: Some(goal),
        ..item.text(writer, unit, 0)
    };
    let at_heart = |n: usize, goal: usize, item: Item| ItemText {
        unit: Some(heart.id),
        responsible: Some(heart.workers[n].assignment),
        goal: Some(goal),
        ..item.text(writer, heart, n)
    };
    let (todo, going, done) = (Status::Accepted, Status::InProgress, Status::Done);
    let mut items = vec![
        at_centre(
            0,
            1,
            Item(
                SelfCare,
                "Väga mig varje morgon",
                "Före frukost. Skriv upp vikten och ring vid två kilo på tre dagar.",
                PATIENT,
                Due::Daily(90),
                going,
            ),
        ),
        at_centre(
            2,
            0,
            Item(
                SelfCare,
                "Gå en runda varje dag",
                "Börja med tio minuter och öka när det känns bra. Inne i trapphuset när det är kallt.",
                PATIENT,
                Due::Daily(90),
                going,
            ),
        ),
        at_centre(
            0,
            1,
            Item(
                Examination,
                "Blodprover inför återbesöket",
                "Lämnas på vårdcentralen. Du behöver inte vara fastande.",
                CARE,
                Due::On(2),
                todo,
            ),
        ),
        at_heart(
            0,
            1,
            Item(
                FollowUp,
                "Kontroll på hjärtmottagningen",
                "Vikt, blodtryck och doser. Ta med dina vikter.",
                CARE,
                Due::On(16),
                todo,
            ),
        ),
        elsewhere(
            rehab,
            0,
            Item(
                Treatment,
                "Andningsträning hos fysioterapeut",
                "En gång i veckan i sex veckor, i lugn takt, hos Samir på rehab.",
                CARE,
                Due::Within(7, 49),
                todo,
            ),
        ),
        elsewhere(
            home,
            1,
            Item(
                SelfCare,
                "Hjälp med stödstrumpor på morgonen",
                "Hemvården kommer före klockan nio och tittar till benen.",
                CARE,
                Due::Daily(90),
                going,
            ),
        ),
        at_centre(
            0,
            1,
            Item(
                LoanOfEquipment,
                "Låna en syremätare",
                "Lånas i fjorton dagar efter en försämring.",
                CARE,
                Due::On(-40),
                done,
            ),
        ),
        at_centre(
            1,
            1,
            Item(
                Coordination,
                "En läkemedelslista för alla mottagningar",
                "Johan stämmer av listan med hjärtmottagningen.",
                CARE,
                Due::On(9),
                going,
            ),
        ),
        at_centre(
            1,
            2,
            Item(
                Referral,
                "Remiss till ögonbottenfoto",
                "Kallelsen kommer från ögonkliniken. Hör av dig om den dröjer.",
                CARE,
                Due::After("När kallelsen har kommit", 45),
                todo,
            ),
        ),
        at_centre(
            0,
            1,
            Item(
                Contact,
                "Bestämma vem av barnen som kan följa med",
                "Någon som kan lyssna och anteckna på återbesöket.",
                PATIENT,
                Due::On(5),
                todo,
            ),
        ),
        at_centre(
            0,
            1,
            Item(Treatment, "Vaccination mot influensa", "Given på vårdcentralen.", CARE, Due::On(-70), done),
        ),
    ];
    items[3].when = When::On(control);
    items[7].work_note = Some("Dubbel betablockerare i två listor. Stäm av före besöket.".to_owned());
    items
}

/// When the heart clinic sees the patient next.
fn control_at(demo: &Demo) -> DateTime<Utc> {
    demo.days.ahead(11, clock_time(6, 30))
}

/// One visit that has been, one agreed today in a few days, and one later at the heart clinic.
fn times(demo: &mut Demo, writer: &mut Writer, units: &Units, whose: Whose) {
    let (centre, heart) = (&units.health_centre, &units.heart);
    let (visit, control) = (&centre.types[0], &heart.types[0]);
    let past = demo.days.behind(20, clock_time(2, 30));
    let slot = writer.slot(centre, Some(&centre.workers[0]), visit, past, false);
    writer.appointment(whose, &slot, visit, Origin::Agreed, past - TimeDelta::days(14));

    let soon = demo.days.ahead(3, clock_time(7, 30));
    let slot = writer.slot(centre, Some(&centre.workers[0]), visit, soon, false);
    // Booked now: its confirmation leaves as soon as the service runs.
    demo.book(writer, whose, &slot, visit, Origin::Agreed, demo.now);

    let later = control_at(demo);
    let slot = writer.slot(heart, Some(&heart.workers[0]), control, later, false);
    demo.book(writer, whose, &slot, control, Origin::Agreed, writer.at - TimeDelta::days(10));

    let (rehab, training) = (&units.rehab, &units.rehab.types[0]);
    let slot =
        writer.slot(rehab, Some(&rehab.workers[0]), training, demo.days.ahead(7, clock_time(5, 30)), false);
    demo.book(writer, whose, &slot, training, Origin::SelfBooked, writer.at - TimeDelta::days(5));
}

fn threads(writer: &mut Writer, units: &Units, whose: Whose, at_heart: Whose) -> Result<(), Fault> {
    let (maria, amina) = (units.health_centre.workers[0].assignment, units.heart.workers[0].assignment);
    let at = writer.at;
    let ago = |days: i64, hour: i64| at - TimeDelta::days(days) + TimeDelta::hours(hour);
    let line = |staff, at, text: &str| (staff, at, text.to_owned());
    let tablets: [Line; 4] = [
        line(
            None,
            ago(9, 9),
            "Hej Maria! Vågen visar ett kilo mer än i går. Ska jag ta en extra vattentablett?",
        ),
        line(
            Some(maria),
            ago(9, 13),
            "Hej Anna! Ja, ta en extra i dag och en i morgon, som det står i planen. Skriv i övermorgon hur vikten är.",
        ),
        line(None, ago(7, 8), "Nu är vikten som vanligt igen, och benen är inte svullna."),
        line(Some(maria), ago(7, 10), "Vad bra! Då fortsätter du som vanligt. Vi ses på återbesöket."),
    ];
    writer.thread(whose, "Fråga om vattentabletter", &tablets)?;
    let visit: [Line; 3] = [
        line(
            Some(amina),
            ago(4, 10),
            "Hej! Välkommen till kontrollen. Väg dig samma morgon och ta med dina vikter.",
        ),
        line(None, ago(3, 17), "Tack! Min dotter vill gärna vara med. Går det bra?"),
        line(None, ago(1, 8), "En sak till: finns det plats att parkera nära entrén?"),
    ];
    writer.thread(at_heart, "Inför kontrollen på hjärtmottagningen", &visit)?;
    Ok(())
}
