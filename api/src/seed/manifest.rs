//! Who was seeded, for those who drive the service: one line of JSON per person, with ids as clients see them.

use std::io::Write;

use serde_json::{Value, json};

use super::{population::Seeded, writer::Unit};
use crate::{
    auth::token::Identity,
    error::Fault,
    graphql::scalars::{GlobalId, NodeKind},
};

/// The lines go nowhere when nobody wants them. They hold tokens: the file is as secret as those.
pub struct Manifest<'w, 'i> {
    pub to: Option<&'w mut dyn Write>,
    pub issue_token: Option<&'i dyn Fn(&Identity) -> String>,
}

impl Manifest<'_, '_> {
    pub fn patient(&mut self, seeded: &Seeded) -> Result<(), Fault> {
        let identity = Identity::Patient { number: seeded.person.number.clone() };
        self.line(&identity, |token| {
            json!({
                "kind": "patient",
                "token": token,
                "patientId": GlobalId::new(NodeKind::Patient, seeded.whose.patient).to_string(),
                "careUnitId": GlobalId::new(NodeKind::CareUnit, seeded.whose.unit).to_string(),
                "agreementId": GlobalId::new(NodeKind::Agreement, seeded.agreement).to_string(),
                "threadId": GlobalId::new(NodeKind::Thread, seeded.thread).to_string(),
            })
        })
    }

    /// Everybody who works at the unit, each under their assignment there.
    pub fn staff(&mut self, unit: &Unit) -> Result<(), Fault> {
        unit.workers.iter().try_for_each(|worker| {
            let identity = Identity::Staff {
                person: worker.person_hsa_id.clone(),
                assignment: Some(worker.assignment_hsa_id.clone()),
            };
            self.line(&identity, |token| {
                json!({
                    "kind": "staff",
                    "role": worker.role.as_str(),
                    "token": token,
                    "careUnitId": GlobalId::new(NodeKind::CareUnit, unit.id).to_string(),
                    "assignment": worker.assignment_hsa_id,
                })
            })
        })
    }

    fn line(&mut self, identity: &Identity, tell: impl FnOnce(Option<String>) -> Value) -> Result<(), Fault> {
        let Some(to) = &mut self.to else { return Ok(()) };
        let line = tell(self.issue_token.map(|issue| issue(identity)));
        writeln!(to, "{line}").map_err(not_written)
    }

    /// Hands over what may still wait.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.to.as_mut().map_or(Ok(()), |to| to.flush().map_err(not_written))
    }
}

fn not_written(error: std::io::Error) -> Fault {
    Fault::internal(format!("the manifest cannot be written: {}", error.kind()))
}
