//! The schema, built without a database: everything a request needs comes with the request.

use async_graphql::{SDLExportOptions, Schema as GenericSchema, ValidationMode};
use chrono::{DateTime, Utc};

use super::{mutation::Mutation, query::Query, subscription::SubscriptionRoot};
use crate::http::graphql::limits::Limits;

/// The service's schema.
pub type Schema = GenericSchema<Query, Mutation, SubscriptionRoot>;

/// Builds the schema with the limits it checks itself. The transport validates documents with it, once each.
pub fn build(limits: &Limits) -> Schema {
    with(ValidationMode::Strict, limits)
}

/// The same schema for running what the transport has validated: only the limits are checked again.
pub fn build_trusting(limits: &Limits) -> Schema {
    with(ValidationMode::Fast, limits)
}

fn with(validation: ValidationMode, limits: &Limits) -> Schema {
    GenericSchema::build(Query, Mutation::default(), SubscriptionRoot)
        .validation_mode(validation)
        .limit_complexity(limits.complexity)
        .disable_suggestions()
        .override_output_type_description::<DateTime<Utc>>(DATE_TIME)
        .finish()
}

/// What the library says of its own scalar is about the library.
const DATE_TIME: &str = "A moment (tidpunkt) by RFC 3339 with its offset from UTC, such as `2027-03-01T08:30:00+00:00`.\n\
     Answers are always in UTC, with a fraction of a second only where there is one; any offset is taken. People are\n\
     shown Swedish time (Europe/Stockholm), by which days are counted too.";

/// The schema as text: sorted, every element described. What is checked in as `schema.graphql`.
pub fn print() -> String {
    let options =
        SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    let sdl = build(&Limits::default()).sdl_with_options(options);
    format!("{}\n", sdl.trim_end())
}
