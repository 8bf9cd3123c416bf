//! Who works at a unit, for staff of its care provider: one statement.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns},
    free::rows,
};
use crate::{
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, HsaId, NodeKind},
        types::people::{AssignmentSummary, StaffSummary},
    },
    session::Session,
};
use entity::CareUnitId;

/// A place in the list: by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ColleaguePlace {
    name: String,
    id: Uuid,
}

/// A page of those who work at a unit of the caller's care provider now, by name; none at another's.
pub async fn of_unit(
    session: &Session,
    unit: CareUnitId,
    request: &PageRequest<ColleaguePlace>,
) -> Result<Page<AssignmentSummary>, Fault> {
    let provider = session.actor.staff().map_or(Uuid::nil(), |staff| staff.care_provider.0);
    let after = request.after.clone().unwrap_or_default();
    let sql = format!(
        "SELECT x.id, x.hsa_id, x.role, {} FROM assignment x JOIN staff_member m ON m.id = x.staff_member_id \
         WHERE x.care_unit_id = $1 AND x.care_provider_id = $2 AND x.valid_from <= $3 \
         AND (x.valid_until IS NULL OR x.valid_until > $3) \
         AND (m.display_name > $4 OR (m.display_name = $4 AND x.id > $5)) \
         ORDER BY m.display_name, x.id LIMIT {}",
        staff_columns("m"),
        request.first + 1
    );
    let values =
        vec![unit.0.into(), provider.into(), session.now().into(), after.name.into(), after.id.into()];
    let found = rows(session, sql, values, read).await?;
    Ok(Page::of_rows(found, request, |colleague| ColleaguePlace {
        name: colleague.staff.name.clone(),
        id: colleague.id.id,
    }))
}

fn read(cols: &mut Cols<'_>) -> Result<AssignmentSummary, Fault> {
    Ok(AssignmentSummary {
        id: GlobalId::new(NodeKind::Assignment, cols.take::<Uuid>()?),
        hsa_id: HsaId(cols.take()?),
        role: cols.text_enum::<entity::assignment::Role>()?.into(),
        staff: StaffSummary { name: cols.take()?, title: cols.take()? },
    })
}
