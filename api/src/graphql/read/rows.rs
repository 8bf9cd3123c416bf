//! Running the statements of the read models: each by itself on the reading pool, within the time limit.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::{auth::policy::reach_values, error::Fault, session::Session};

/// Runs a statement.
pub async fn run(
    session: &Session,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let sql = sql.into();
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await
}

/// Runs a statement whose first four parameters are those of the policy, and `own` the fifth and on.
pub async fn rows(
    session: &Session,
    sql: impl Into<String>,
    own: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    values.extend(own);
    run(session, sql, values).await
}
