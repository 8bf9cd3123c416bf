//! Whatever patient and care do, in whatever order: nothing comes into force without both assents to exactly that
//! text, there is never more than one version in force, and what somebody has assented to never changes.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{Party, Status},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::rules::{Addition, Assented, Facts, addition, assent};

/// One act of one side. Versions are named by position, which may not exist.
#[derive(Clone, Debug)]
enum Act {
    /// Writes into the draft, or proposes a successor.
    Add {
        by: Party,
    },
    Propose {
        by: Party,
    },
    /// With the digest of this version, or of another one.
    Assent {
        by: Party,
        version: usize,
        read: usize,
    },
    Accept {
        by: Party,
        version: usize,
    },
    End,
}

#[derive(Clone, Debug)]
struct Version {
    id: AgreementVersionId,
    base: Option<AgreementVersionId>,
    status: Status,
    text: Vec<u8>,
    digest: Option<Vec<u8>>,
    /// What each side had read when it assented.
    patient: Option<Vec<u8>>,
    care: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Life {
    status: agreement::Status,
    versions: Vec<Version>,
}

impl Life {
    fn new() -> Self {
        let first = Version {
            id: AgreementVersionId(Uuid::from_u128(1)),
            base: None,
            status: Status::Draft,
            text: vec![0],
            digest: None,
            patient: None,
            care: None,
        };
        Self { status: agreement::Status::Draft, versions: vec![first] }
    }

    fn in_force(&self) -> Option<AgreementVersionId> {
        self.versions.iter().find(|v| v.status == Status::Active).map(|v| v.id)
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Add { by } => self.add(*by),
            Act::Propose { by } => self.propose(*by),
            Act::Assent { by, version, read } => {
                let digest = self.versions.get(*read).and_then(|v| v.digest.clone()).unwrap_or_default();
                self.assent(*by, *version, Some(&digest));
            }
            Act::Accept { by, version } => self.assent(*by, *version, None),
            Act::End => {
                self.status = agreement::Status::Ended;
                for version in &mut self.versions {
                    if version.status == Status::Active {
                        version.status = Status::Ended;
                    }
                }
            }
        }
    }

    fn add(&mut self, by: Party) {
        match addition(self.status) {
            Ok(Addition::ToDraft) => self.versions[0].text.push(1),
            Ok(Addition::AsProposal) => {
                let base = self.versions.iter().find(|v| v.status == Status::Active).cloned();
                let Some(base) = base else { return };
                let number = self.versions.len() as u8 + 1;
                let mut text = base.text.clone();
                text.push(number);
                let mut next = Version {
                    id: AgreementVersionId(Uuid::from_u128(u128::from(number))),
                    base: Some(base.id),
                    status: Status::Proposed,
                    digest: Some(text.clone()),
                    text,
                    patient: None,
                    care: None,
                };
                next.assented(by, next.text.clone());
                self.versions.push(next);
            }
            Err(_) => {}
        }
    }

    fn propose(&mut self, by: Party) {
        if self.status == agreement::Status::Draft {
            let first = &mut self.versions[0];
            first.status = Status::Proposed;
            first.digest = Some(first.text.clone());
            first.assented(by, first.text.clone());
            self.status = agreement::Status::Proposed;
        }
    }

    fn assent(&mut self, by: Party, version: usize, read: Option<&[u8]>) {
        let in_force = self.in_force();
        let Some(v) = self.versions.get(version) else { return };
        let facts = Facts {
            agreement: self.status,
            in_force,
            status: v.status,
            base: v.base,
            digest: v.digest.as_deref(),
            patient_assented: v.patient.is_some(),
            care_assented: v.care.is_some(),
        };
        let Ok(effect) = assent(&facts, by, read) else { return };
        let read = read.map_or_else(|| self.versions[version].text.clone(), <[u8]>::to_vec);
        self.versions[version].assented(by, read);
        if effect == Assented::Activates {
            for other in &mut self.versions {
                if other.status == Status::Active {
                    other.status = Status::Superseded;
                }
            }
            self.versions[version].status = Status::Active;
            self.status = agreement::Status::Active;
        }
    }
}

impl Version {
    fn assented(&mut self, by: Party, read: Vec<u8>) {
        match by {
            Party::Patient => self.patient = Some(read),
            Party::Care => self.care = Some(read),
        }
    }
}

fn party() -> impl Strategy<Value = Party> {
    prop_oneof![Just(Party::Patient), Just(Party::Care)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => party().prop_map(|by| Act::Add { by }),
        2 => party().prop_map(|by| Act::Propose { by }),
        6 => (party(), 0..6_usize, 0..6_usize).prop_map(|(by, version, read)| Act::Assent { by, version, read }),
        4 => (party(), 0..6_usize).prop_map(|(by, version)| Act::Accept { by, version }),
        1 => Just(Act::End),
    ]
}

proptest! {
    #[test]
    fn nothing_comes_into_force_without_both_assents_to_exactly_that_text(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut life = Life::new();
        let mut ended = false;
        for act in &acts {
            let before = life.clone();
            life.act(act);
            ended |= matches!(act, Act::End);
            let active: Vec<_> = life.versions.iter().filter(|v| v.status == Status::Active).collect();
            prop_assert!(active.len() <= 1, "two in force");
            prop_assert!(!ended || active.is_empty(), "in force after the end");
            for version in &active {
                prop_assert_eq!(version.patient.as_ref(), Some(&version.text));
                prop_assert_eq!(version.care.as_ref(), Some(&version.text));
                prop_assert_eq!(version.digest.as_ref(), Some(&version.text));
            }
            for (old, new) in before.versions.iter().zip(&life.versions) {
                if old.patient.is_some() || old.care.is_some() {
                    prop_assert_eq!(&old.text, &new.text, "an assented text was edited");
                    prop_assert_eq!(&old.digest, &new.digest);
                }
            }
            // A version comes into force only on top of the one it changes.
            if let (Some(was), Some(is)) = (before.in_force(), life.in_force())
                && was != is
            {
                let new = life.versions.iter().find(|v| v.id == is).and_then(|v| v.base);
                prop_assert_eq!(new, Some(was));
            }
        }
    }
}
