//! Reading flat rows: columns are taken in the order in which the statement lists them.

use entity::Sealed;
use sea_orm::{ActiveEnum, QueryResult, TryGetable};
use uuid::Uuid;

use crate::{
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind, PhoneNumber},
        types::people::{CareUnitSummary, StaffSummary},
    },
};

/// A cursor over the columns of one row.
pub struct Cols<'r> {
    row: &'r QueryResult,
    at: usize,
}

impl<'r> Cols<'r> {
    pub fn new(row: &'r QueryResult) -> Self {
        Self { row, at: 0 }
    }

    /// The next column.
    pub fn take<T: TryGetable>(&mut self) -> Result<T, Fault> {
        let at = self.at;
        self.at += 1;
        self.row.try_get_by(at).map_err(Fault::from)
    }

    /// The next column, which may be null after a left join.
    pub fn opt<T: TryGetable>(&mut self) -> Result<Option<T>, Fault> {
        self.take::<Option<T>>()
    }

    /// The next column, as a stored enum.
    pub fn text_enum<E: ActiveEnum<Value = String>>(&mut self) -> Result<E, Fault> {
        E::try_from_value(&self.take::<String>()?).map_err(Fault::from)
    }

    /// The next column, as a stored enum that may be null.
    pub fn opt_enum<E: ActiveEnum<Value = String>>(&mut self) -> Result<Option<E>, Fault> {
        self.opt::<String>()?.map(|text| E::try_from_value(&text).map_err(Fault::from)).transpose()
    }

    /// Leaves out `n` columns: the rest of a left-joined group that is absent.
    pub fn skip(&mut self, n: usize) {
        self.at += n;
    }

    /// Columns of [`unit_columns`].
    pub fn unit(&mut self) -> Result<CareUnitSummary, Fault> {
        self.opt_unit()?.ok_or_else(|| Fault::internal("a care unit is missing from its row"))
    }

    /// Columns of [`unit_columns`] after a left join.
    pub fn opt_unit(&mut self) -> Result<Option<CareUnitSummary>, Fault> {
        let Some(id) = self.opt::<Uuid>()? else {
            self.skip(3);
            return Ok(None);
        };
        Ok(Some(CareUnitSummary {
            id: GlobalId::new(NodeKind::CareUnit, id),
            name: self.take()?,
            phone: PhoneNumber(self.take()?),
            address: self.opt()?,
        }))
    }

    /// Columns of [`staff_columns`] after a left join.
    pub fn opt_staff(&mut self) -> Result<Option<StaffSummary>, Fault> {
        let (name, title) = (self.opt()?, self.opt()?);
        Ok(name.zip(title).map(|(name, title)| StaffSummary { name, title }))
    }

    pub fn opt_sealed(&mut self) -> Result<Option<Sealed>, Fault> {
        Ok(self.opt::<Vec<u8>>()?.map(Sealed))
    }
}

/// The columns of a [`CareUnitSummary`] under a table alias.
pub fn unit_columns(alias: &str) -> String {
    format!("{alias}.id, {alias}.name, {alias}.phone, {alias}.address")
}

/// The columns of a [`StaffSummary`] under the alias of `staff_member`.
pub fn staff_columns(alias: &str) -> String {
    format!("{alias}.display_name, {alias}.title")
}
