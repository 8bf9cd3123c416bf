//! What some of the demo's people did: each act is the use case itself, so that versions, history and tasks are what the
//! service makes of it.

use chrono::{NaiveDate, TimeDelta};
use entity::{
    AgreementId,
    care_relation::Declaration,
    item_concern,
    phone_call::Direction,
    plan_item_revision::{Category, Owner},
    plan_link, safety_instruction, task,
};

use super::{
    super::{people::test_number, writer::Whose},
    stage::{At, Stage, done},
    units::Units,
};
use crate::{
    domain::{
        agreement::{
            assent::{GiveAssent, assent},
            content::{AgreementContent, Light, Section, TextSection, WarningSign},
            content_edit::{ContentEdit, content_edit},
            counter::{Counter, counter},
            create::{Create, create},
            propose::{Propose, propose},
            revise::{Revise, revise},
        },
        call, goal,
        plan_item::{
            concern::{self, RaiseConcern},
            propose as item,
            rules::{Wanted, When},
        },
        plan_link as link,
        progress_note::{self, About},
        relation::register::{Register, register},
        representative::grant::{Grant, grant},
        request::ask::{Ask, ask},
        safety,
        task::assign::{Take, take},
        template::apply::{Apply, apply},
    },
    error::Fault,
    session::Session,
};

/// Two sides that write an agreement.
struct Pair<'a> {
    stage: &'a mut Stage,
    whose: Whose,
    care: At<'a>,
}

impl Pair<'_> {
    fn patient(&self) -> Session {
        self.stage.patient(self.whose)
    }

    fn care(&self) -> Session {
        self.stage.staff(self.care)
    }

    async fn draft(&mut self, content: AgreementContent) -> Result<AgreementId, Fault> {
        let cmd = Create { patient: self.whose.patient, content, patient_group: None };
        let receipt = done(create(&self.care(), &self.stage.key(), &cmd).await?)?;
        receipt.id("agreement").ok_or_else(|| Fault::internal("no draft"))
    }

    async fn template(&mut self, on: AgreementId, template: &str, anchor: NaiveDate) -> Result<(), Fault> {
        let expected_row_version = self.stage.row_version(on).await?;
        let cmd =
            Apply { agreement: on, template: template.to_owned(), anchor_on: anchor, expected_row_version };
        done(apply(&self.care(), &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn write(&mut self, by: &Session, on: AgreementId, sections: Vec<Section>) -> Result<(), Fault> {
        let expected_row_version = self.stage.row_version(on).await?;
        let cmd = ContentEdit { agreement: on, sections, expected_row_version };
        done(content_edit(by, &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn goal(&mut self, by: &Session, on: AgreementId, text: &str) -> Result<(), Fault> {
        let cmd = goal::add::Add {
            agreement: on,
            text: text.to_owned(),
            priority: None,
            target_on: Some(self.stage.day(90)),
        };
        done(goal::add::add(by, &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn item(&mut self, by: &Session, on: AgreementId, wanted: Wanted) -> Result<(), Fault> {
        let cmd = item::Propose { agreement: on, wanted, work_note: None };
        done(item::propose(by, &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn propose(&mut self, by: &Session, on: AgreementId) -> Result<(), Fault> {
        let cmd = Propose { agreement: on, expected_row_version: self.stage.row_version(on).await? };
        done(propose(by, &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn counter(&mut self, by: &Session, on: AgreementId) -> Result<(), Fault> {
        let (version, _) = self.stage.proposal(on).await?;
        let expected_row_version = self.stage.row_version(on).await?;
        let cmd = Counter { agreement: on, version, expected_row_version };
        done(counter(by, &self.stage.key(), &cmd).await?).map(drop)
    }

    async fn assent(&mut self, by: &Session, on: AgreementId) -> Result<(), Fault> {
        let (version, digest) = self.stage.proposal(on).await?;
        let cmd = GiveAssent { agreement: on, version, digest, expected_row_version: None };
        done(assent(by, &self.stage.key(), &cmd).await?).map(drop)
    }
}

fn says(section: TextSection, text: &str) -> Section {
    Section::Text(section, text.to_owned())
}

/// Something that care does at a unit.
fn care_does(at: At, category: Category, title: &str, when: When) -> Wanted {
    Wanted { responsible_unit: Some(at.0.id), ..does(Owner::Care, category, title, when) }
}

fn does(owner: Owner, category: Category, title: &str, when: When) -> Wanted {
    Wanted {
        title: title.to_owned(),
        description: None,
        category,
        owner,
        relative_name: None,
        when: Some(when),
        responsible_unit: None,
        responsible_assignment: None,
        responsible_contact: None,
        goal: None,
        result_how: None,
        result_by: None,
    }
}

/// The first patient, whose plan is in force: care revises it, she answers with a proposal of her own, and care says yes.
/// A change of care's waits for her answer.
pub async fn several_conditions(stage: &mut Stage, units: &Units, whose: Whose) -> Result<(), Fault> {
    let centre = &units.health_centre;
    let (maria, johan): (At, At) = ((centre, &centre.workers[0]), (centre, &centre.workers[1]));
    let on = stage.agreement_of(whose).await?;
    let mut pair = Pair { stage, whose, care: maria };

    pair.stage.days_ago(7, 9);
    for (kind, title, holder, parties) in [
        (plan_link::Kind::Sip, "Min SIP", "Exempelby kommun", vec!["Försäkringskassan".to_owned()]),
        (plan_link::Kind::Rehab, "Rehabplan för andning", "Rörelse i Exempelby, rehab", Vec::new()),
    ] {
        let cmd = link::add::Add {
            agreement: on,
            kind,
            title: title.to_owned(),
            holder: holder.to_owned(),
            reference: None,
            url: None,
            dated_on: Some(pair.stage.day(-90)),
            parties,
            fulfils: false,
        };
        done(link::add::add(&pair.care(), &pair.stage.key(), &cmd).await?)?;
    }
    let cmd = Revise { agreement: on, expected_row_version: pair.stage.row_version(on).await? };
    done(revise(&pair.care(), &pair.stage.key(), &cmd).await?)?;
    let anchor = pair.stage.day(0);
    pair.template(on, "frail-patient", anchor).await?;
    let signs = signs(&centre.phone);
    pair.write(&pair.care(), on, vec![Section::WarningSigns(signs)]).await?;
    let daughter = Wanted {
        relative_name: Some("Dottern Karin".to_owned()),
        ..does(
            Owner::Relative,
            Category::Contact,
            "Följa med till hjärtmottagningen",
            When::On(pair.stage.day(16)),
        )
    };
    pair.item(&pair.care(), on, daughter).await?;
    pair.propose(&pair.care(), on).await?;

    pair.stage.days_ago(6, 16);
    pair.counter(&pair.patient(), on).await?;
    let call = care_does(
        maria,
        Category::FollowUp,
        "Samtal med Maria varannan fredag",
        When::Again {
            rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR".to_owned(),
            from: pair.stage.day(1),
            until: None,
        },
    );
    pair.item(&pair.patient(), on, call).await?;
    let wish = "Att få sova hemma så långt det går, att samma person ringer, och att bli uppringd även när det går bra.";
    pair.write(&pair.patient(), on, vec![says(TextSection::Wishes, wish)]).await?;
    pair.propose(&pair.patient(), on).await?;
    pair.stage.days_ago(5, 10);
    pair.assent(&pair.care(), on).await?;

    pair.stage.days_ago(3, 13);
    let cmd = safety::add::Add {
        agreement: on,
        kind: safety_instruction::Kind::Medicine,
        text: "Metoprolol: halv tablett på morgonen tills vi har setts".to_owned(),
        action: Some("Ring om pulsen är under 50 eller om du blir yr.".to_owned()),
        phone: Some(centre.phone.clone()),
        source: Some("Läkemedelslistan, Nationella läkemedelslistan".to_owned()),
        source_on: Some(pair.stage.day(-3)),
    };
    done(safety::add::add(&pair.stage.staff(johan), &pair.stage.key(), &cmd).await?)?;

    pair.stage.days_ago(2, 8);
    let about = About::Goal(pair.stage.first_goal(on).await?);
    let text = "I går kom jag till affären med en vila. Det går åt rätt håll.".to_owned();
    let cmd = progress_note::Add { about, text, corrects: None };
    done(progress_note::add(&pair.patient(), &pair.stage.key(), &cmd).await?)?;
    let weigh = pair.stage.item(on, "Väga mig varje morgon").await?;
    let words = Some("Jag glömmer när jag sover dåligt. Räcker det varannan dag?".to_owned());
    let cmd = RaiseConcern { plan_item: weigh, kind: item_concern::Kind::TooMuchNow, words };
    done(concern::raise(&pair.patient(), &pair.stage.key(), &cmd).await?)?;

    pair.stage.days_ago(1, 10);
    let by = pair.stage.now() + TimeDelta::days(2);
    let cmd = call::add::Add {
        patient: whose.patient,
        direction: Direction::Incoming,
        with_whom: "Patienten".to_owned(),
        about: "Undrar över vågen och vattentabletterna".to_owned(),
        callback: Some(call::add::Callback { by, phone: "+46701740605".to_owned() }),
    };
    done(call::add::add(&pair.care(), &pair.stage.key(), &cmd).await?)?;
    let task = pair.stage.task(whose, task::Kind::ItemConcern).await?;
    let cmd = Take { task, expected_row_version: 1 };
    done(take(&pair.stage.staff(johan), &pair.stage.key(), &cmd).await?)?;
    let inhaler = care_does(
        maria,
        Category::FollowUp,
        "Prova en ny inhalator tillsammans",
        When::On(pair.stage.day(10)),
    );
    pair.item(&pair.care(), on, inhaler).await
}

/// Warning signs of three conditions, as one list.
fn signs(phone: &str) -> Vec<WarningSign> {
    let some = |text: &str| Some(text.to_owned());
    let sign = |light, sign: &str, action: &str, phone: Option<&str>| {
        let yellow = light == Light::Yellow;
        WarningSign {
            light,
            sign: sign.to_owned(),
            action: some(action),
            phone: phone.map(str::to_owned),
            weekdays: yellow.then(|| "Ring Maria på vårdcentralen 8–16.30.".to_owned()),
            weekends: yellow.then(|| "Ring 1177.".to_owned()),
        }
    };
    vec![
        sign(Light::Green, "Andas som vanligt, vikten och sockret ligger där de ska", "Följ planen.", None),
        sign(
            Light::Yellow,
            "Hjärtat: två kilo upp på tre dagar eller svullna ben",
            "Ta en vätskedrivande extra och ring samma dag.",
            Some(phone),
        ),
        sign(
            Light::Yellow,
            "Lungorna: mer andfådd, mer eller missfärgat slem",
            "Ta inhalationer enligt planen och ring samma dag.",
            Some(phone),
        ),
        sign(
            Light::Yellow,
            "Sockret: över 15 två morgnar i rad, eller under 4",
            "Drick vatten, eller ta druvsocker om det är lågt. Ring samma dag.",
            Some(phone),
        ),
        sign(
            Light::Red,
            "Svårt att andas i vila, bröstsmärta, förvirring eller känning som inte går över",
            "Ring 112 genast.",
            Some("112"),
        ),
    ]
}

/// Somebody who is to have an operation asks for an agreement. Care begins with the template, and he has the last word.
pub async fn operation(stage: &mut Stage, units: &Units, whose: Whose) -> Result<(), Fault> {
    let centre = &units.health_centre;
    let mut pair = Pair { stage, whose, care: (centre, &centre.workers[0]) };
    pair.stage.days_ago(12, 9);
    let why = Some("Jag ska opereras i knät och vill veta vad som händer, och vem jag ringer.".to_owned());
    done(ask(&pair.patient(), &pair.stage.key(), &Ask { patient: None, unit: None, why, how: None }).await?)?;

    pair.stage.days_ago(10, 9);
    let on = pair
        .draft(AgreementContent {
            title: "Min plan för knäoperationen".to_owned(),
            shared_goal: Some("Att du ska kunna gå i trappor utan att ha ont.".to_owned()),
            ..AgreementContent::default()
        })
        .await?;
    let anchor = pair.stage.day(21);
    pair.template(on, "surgery", anchor).await?;
    pair.stage.days_ago(9, 17);
    let sections = vec![
        says(
            TextSection::Story,
            "Knät har krånglat sedan jag spelade fotboll. Nu kan jag inte sova för värken.",
        ),
        says(
            TextSection::WhatMatters,
            "Att kunna arbeta igen till sommaren, och att gå ner till sjön med barnen.",
        ),
        says(TextSection::Resources, "Min fru är hemma de första veckorna."),
    ];
    pair.write(&pair.patient(), on, sections).await?;
    pair.goal(&pair.patient(), on, "Jag vill gå ner till sjön utan käpp").await?;
    pair.stage.days_ago(8, 10);
    pair.propose(&pair.care(), on).await?;

    pair.stage.days_ago(7, 19);
    pair.counter(&pair.patient(), on).await?;
    let call = care_does(
        pair.care,
        Category::FollowUp,
        "Samtal med fysioterapeuten innan jag går hem",
        When::After { what: "innan du går hem".to_owned(), latest_follow_up: Some(pair.stage.day(28)) },
    );
    pair.item(&pair.patient(), on, call).await?;
    pair.propose(&pair.patient(), on).await?;
    pair.stage.days_ago(6, 9);
    pair.assent(&pair.care(), on).await?;

    pair.stage.days_ago(5, 15);
    let cmd = safety::add::Add {
        agreement: on,
        kind: safety_instruction::Kind::WarningSign,
        text: "Sår eller utslag på benet som ska opereras".to_owned(),
        action: Some("Ring före operationsdagen, så att vi hinner titta på det.".to_owned()),
        phone: Some(centre.phone.clone()),
        source: None,
        source_on: None,
    };
    done(safety::add::add(&pair.care(), &pair.stage.key(), &cmd).await?)?;
    let shower = care_does(
        pair.care,
        Category::Information,
        "Genomgång av hur du duschar kvällen före",
        When::On(pair.stage.day(19)),
    );
    pair.item(&pair.care(), on, shower).await?;
    pair.stage.days_ago(4, 19);
    pair.assent(&pair.patient(), on).await
}

/// A frail patient at home, who lets her son act for her.
pub async fn frail(
    stage: &mut Stage,
    units: &Units,
    whose: Whose,
    son: (&str, NaiveDate),
) -> Result<(), Fault> {
    let mut pair = Pair { stage, whose, care: (&units.home, &units.home.workers[2]) };
    pair.stage.days_ago(5, 9);
    let on = pair
        .draft(AgreementContent {
            title: "Tryggt hemma".to_owned(),
            story: Some(
                "Jag har bott här i femtio år. Benen bär inte som förr, och minnet sviker ibland.".to_owned(),
            ),
            what_matters: Some("Att få bo kvar hemma, och att Per vet vad som händer.".to_owned()),
            ..AgreementContent::default()
        })
        .await?;
    let anchor = pair.stage.day(0);
    pair.template(on, "frail-patient", anchor).await?;
    pair.goal(&pair.care(), on, "Bo kvar hemma och känna mig trygg").await?;
    pair.propose(&pair.care(), on).await?;
    pair.stage.days_ago(4, 14);
    pair.assent(&pair.patient(), on).await?;
    pair.stage.days_ago(3, 14);
    let cmd = Grant {
        patient: None,
        number: test_number(son.1, 239, false),
        name: son.0.to_owned(),
        areas: EVERYTHING.to_owned(),
        may_assent: true,
        until: None,
    };
    done(grant(&pair.patient(), &pair.stage.key(), &cmd).await?).map(drop)
}

/// All areas, to act in.
pub const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;

/// A child, whose guardians are asked to say yes.
pub async fn child(stage: &mut Stage, units: &Units, whose: Whose) -> Result<(), Fault> {
    let centre = &units.health_centre;
    let mut pair = Pair { stage, whose, care: (centre, &centre.workers[0]) };
    pair.stage.days_ago(3, 9);
    let on = pair
        .draft(AgreementContent {
            title: "Almas astmaplan".to_owned(),
            story: Some("Alma hostar på natten och blir andfådd när hon springer.".to_owned()),
            what_matters: Some("Att kunna vara med på fotbollen.".to_owned()),
            ..AgreementContent::default()
        })
        .await?;
    pair.goal(&pair.care(), on, "Springa hela träningen").await?;
    let follow_up =
        care_does(pair.care, Category::FollowUp, "Astmakontroll med PEF", When::On(pair.stage.day(30)));
    pair.item(&pair.care(), on, follow_up).await?;
    pair.propose(&pair.care(), on).await
}

/// A private clinic draws up an agreement without seeing the one there is: the patient chooses.
pub async fn second(stage: &mut Stage, units: &Units, whose: Whose, number: String) -> Result<(), Fault> {
    let mut pair = Pair { stage, whose, care: (&units.rehab, &units.rehab.workers[0]) };
    pair.stage.days_ago(1, 8);
    let cmd = Register {
        patient_number: number,
        declaration: Declaration::PatientPresent,
        reason: "Första besöket".to_owned(),
    };
    done(register(&pair.care(), &pair.stage.key(), &cmd).await?)?;
    let on = pair
        .draft(AgreementContent { title: "Min plan med rehab".to_owned(), ..AgreementContent::default() })
        .await?;
    let training = care_does(
        pair.care,
        Category::Treatment,
        "Träning i grupp en gång i veckan",
        When::Within { from: pair.stage.day(3), until: pair.stage.day(60) },
    );
    pair.item(&pair.care(), on, training).await?;
    pair.propose(&pair.care(), on).await
}
