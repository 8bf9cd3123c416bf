//! Points at which a test stops this process, to kill it there: compiled into debug builds only.
//!
//! A feature of the package would need a second build of everything for the tests; an environment variable alone would
//! be a switch in the hands of whoever starts the service. A release build holds no trace of either.

/// Of a message, between the claim and the record, in order.
pub const SENDING: [&str; 6] = ["claimed", "looked", "logged", "begun", "answered", "recorded"];

/// Of an act on a time, from the lock of the patient to the commit, in order.
pub const BOOKING: [&str; 8] =
    ["locked", "seated", "occupied", "written", "told", "in the log", "key stored", "committed"];

/// Stops here for good if `FAULT_POINT` names this point, and says so in the log.
#[cfg(debug_assertions)]
pub async fn point(name: &'static str) {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("FAULT_POINT").ok());
    if CHOSEN.as_deref() == Some(name) {
        tracing::warn!(fault_point = name, "stopped at a fault point");
        std::future::pending::<()>().await;
    }
}

#[cfg(not(debug_assertions))]
pub async fn point(_: &'static str) {}
