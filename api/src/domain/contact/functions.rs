//! Which functions may be contacts at a unit: decided by its manager. Until there is a decision, any care role may.

use entity::{ContactFunctionRuleId, contact_function_rule};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};
use entity::CareUnitId;

/// How many functions a decision lists at most.
pub const MOST: usize = 50;

/// A decision.
#[derive(Clone, Debug, Serialize)]
pub struct SetFunctions {
    pub unit: CareUnitId,
    /// As they are called at the unit, such as "distriktssköterska"; none allows any.
    pub functions: Vec<String>,
    /// The number of the decision that the caller has read; 0 when there was none.
    pub expected_number: i32,
}

/// A decision in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    pub number: i32,
    pub functions: Vec<String>,
}

const ACTION: &str = "contactFunctionsSet";

/// Decides anew.
pub async fn set(session: &Session, key: &str, cmd: &SetFunctions) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff =
            policy::own_unit(&session.actor, Noun::ContactFunctions, Action::Set, cmd.unit, "careUnitId")?;
        let functions = clean(&cmd.functions)?;
        let before = in_force(tx, staff.care_unit).await?.unwrap_or_default();
        if before.number != cmd.expected_number {
            return Err(Problem::stale().at("expectedNumber").into());
        }
        let row = contact_function_rule::ActiveModel {
            id: Set(ContactFunctionRuleId(session.core.clock.uuid())),
            care_unit_id: Set(staff.care_unit),
            care_provider_id: Set(staff.care_provider),
            number: Set(before.number.saturating_add(1)),
            functions: Set(serde_json::to_string(&functions).map_err(Fault::internal)?),
            set_by: Set(staff.assignment.0),
            set_at: Set(session.now()),
        };
        contact_function_rule::Entity::insert(row)
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, || Problem::stale().at("expectedNumber")))?;
        Ok(Done::impersonal().with("unit", staff.care_unit.0))
    })
    .await
}

fn clean(functions: &[String]) -> Result<Vec<String>, Vec<Problem>> {
    let mut problems = Vec::new();
    if functions.len() > MOST {
        problems.push(Problem::new(
            ProblemCode::BadUserInput,
            format!("Ange högst {MOST} funktioner."),
            format!("Give {MOST} functions at most."),
        ));
    }
    let mut cleaned: Vec<String> = Vec::with_capacity(functions.len().min(MOST));
    for (i, function) in functions.iter().take(MOST).enumerate() {
        let function = text::required(&format!("functions.{i}"), function, text::TITLE, &mut problems);
        if !allows_exactly(&cleaned, &function) {
            cleaned.push(function);
        }
    }
    if problems.is_empty() { Ok(cleaned) } else { Err(problems) }
}

/// The decision in force at a unit, if there is one.
pub async fn in_force(tx: &Tx, unit: CareUnitId) -> Result<Option<InForce>, Fault> {
    use contact_function_rule::Column as C;
    let latest = contact_function_rule::Entity::find()
        .filter(C::CareUnitId.eq(unit))
        .order_by_desc(C::Number)
        .one(tx)
        .await?;
    latest.map(|row| read(&row)).transpose()
}

/// A stored decision.
pub fn read(row: &contact_function_rule::Model) -> Result<InForce, Fault> {
    let functions = serde_json::from_str(&row.functions).map_err(Fault::internal)?;
    Ok(InForce { number: row.number, functions })
}

/// Whether a function may be a contact. Case does not matter.
pub fn allows(functions: &[String], function: &str) -> bool {
    functions.is_empty() || allows_exactly(functions, function)
}

fn allows_exactly(functions: &[String], function: &str) -> bool {
    let function = function.trim().to_lowercase();
    functions.iter().any(|allowed| allowed.to_lowercase() == function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_decision_allows_any_function_and_a_decision_those_it_lists() {
        assert!(allows(&[], "Fotvårdare"));
        let listed = ["Distriktssköterska".to_owned(), "Översköterska".to_owned()];
        assert!(allows(&listed, " distriktssköterska ") && allows(&listed, "ÖVERSKÖTERSKA"));
        assert!(!allows(&listed, "Sköterska"));
    }

    #[test]
    fn a_decision_is_trimmed_told_all_its_faults_and_lists_nothing_twice() {
        let cleaned = clean(&[" Kurator ".to_owned(), "kurator".to_owned()]).map_err(|_| ());
        assert_eq!(cleaned, Ok(vec!["Kurator".to_owned()]));
        let problems = clean(&[" ".to_owned(), "å".repeat(201)]).err().unwrap_or_default();
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(fields, ["functions.0", "functions.1"]);
    }
}
