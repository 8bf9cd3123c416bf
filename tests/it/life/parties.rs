//! The same walk with everybody who may have a say: a patient with representatives, a child with two guardians, care
//! of two units and a coordinator; and a patient with two care providers who know nothing of each other.
//!
//! Whatever they do, in whatever order: nothing is in force without the yes of each side to exactly that text, nothing
//! but one thing is in force, nothing proposed is edited, and there is always a way on.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    AgreementId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party, Status},
    representative::Kind,
    version_objection,
};
use harness::{Answer, Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::{domain::agreement::version::document, domain::sweep, graphql::scalars::NodeKind};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::hex;
use crate::acts::{PLAN_ITEM, Plan, act, global, whole_item};

const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;

/// Whose life it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    /// A patient, a god man who may assent and a relative who may not, and two units of one care provider.
    Adult,
    /// A child with two guardians.
    Child,
    /// A patient with an agreement at each of two care providers.
    TwoProviders,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Patient,
    /// God man or guardian: may assent.
    First,
    /// Relative who may not assent, or the other guardian.
    Second,
    Care,
    OtherUnit,
    Coordinator,
}

impl Who {
    const ALL: [Self; 6] =
        [Self::Patient, Self::First, Self::Second, Self::Care, Self::OtherUnit, Self::Coordinator];

    fn is_care(self) -> bool {
        matches!(self, Self::Care | Self::OtherUnit | Self::Coordinator)
    }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    AddItem,
    Edit,
    Revise,
    Counter,
    /// Takes one's own back, and declines the other side's.
    Withdraw,
    Propose,
    /// Having read a version that is as much older.
    Assent(usize),
    Choose,
    /// For the patient, or for the first representative.
    Oral(bool),
    Object,
    Undecided,
    /// Of the other guardian, or of the first.
    Exception(bool),
    Sweep,
    End,
}

/// One deed of one person to one of the agreements; versions are counted from the newest, which is 0.
#[derive(Clone, Copy, Debug)]
struct Act {
    who: Who,
    plan: usize,
    version: usize,
    deed: Deed,
}

fn any_act() -> impl Strategy<Value = Act> {
    let deed = prop_oneof![
        3 => Just(Deed::AddItem),
        3 => Just(Deed::Edit),
        3 => Just(Deed::Revise),
        2 => Just(Deed::Counter),
        1 => Just(Deed::Withdraw),
        6 => Just(Deed::Propose),
        12 => Just(Deed::Assent(0)),
        1 => (1..4_usize).prop_map(Deed::Assent),
        3 => Just(Deed::Choose),
        3 => any::<bool>().prop_map(Deed::Oral),
        1 => Just(Deed::Object),
        2 => Just(Deed::Undecided),
        1 => any::<bool>().prop_map(Deed::Exception),
        2 => Just(Deed::Sweep),
    ];
    let version = prop_oneof![6 => Just(0_usize), 2 => Just(1_usize), 1 => 2..5_usize];
    (prop::sample::select(Who::ALL.to_vec()), 0..2_usize, version, deed)
        .prop_map(|(who, plan, version, deed)| Act { who, plan, version, deed })
}

struct Life<'a> {
    app: &'a TestApp,
    setting: Setting,
    patient: TestPatient,
    first: Ombud,
    second: Ombud,
    plans: Vec<AgreementId>,
    written: u32,
    /// What each has said yes to, as they read it.
    said: BTreeMap<(Uuid, Who), Vec<u8>>,
    /// What is recorded as undecided by the patient.
    undecided: BTreeSet<Uuid>,
    /// Guardians who are not waited for.
    excepted: BTreeSet<(Uuid, Who)>,
    /// Proposals that somebody has objected to, and who.
    objected: BTreeMap<Uuid, Who>,
    fixed: BTreeMap<Uuid, Vec<u8>>,
}

impl<'a> Life<'a> {
    async fn begin(app: &'a TestApp, setting: Setting) -> Self {
        let patient = match setting {
            Setting::Child => child(&app.core, &app.world.p1, "201803012388").await,
            Setting::Adult | Setting::TwoProviders => app.world.p1.clone(),
        };
        let guardians = setting == Setting::Child;
        let (a, b) =
            if guardians { (Kind::Guardian, Kind::Guardian) } else { (Kind::GodMan, Kind::Relative) };
        let first = represent(&app.core, &patient, a, "198001012388", EVERYTHING, true).await;
        let second = represent(&app.core, &patient, b, "198101012388", EVERYTHING, guardians).await;
        let mut life = Life {
            app,
            setting,
            patient,
            first,
            second,
            plans: Vec::new(),
            written: 0,
            said: BTreeMap::new(),
            undecided: BTreeSet::new(),
            excepted: BTreeSet::new(),
            objected: BTreeMap::new(),
            fixed: BTreeMap::new(),
        };
        for staff in [&app.world.s1, &app.world.s2, &app.world.s3] {
            relate(&app.core, staff, &life.patient).await;
        }
        life.draw_up(Who::Care).await;
        if setting == Setting::TwoProviders {
            life.draw_up(Who::OtherUnit).await;
        }
        life
    }

    async fn draw_up(&mut self, by: Who) {
        let input = json!({ "patientId": self.patient.global_id(), "title": "Min plan", "story": "Jag." });
        self.call(by, "agreementCreate", "agreement { id }", input).await;
        let known = self.plans.clone();
        let all = agreement::Entity::find().all(self.app.core.db.reader()).await.unwrap();
        let new = all.into_iter().find(|a| !known.contains(&a.id)).unwrap();
        self.plans.push(new.id);
        let n = self.plans.len() - 1;
        self.add_item(by, n, "Ta prover").await;
    }

    /// Of two care providers, each has its own agreement.
    fn staff(&self, who: Who) -> &harness::Staff {
        match (who, self.setting) {
            (Who::OtherUnit, Setting::TwoProviders) => &self.app.world.s3,
            (Who::OtherUnit, _) => &self.app.world.s2,
            (Who::Coordinator, _) => &self.app.world.coordinator,
            _ => &self.app.world.s1,
        }
    }

    async fn call(&self, who: Who, mutation: &str, selection: &str, mut input: Value) -> Answer {
        let of = self.patient.global_id();
        let ombud = match who {
            // A child of eight acts through the guardians.
            Who::Patient if self.setting == Setting::Child => &self.first,
            Who::Patient => return act(self.app, &self.patient.identity, mutation, selection, input).await,
            Who::First => &self.first,
            Who::Second => &self.second,
            _ => return act(self.app, &self.staff(who).identity, mutation, selection, input).await,
        };
        input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
        let query = harness::mutation(mutation, selection);
        self.app.run_for(&ombud.identity, &of, &query, json!({ "input": input })).await
    }

    async fn agreement(&self, plan: usize) -> agreement::Model {
        let found = agreement::Entity::find_by_id(self.plans[plan]);
        found.one(self.app.core.db.reader()).await.unwrap().unwrap()
    }

    async fn versions(&self, plan: usize) -> Vec<agreement_version::Model> {
        agreement_version::Entity::find()
            .filter(agreement_version::Column::AgreementId.eq(self.plans[plan]))
            .order_by_desc(agreement_version::Column::Number)
            .all(self.app.core.db.reader())
            .await
            .unwrap()
    }

    async fn add_item(&self, who: Who, plan: usize, title: &str) -> Answer {
        let id = global(NodeKind::Agreement, self.plans[plan]);
        // The second of the first two is the other care provider's.
        let others = self.setting == Setting::TwoProviders && plan == 1;
        let to_turn_to = if others { &self.app.world.s3 } else { &self.app.world.s1 };
        let plan = Plan { id, version: String::new(), digest: None, row_version: 0 };
        let input = whole_item(&plan, to_turn_to, title, "PATIENT");
        self.call(who, "planItemPropose", PLAN_ITEM, input).await
    }

    async fn act(&mut self, step: Act) {
        let Act { who, version, deed, .. } = step;
        // Care mostly aims at its own agreement, and now and then at one that it cannot see.
        let plan = match (self.setting, who) {
            (Setting::TwoProviders, Who::Care | Who::Coordinator) if version < 2 && self.plans.len() == 2 => {
                0
            }
            (Setting::TwoProviders, Who::OtherUnit) if version < 2 && self.plans.len() == 2 => 1,
            _ => step.plan % self.plans.len(),
        };
        self.written += 1;
        let text = format!("Text {}", self.written);
        let (now, before) = (self.agreement(plan).await, self.versions(plan).await);
        let aimed = before.get(version);
        let id = aimed.map_or(Uuid::nil(), |v| v.id.0);
        let mut input = json!({
            "agreementId": global(NodeKind::Agreement, now.id), "expectedRowVersion": now.row_version,
        });
        let mut with = |more: Value| {
            more.as_object().unwrap().iter().for_each(|(key, value)| input[key] = value.clone());
            input.clone()
        };
        let named = json!({ "versionId": global(NodeKind::AgreementVersion, id) });
        let read =
            |older: usize| before.get(version + older).and_then(|v| v.hash.clone()).unwrap_or_default();
        let (mutation, input, digest) = match deed {
            Deed::AddItem => {
                let answer = self.add_item(who, plan, &text).await;
                assert!(answer.body.get("errors").is_none(), "{step:?}: {}", answer.body);
                return self.note_proposals(who, plan, &before).await;
            }
            Deed::Sweep => {
                sweep::run(&self.app.core).await.unwrap();
                return;
            }
            Deed::Edit => {
                let sections = json!([{ "text": { "section": "STORY", "text": text } }]);
                ("agreementContentEdit", with(json!({ "sections": sections })), None)
            }
            Deed::Revise => ("agreementRevise", with(json!({})), None),
            Deed::Propose => ("agreementPropose", with(json!({})), None),
            Deed::Counter => ("agreementCounter", with(named), None),
            Deed::Withdraw => {
                with(json!({ "words": "Det blev fel" }));
                let by = if who.is_care() { Party::Care } else { Party::Patient };
                let others = aimed.is_some_and(|v| v.proposed_by.is_some_and(|side| side != by));
                (if others { "agreementDecline" } else { "agreementWithdraw" }, with(named), None)
            }
            Deed::Assent(older) => {
                with(json!({ "digest": hex(&read(older)) }));
                ("agreementAssent", with(named), Some((who, read(older))))
            }
            Deed::Choose => {
                with(json!({ "digest": hex(&read(0)) }));
                let mut input = with(named);
                input.as_object_mut().unwrap().remove("expectedRowVersion");
                ("agreementChoose", input, Some((who, read(0))))
            }
            Deed::Oral(first) => {
                with(json!({ "digest": hex(&read(0)), "setting": "BY_PHONE" }));
                if first {
                    with(json!({ "representativeId": global(NodeKind::Representative, self.first.id) }));
                }
                let for_whom = if first { Who::First } else { Who::Patient };
                ("agreementAssentRecordOral", with(named), Some((for_whom, read(0))))
            }
            Deed::Object => {
                let mut input = with(named);
                input["words"] = json!("Det sa jag aldrig.");
                input.as_object_mut().unwrap().remove("expectedRowVersion");
                ("agreementObject", input, None)
            }
            Deed::Undecided => {
                with(json!({ "reason": "Sövd", "knownWill": "Vill hem", "askAgainOn": "2027-02-15" }));
                ("agreementPatientUndecidedRecord", with(named), None)
            }
            Deed::Exception(first) => {
                let of = if first { self.first.id } else { self.second.id };
                with(
                    json!({ "representativeId": global(NodeKind::Representative, of), "reason": "Nås inte" }),
                );
                let mut input = with(json!({}));
                input.as_object_mut().unwrap().remove("expectedRowVersion");
                ("agreementGuardianExceptionRecord", input, None)
            }
            Deed::End => {
                let words = json!({ "reason": "PATIENT_DECLINED", "words": "Vill inte" });
                ("agreementEnd", with(words), None)
            }
        };
        let answer = self.call(who, mutation, "userErrors { code message }", input).await;
        assert!(answer.body.get("errors").is_none(), "{step:?}: {}", answer.body);
        if answer.user_error_codes(mutation).is_empty() {
            if let Some((whose, digest)) = digest {
                let whose = self.whose(whose);
                self.said.insert((id, whose), digest);
                if self.objected.get(&id) == Some(&whose) {
                    self.objected.remove(&id);
                }
            }
            match deed {
                Deed::Undecided => _ = self.undecided.insert(id),
                Deed::Exception(first) => {
                    let whom = if first { Who::First } else { Who::Second };
                    self.excepted.insert((now.id.0, whom));
                    self.objected.retain(|_, objector| *objector != whom);
                }
                _ => {}
            }
        }
        self.note_proposals(who, plan, &before).await;
    }

    fn whose(&self, who: Who) -> Who {
        if who == Who::Patient && self.setting == Setting::Child { Who::First } else { who }
    }

    /// Proposing is the proposer's assent, where they may assent.
    async fn note_proposals(&mut self, who: Who, plan: usize, before: &[agreement_version::Model]) {
        for now in self.versions(plan).await {
            let was = before.iter().find(|old| old.id == now.id).map(|old| old.status);
            if now.status == Status::Proposed && was != Some(Status::Proposed) {
                self.said.insert((now.id.0, self.whose(who)), now.hash.clone().unwrap());
            }
        }
    }

    fn agreed_by_care(&self, version: &agreement_version::Model) -> bool {
        let said = |who| self.said.get(&(version.id.0, who)) == version.hash.as_ref();
        said(Who::Care) || said(Who::OtherUnit)
    }

    fn agreed_by_patient(&self, version: &agreement_version::Model) -> bool {
        let said = |who| self.said.get(&(version.id.0, who)) == version.hash.as_ref();
        match self.setting {
            Setting::Adult | Setting::TwoProviders => said(Who::Patient) || said(Who::First),
            Setting::Child => {
                let there = |who| said(who) || self.excepted.contains(&(version.agreement_id.0, who));
                there(Who::First) && there(Who::Second) && (said(Who::First) || said(Who::Second))
            }
        }
    }

    async fn check(&mut self, after: Act) {
        let standing = version_objection::Entity::find()
            .filter(version_objection::Column::EndedAt.is_null())
            .all(self.app.core.db.reader())
            .await
            .unwrap();
        let mut in_force = 0;
        for plan in 0..self.plans.len() {
            let (agreement, versions) = (self.agreement(plan).await, self.versions(plan).await);
            let holding = versions.iter().filter(|v| v.status.in_force()).count();
            assert!(versions.iter().filter(|v| v.status == Status::Draft).count() <= 1, "two drafts");
            assert_eq!(usize::from(agreement.status.in_force()), holding, "{after:?}");
            in_force += holding;
            for version in &versions {
                let stands = standing.iter().any(|objection| objection.version_id == version.id);
                assert_eq!(
                    version.objected_at.is_some(),
                    stands,
                    "{after:?}: an objection summed up wrongly"
                );
                let Some(hash) = version.hash.clone() else {
                    assert!(matches!(version.status, Status::Draft | Status::Withdrawn), "{after:?}");
                    continue;
                };
                let first = self.fixed.entry(version.id.0).or_insert_with(|| hash.clone());
                assert_eq!(*first, hash, "{after:?}: a proposed version has another digest");
                let (db, keys) = (&self.app.core.db, &self.app.core.keys);
                let says = db.write(async |tx| document(tx, keys, version).await).await.unwrap();
                assert_eq!(says.digest().unwrap(), hash, "{after:?}: a proposed version was edited");
                let undecided = self.undecided.contains(&version.id.0);
                match version.status {
                    Status::Active | Status::Superseded | Status::Ended => {
                        assert!(self.agreed_by_care(version), "{after:?}: in force without care");
                        let decided = self.agreed_by_patient(version)
                            || (undecided && self.said.get(&(version.id.0, Who::Patient)) == Some(&hash));
                        let never = undecided && version.status != Status::Active;
                        let own = self.said.get(&(version.id.0, Who::Patient)) == Some(&hash);
                        assert!(
                            own || !self.objected.contains_key(&version.id.0),
                            "{after:?}: in spite of whoever objected"
                        );
                        assert!(decided || never, "{after:?}: in force without the patient's side");
                    }
                    Status::PatientUndecided => {
                        assert!(self.agreed_by_care(version) && undecided, "{after:?}");
                        assert!(version.patient_assent_at.is_none());
                    }
                    Status::Proposed if version.objected_at.is_some() => {
                        let objector = match version.objected_by {
                            Some(id) if id == self.first.id => Who::First,
                            Some(_) => Who::Second,
                            None => Who::Patient,
                        };
                        _ = self.objected.insert(version.id.0, objector);
                    }
                    Status::Draft | Status::Proposed | Status::Withdrawn => {}
                }
                // What is shown as somebody's yes is theirs.
                if version.patient_assent_kind == Some(ActorKind::Patient) && version.status.in_force() {
                    assert_eq!(self.said.get(&(version.id.0, Who::Patient)), Some(&hash), "{after:?}");
                }
            }
        }
        assert!(in_force <= 1, "{after:?}: two in force");
    }

    /// Wherever the walk has come: with everybody's good will something new comes into force.
    async fn goes_on(&mut self) {
        let mut plan = 0;
        for n in 0..self.plans.len() {
            if self.agreement(n).await.status != agreement::Status::Ended {
                plan = n;
            }
        }
        if self.agreement(plan).await.status == agreement::Status::Ended {
            self.draw_up(Who::Care).await;
            plan = self.plans.len() - 1;
        }
        let by = if self.setting == Setting::TwoProviders && plan == 1 { Who::OtherUnit } else { Who::Care };
        let was = self.agreement(plan).await.current_version_id;
        let ours = self.agreement(plan).await.status.in_force();
        let all =
            |deed| [Who::Patient, Who::First, Who::Second, by].map(|who| Act { who, plan, version: 0, deed });
        let care = |deed| Act { who: by, plan, version: 0, deed };
        for step in [care(Deed::Counter), care(Deed::Revise), care(Deed::Edit), care(Deed::Propose)]
            .into_iter()
            .chain(all(Deed::Assent(0)))
            .chain(all(Deed::Choose))
            .chain([care(Deed::Sweep)])
        {
            self.act(step).await;
            self.check(step).await;
        }
        let now = self.agreement(plan).await;
        let all = self.versions(plan).await;
        let told: Vec<_> = all.iter().map(|v| (v.number, v.status, v.proposed_by)).collect();
        assert_eq!(now.status, agreement::Status::Active, "stuck: {told:?}");
        assert!(!ours || now.current_version_id != was, "nothing new comes into force: {told:?}");
    }
}

fn walk(setting: Setting, at_least: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let steps =
        (prop::collection::vec(any_act(), 16..40), prop::option::of(prop::sample::select(Who::ALL.to_vec())));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let reached = std::sync::Mutex::new(BTreeMap::<&'static str, usize>::new());
    // The same walks every time; the pure model beside the rules walks at random.
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&steps, |(acts, ender)| {
            runtime.block_on(async {
                let app = TestApp::new().await;
                let mut life = Life::begin(&app, setting).await;
                let end = ender.map(|who| Act { who, plan: 0, version: 0, deed: Deed::End });
                for step in acts.iter().copied().chain(end) {
                    life.act(step).await;
                    life.check(step).await;
                }
                for plan in 0..life.plans.len() {
                    for version in life.versions(plan).await {
                        *reached.lock().unwrap().entry(version.status.as_str()).or_default() += 1;
                    }
                }
                life.goes_on().await;
            });
            Ok(())
        })
        .unwrap();
    let reached = reached.into_inner().unwrap();
    let names = ["ACTIVE", "PATIENT_UNDECIDED", "SUPERSEDED", "ENDED"];
    let in_force: usize = names.iter().filter_map(|status| reached.get(status)).sum();
    assert!(in_force >= at_least, "the walk gets nowhere: {reached:?}");
}

/// "ACTIVE when the patient (or a representative with ASSENT, shown as such) and care (role CARE) have assented to
/// exactly this hash", whoever of two units and two representatives does what.
#[test]
fn no_order_of_acts_of_patient_representatives_and_two_units_breaks_the_life_of_an_agreement() {
    walk(Setting::Adult, 4);
}

/// "Joint guardians both assent, or the exception is recorded."
#[test]
fn no_order_of_acts_of_two_guardians_and_care_brings_anything_into_force_without_both_of_them() {
    walk(Setting::Child, 1);
}

/// "One ACTIVE agreement per patient and coordinating region", also of two care providers who know nothing of each
/// other; and never a state in which nobody can do anything.
#[test]
fn no_order_of_acts_at_two_care_providers_brings_two_agreements_into_force_or_gets_stuck() {
    walk(Setting::TwoProviders, 3);
}
