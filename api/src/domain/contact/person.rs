//! Who can be a contact or step in for one: staff under an assignment, or a person or function without an account.

use chrono::{DateTime, Utc};
use entity::{
    AssignmentId, CareProviderId, CareUnitId,
    assignment::{self, Role},
    staff_member,
};
use sea_orm::EntityTrait;

use super::functions;
use crate::{
    db::Tx,
    domain::{phone::PhoneNumber, text},
    error::{Problem, Stop},
    locale::Locale,
};

/// Whoever was found, as shown to the patient.
#[derive(Clone, Debug)]
pub struct Shown {
    pub assignment: Option<AssignmentId>,
    pub unit: CareUnitId,
    pub name: String,
    pub function: String,
    pub phone: Option<String>,
}

/// Staff of `provider` under an assignment that is in force from `from` until `until`. Analysts and administrators
/// have no part in care; the unit's manager decides which functions may be contacts.
pub async fn staff(
    tx: &Tx,
    provider: CareProviderId,
    id: AssignmentId,
    field: &str,
    (from, until): (DateTime<Utc>, Option<DateTime<Utc>>),
    problems: &mut Vec<Problem>,
) -> Result<Shown, Stop> {
    let unknown = || Problem::not_found(field);
    let row = assignment::Entity::find_by_id(id).one(tx).await?.ok_or_else(unknown)?;
    let member = staff_member::Entity::find_by_id(row.staff_member_id).one(tx).await?.ok_or_else(unknown)?;
    let in_force = row.valid_from <= from && row.valid_until.is_none_or(|end| end > from);
    if row.care_provider_id != provider || !in_force {
        return Err(unknown().into());
    }
    if matches!(row.role, Role::Analyst | Role::Admin) {
        problems.push(Problem::input(
            field,
            "Välj någon som arbetar i vården. En analytiker eller administratör kan inte vara kontakt.",
            "Choose somebody who works in care. An analyst or administrator cannot be a contact.",
        ));
    }
    if let (Some(end), Some(until)) = (row.valid_until, until)
        && end < until
    {
        problems.push(Problem::input(
            field,
            "Personens uppdrag tar slut innan dess. Välj någon annan eller ett tidigare slut.",
            "The person's assignment ends before that. Choose somebody else or an earlier end.",
        ));
    }
    check_function(tx, row.care_unit_id, &member.title, field, problems).await?;
    Ok(Shown {
        assignment: Some(row.id),
        unit: row.care_unit_id,
        name: member.display_name,
        function: member.title,
        phone: None,
    })
}

/// A person or function without an account, at `unit`.
pub async fn named(
    tx: &Tx,
    unit: CareUnitId,
    (name, function, phone): (&str, &str, &str),
    problems: &mut Vec<Problem>,
) -> Result<Shown, Stop> {
    let phone = PhoneNumber::parse(phone).map_err(|e| {
        problems.push(Problem::input("person.named.phone", e.text(Locale::Sv), e.text(Locale::En)));
    });
    let shown = Shown {
        assignment: None,
        unit,
        name: text::required("person.named.name", name, text::TITLE, problems),
        function: text::required("person.named.function", function, text::TITLE, problems),
        phone: phone.ok().map(|p| p.as_str().to_owned()),
    };
    check_function(tx, unit, &shown.function, "person.named.function", problems).await?;
    Ok(shown)
}

async fn check_function(
    tx: &Tx,
    unit: CareUnitId,
    function: &str,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Result<(), Stop> {
    let allowed = functions::in_force(tx, unit).await?.map(|rule| rule.functions).unwrap_or_default();
    if !functions::allows(&allowed, function) {
        problems.push(Problem::input(
            field,
            format!("På enheten kan bara de här funktionerna vara kontakter: {}.", allowed.join(", ")),
            format!("At the unit only these functions can be contacts: {}.", allowed.join(", ")),
        ));
    }
    Ok(())
}
