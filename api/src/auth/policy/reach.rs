//! Which rows an actor reaches, written once: as a condition with its values, or as the text of one with parameters.

use chrono::{DateTime, Utc};
use entity::care_relation;
use sea_orm::{
    Condition, Value,
    sea_query::{Expr, ExprTrait, Query, SqliteQueryBuilder},
};
use uuid::Uuid;

use super::{
    PatientData,
    matrix::{Action, Noun, Who, allows},
};
use crate::auth::actor::Actor;

/// What a condition compares with: values, or the places `$1` to `$4` of a flat statement.
struct Operands {
    patient: Expr,
    unit: Expr,
    provider: Expr,
    now: Expr,
}

/// The rule. `patient` and `provider` are columns of the row.
fn rule(who: Who, noun: Noun, patient: Expr, provider: Option<Expr>, with: Operands) -> Condition {
    match who {
        Who::Patient => Condition::all().add(patient.eq(with.patient)),
        // The principal's rows, or their own, where that is within their rights.
        Who::Representative(_) | Who::YoungPatient(_) if allows(who, noun, Action::Read) => {
            Condition::all().add(patient.eq(with.patient))
        }
        Who::Staff(_) => {
            let column = |column| Expr::col(("rel", column));
            let relation = Query::select()
                .expr(Expr::val(1))
                .from_as(care_relation::Entity, "rel")
                .and_where(column(care_relation::Column::PatientId).eq(patient))
                .and_where(column(care_relation::Column::CareUnitId).eq(with.unit))
                .and_where(column(care_relation::Column::ValidFrom).lte(with.now.clone()))
                .cond_where(
                    Condition::any()
                        .add(column(care_relation::Column::ValidUntil).is_null())
                        .add(column(care_relation::Column::ValidUntil).gt(with.now)),
                )
                .to_owned();
            let mut condition = Condition::all().add(Expr::exists(relation));
            if let Some(column) = provider {
                condition = condition.add(column.eq(with.provider));
            }
            condition
        }
        Who::Anonymous | Who::Person | Who::Representative(_) | Who::YoungPatient(_) | Who::System => {
            Condition::all().add(Expr::val(1).eq(0))
        }
    }
}

/// The condition under which a row of patient data is within the actor's reach.
pub fn row_condition<E: PatientData>(actor: &Actor, now: DateTime<Utc>) -> Condition {
    let (patient, unit, provider) = ids(actor);
    rule(
        actor.into(),
        E::NOUN,
        Expr::col((E::default(), E::patient())),
        E::provider().map(|column| Expr::col((E::default(), column))),
        Operands {
            patient: Expr::val(patient),
            unit: Expr::val(unit),
            provider: Expr::val(provider),
            now: Expr::val(now),
        },
    )
}

/// The same as text, for the read models' flat statements: a condition on `patient` (a column with the patient's id)
/// and, where given, `provider` (a column with the owning provider's id), for rows of `noun`.
///
/// Its parameters are `$1` to `$4`, in every statement: see [`reach_values`].
pub fn reach_sql(who: Who, noun: Noun, patient: &str, provider: Option<&str>) -> String {
    let place = |text: &str| Expr::cust(text.to_owned());
    let with = Operands { patient: place("$1"), unit: place("$2"), provider: place("$3"), now: place("$4") };
    let condition = rule(who, noun, place(patient), provider.map(place), with);
    // A SELECT of nothing but the condition; identifiers are quoted alike on both databases.
    let select = Query::select().expr(Expr::val(1)).cond_where(condition).to_string(SqliteQueryBuilder);
    select.strip_prefix("SELECT 1 WHERE ").unwrap_or("1 = 0").to_owned()
}

/// The values of `$1` to `$4` for [`reach_sql`].
pub fn reach_values(actor: &Actor, now: DateTime<Utc>) -> Vec<Value> {
    let (patient, unit, provider) = ids(actor);
    vec![patient.into(), unit.into(), provider.into(), now.into()]
}

/// The patient, or else unit and provider, that an actor's reach goes by.
fn ids(actor: &Actor) -> (Uuid, Uuid, Uuid) {
    let staff = actor.staff().map_or((Uuid::nil(), Uuid::nil()), |s| (s.care_unit.0, s.care_provider.0));
    (actor.patient().map_or(Uuid::nil(), |p| p.0), staff.0, staff.1)
}

#[cfg(test)]
mod tests {
    use entity::assignment::Role;

    use super::*;
    use crate::auth::policy::Rights;

    #[test]
    fn the_text_is_the_rule_with_its_parameters() {
        let sql = |who| reach_sql(who, Noun::Goal, "a.patient_id", Some("a.care_provider_id"));
        assert_eq!(sql(Who::Patient), "(a.patient_id) = ($1)");
        assert_eq!(sql(Who::Representative(Rights::FULL)), "(a.patient_id) = ($1)");
        for nobody in [Who::Anonymous, Who::Person, Who::System, Who::Representative(Rights::default())] {
            assert_eq!(sql(nobody), "1 = 0");
        }
        assert_eq!(
            sql(Who::Staff(Role::Care)),
            "EXISTS(SELECT 1 FROM \"care_relation\" AS \"rel\" WHERE \"rel\".\"patient_id\" = (a.patient_id) \
             AND \"rel\".\"care_unit_id\" = ($2) AND \"rel\".\"valid_from\" <= ($4) AND (\"rel\".\"valid_until\" IS NULL \
             OR \"rel\".\"valid_until\" > ($4))) AND (a.care_provider_id) = ($3)"
        );
    }
}
