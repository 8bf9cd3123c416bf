//! Whatever patient and care do with an agreement, in whatever order, through the real service on a real database:
//! nothing comes into force without both assents to exactly that text, there is never more than one version in force,
//! and what has been proposed is never edited.

mod parties;

use std::collections::BTreeMap;

use entity::{
    AgreementId, agreement,
    agreement_version::{self, Party, Status},
};
use harness::{Answer, TestApp};
use patientkontrakt::{
    auth::token::Identity, domain::agreement::version::document, graphql::scalars::NodeKind,
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{PLAN_ITEM, Plan, act, draft, global, row, whole_item};

/// One act of one side. Versions are counted from the newest, which is 0.
#[derive(Clone, Debug)]
enum Act {
    AddItem {
        by: Party,
    },
    Edit {
        by: Party,
    },
    RemoveItem {
        by: Party,
    },
    Revise {
        by: Party,
    },
    Counter {
        by: Party,
        version: usize,
    },
    Withdraw {
        by: Party,
        version: usize,
    },
    Propose {
        by: Party,
    },
    /// To this version, having read that one.
    Assent {
        by: Party,
        version: usize,
        read: usize,
    },
    Accept {
        by: Party,
    },
    End {
        by: Party,
    },
}

fn any_act() -> impl Strategy<Value = Act> {
    let party = || prop_oneof![Just(Party::Patient), Just(Party::Care)];
    // Mostly the newest, so that the walk gets somewhere.
    let version = prop_oneof![6 => Just(0_usize), 2 => Just(1_usize), 1 => 2..6_usize];
    prop_oneof![
        3 => party().prop_map(|by| Act::AddItem { by }),
        3 => party().prop_map(|by| Act::Edit { by }),
        1 => party().prop_map(|by| Act::RemoveItem { by }),
        3 => party().prop_map(|by| Act::Revise { by }),
        2 => (party(), version.clone()).prop_map(|(by, version)| Act::Counter { by, version }),
        1 => (party(), version.clone()).prop_map(|(by, version)| Act::Withdraw { by, version }),
        6 => party().prop_map(|by| Act::Propose { by }),
        // Most assents are to what was read.
        12 => (party(), version.clone()).prop_map(|(by, version)| Act::Assent { by, version, read: version }),
        1 => (party(), version.clone(), version).prop_map(|(by, version, read)| Act::Assent { by, version, read }),
        2 => party().prop_map(|by| Act::Accept { by }),
    ]
}

struct Life<'a> {
    app: &'a TestApp,
    plan: Plan,
    written: u32,
    /// What each side has said yes to, as it read it.
    assents: BTreeMap<(Uuid, &'static str), Vec<u8>>,
    /// The digest that each version was proposed with.
    fixed: BTreeMap<Uuid, Vec<u8>>,
}

impl Life<'_> {
    fn who(&self, by: Party) -> &Identity {
        match by {
            Party::Patient => &self.app.world.p1.identity,
            Party::Care => &self.app.world.s1.identity,
        }
    }

    async fn versions(&self) -> Vec<agreement_version::Model> {
        agreement_version::Entity::find()
            .filter(agreement_version::Column::AgreementId.eq(row(&self.plan.id)))
            .order_by_asc(agreement_version::Column::Number)
            .all(self.app.core.db.reader())
            .await
            .unwrap()
    }

    async fn agreement(&self) -> agreement::Model {
        let id = AgreementId(row(&self.plan.id));
        agreement::Entity::find_by_id(id).one(self.app.core.db.reader()).await.unwrap().unwrap()
    }

    async fn run(&self, by: Party, mutation: &str, more: Value) -> Answer {
        let mut input = json!({
            "agreementId": self.plan.id,
            "expectedRowVersion": self.agreement().await.row_version,
        });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        act(self.app, self.who(by), mutation, "userErrors { code message }", input).await
    }

    async fn act(&mut self, step: &Act) {
        self.written += 1;
        if self.agreement().await.status == agreement::Status::Ended {
            // The patient's view shows none any more; that nothing can be done to it is tried by the other acts.
            if matches!(step, Act::RemoveItem { .. } | Act::Accept { .. }) {
                return;
            }
        }
        let text = format!("Text {}", self.written);
        let before = self.versions().await;
        let nth = |n: usize| before.iter().rev().nth(n);
        let id = |n: usize| nth(n).map_or(Uuid::nil(), |v| v.id.0);
        let version = |n: usize| json!({ "versionId": global(NodeKind::AgreementVersion, id(n)) });
        let answer = match step {
            Act::AddItem { by } => {
                let input = whole_item(&self.plan, &self.app.world.s1, &text, "PATIENT");
                act(self.app, self.who(*by), "planItemPropose", PLAN_ITEM, input).await
            }
            Act::Edit { by } => {
                let sections = json!([{ "text": { "section": "STORY", "text": text } }]);
                self.run(*by, "agreementContentEdit", json!({ "sections": sections })).await
            }
            Act::RemoveItem { by } => {
                let (now, seen) = Plan::of(self.app, &self.app.world.p1).await;
                let Some(item) = seen["planItems"].get(0) else { return };
                let input = json!({ "planItemId": item["id"], "expectedRowVersion": now.row_version });
                act(self.app, self.who(*by), "planItemRemove", "userErrors { code }", input).await
            }
            Act::Revise { by } => self.run(*by, "agreementRevise", json!({})).await,
            Act::Counter { by, version: n } => self.run(*by, "agreementCounter", version(*n)).await,
            Act::Withdraw { by, version: n } => {
                let mut input = version(*n);
                input["words"] = json!("Det blev fel");
                self.run(*by, "agreementWithdraw", input).await
            }
            Act::Propose { by } => self.run(*by, "agreementPropose", json!({})).await,
            Act::Assent { by, version: n, read } => {
                let digest = nth(*read).and_then(|v| v.hash.clone()).unwrap_or_default();
                let mut input = version(*n);
                input["digest"] = json!(hex(&digest));
                let answer = self.run(*by, "agreementAssent", input).await;
                if answer.user_error_codes("agreementAssent").is_empty() {
                    self.assents.insert((id(*n), by.as_str()), digest);
                }
                answer
            }
            Act::Accept { by } => {
                let (_, seen) = Plan::of(self.app, &self.app.world.p1).await;
                let items = seen["planItems"].as_array().unwrap().clone();
                let Some(item) = items.iter().find(|i| i["status"] == "PROPOSED") else { return };
                let input = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
                let answer = act(self.app, self.who(*by), "planItemAccept", PLAN_ITEM, input).await;
                if answer.user_error_codes("planItemAccept").is_empty() {
                    // The act names the version itself: it is the one that changed.
                    for now in self.versions().await {
                        let old = before.iter().find(|old| old.id == now.id).unwrap();
                        let assented = match by {
                            Party::Patient => {
                                old.patient_assent_at.is_none() && now.patient_assent_at.is_some()
                            }
                            Party::Care => old.care_assent_at.is_none() && now.care_assent_at.is_some(),
                        };
                        if assented {
                            self.assents.insert((now.id.0, by.as_str()), now.hash.clone().unwrap());
                        }
                    }
                }
                answer
            }
            Act::End { by } => {
                let input = json!({ "reason": "PATIENT_DECLINED", "words": "Vill inte" });
                self.run(*by, "agreementEnd", input).await
            }
        };
        assert!(answer.body.get("errors").is_none(), "{step:?}: {}", answer.body);
        // Proposing is the proposer's assent.
        for now in self.versions().await {
            let was = before.iter().find(|old| old.id == now.id).map(|old| old.status);
            if now.status == Status::Proposed && was != Some(Status::Proposed) {
                let by = now.proposed_by.unwrap();
                self.assents.insert((now.id.0, by.as_str()), now.hash.clone().unwrap());
            }
        }
    }

    async fn check(&mut self) {
        let (agreement, versions) = (self.agreement().await, self.versions().await);
        let count = |status| versions.iter().filter(|v| v.status == status).count();
        assert!(count(Status::Active) <= 1, "two in force");
        assert!(count(Status::Draft) <= 1, "two drafts");
        assert_eq!(agreement.status == agreement::Status::Active, count(Status::Active) == 1);
        for version in &versions {
            if version.status == Status::Draft {
                assert!(version.hash.is_none() && version.patient_assent_at.is_none());
                continue;
            }
            let Some(hash) = version.hash.clone() else {
                // A draft that was taken back.
                assert_eq!(version.status, Status::Withdrawn);
                continue;
            };
            let first = self.fixed.entry(version.id.0).or_insert_with(|| hash.clone());
            assert_eq!(*first, hash, "a proposed version has another digest");
            let (db, keys) = (&self.app.core.db, &self.app.core.keys);
            let says = db.write(async |tx| document(tx, keys, version).await).await.unwrap();
            assert_eq!(says.digest().unwrap(), hash, "a proposed version was edited");
            if matches!(version.status, Status::Active | Status::Superseded | Status::Ended) {
                for side in [Party::Patient, Party::Care] {
                    let given = self.assents.get(&(version.id.0, side.as_str()));
                    assert_eq!(given, Some(&hash), "in force without the assent of {side:?}");
                }
                assert!(version.patient_assent_at.is_some() && version.care_assent_at.is_some());
            }
        }
    }
}

/// Dual assent per version: in force when patient and care have assented to exactly this hash.
#[test]
fn no_order_of_acts_brings_anything_into_force_without_both_assents_to_exactly_that() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let steps = (
        prop::collection::vec(any_act(), 12..32),
        prop::option::of(prop_oneof![Just(Party::Patient), Just(Party::Care)]),
    );
    let config = ProptestConfig {
        cases: 10,
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
                let plan = draft(&app, &app.world.s1, &app.world.p1).await;
                let input = whole_item(&plan, &app.world.s1, "Ta prover", "CARE");
                act(&app, &app.world.s1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
                let mut life =
                    Life { app: &app, plan, written: 0, assents: BTreeMap::new(), fixed: BTreeMap::new() };
                for step in acts.iter().cloned().chain(ender.map(|by| Act::End { by })) {
                    life.act(&step).await;
                    life.check().await;
                }
                let versions = life.versions().await;
                let mut reached = reached.lock().unwrap();
                for version in versions {
                    *reached.entry(version.status.as_str()).or_default() += 1;
                }
            });
            Ok(())
        })
        .unwrap();
    // The walk gets somewhere: versions that came into force were replaced or ended.
    let reached = reached.into_inner().unwrap();
    let in_force: usize = ["ACTIVE", "SUPERSEDED", "ENDED"].iter().filter_map(|s| reached.get(s)).sum();
    assert!(in_force >= 3, "{reached:?}");
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
