//! Logs and measurements: what an operator needs to know, and nothing about any person.
//!
//! Logs are written for whoever runs the machine, who has no right to read about patients. So other people's
//! crates, which may print requests or statements, are only heard from level `info` up, a panic is logged
//! without its message, and errors are logged through one function that can be read and tested.

use std::{fmt::Display, io, panic, sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    fmt::{MakeWriter, layer},
    layer::SubscriberExt,
    registry::LookupSpan,
};

use crate::config::{Log, LogFormat};

/// Upper bounds of the measured times, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What could not be set up for logs and measurements.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("log.level cannot be understood: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are already set up in this process")]
    Installed(#[from] tracing::subscriber::SetGlobalDefaultError),
    #[error("measurements cannot be set up: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Sets up the process's log on standard error, and the hook that logs panics. Once per process.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    tracing::subscriber::set_global_default(subscriber(log, io::stderr)?)?;
    panic::set_hook(Box::new(note_panic));
    Ok(())
}

/// A subscriber that writes as configured to `writer`.
fn subscriber<W>(log: &Log, writer: W) -> Result<impl Subscriber + Send + Sync, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = EnvFilter::try_new(&log.level)?;
    Ok(tracing_subscriber::registry()
        .with(format(log.format, writer).with_filter(filter_fn(is_ours_or_calm)))
        .with(level))
}

fn format<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => layer().json().flatten_event(true).with_writer(writer).boxed(),
        LogFormat::Text => layer().with_ansi(false).with_writer(writer).boxed(),
    }
}

/// Our own code may be heard at every level; that of others below `info` prints headers, statements and bodies.
fn is_ours_or_calm(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    // `migrate status` tells what is applied; a line for each change at every first start buries the rest.
    if target.starts_with("sea_orm_migration") {
        return *metadata.level() <= Level::WARN;
    }
    *metadata.level() <= Level::INFO || target == "patientkontrakt" || target.starts_with("patientkontrakt::")
}

/// Logs that the program panicked and where. The message may quote data, so it stays out.
fn note_panic(info: &panic::PanicHookInfo<'_>) {
    let (file, line) = info.location().map_or(("", 0), |at| (at.file(), at.line()));
    metrics::counter!("patientkontrakt_panics_total").increment(1);
    tracing::error!(
        file,
        line,
        "the program panicked; the message is withheld because it may hold personal data"
    );
}

/// Notes a failure that nobody waits for: counted and logged, here and nowhere else.
///
/// `what` is a fixed word for the operation. `error` must be a type whose text names no person and quotes no
/// data; a `DbErr`, a `reqwest::Error` without its address and our own errors are.
pub fn note_failure(what: &'static str, error: &dyn Display) {
    metrics::counter!("patientkontrakt_failures_total", "operation" => what).increment(1);
    tracing::warn!(operation = what, error = %error, "failed and was passed over");
}

/// The measurements of this process, rendered in the Prometheus format when asked.
#[derive(Clone)]
pub struct Measurements(PrometheusHandle);

impl Measurements {
    /// Sets up the recorder at the first call; every call answers the same one.
    pub fn install() -> Result<Self, TelemetryError> {
        static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
        if let Some(handle) = INSTALLED.get() {
            return Ok(Self(handle.clone()));
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .build_recorder();
        let handle = recorder.handle();
        // Whoever loses the race, or finds a recorder of a test, measures into nothing.
        match metrics::set_global_recorder(recorder) {
            Ok(()) => Ok(Self(INSTALLED.get_or_init(|| handle).clone())),
            Err(_) => Ok(Self(INSTALLED.get().cloned().unwrap_or(handle))),
        }
    }

    /// Everything measured so far.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Empties the recorder's buffers now and then, until the future is dropped.
    pub async fn keep_up(self) {
        let mut every = tokio::time::interval(Duration::from_secs(5));
        loop {
            every.tick().await;
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn log(level: &str, format: LogFormat) -> Log {
        Log { level: level.to_owned(), format }
    }

    fn capture(log: &Log, work: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing::subscriber::with_default(subscriber(log, move || writer.clone()).unwrap(), work);
        captured.text()
    }

    #[test]
    fn json_lines_are_json_with_level_and_fields() {
        let text = capture(&log("info", LogFormat::Json), || {
            note_failure("cache_refresh", &"it is late");
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["operation"], "cache_refresh");
        assert_eq!(line["error"], "it is late");
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_without_its_message() {
        let text = capture(&log("trace", LogFormat::Json), || {
            let before = panic::take_hook();
            panic::set_hook(Box::new(note_panic));
            let result = panic::catch_unwind(|| panic!("patient 191212121212 Tolvan Tolvansson"));
            panic::set_hook(before);
            assert!(result.is_err());
        });
        assert!(text.contains("telemetry.rs"), "{text}");
        assert!(!text.contains("191212121212") && !text.contains("Tolvan"), "{text}");
    }

    #[test]
    fn other_crates_are_not_heard_below_info_even_when_everything_is_asked_for() {
        let text = capture(&log("trace", LogFormat::Text), || {
            tracing::debug!(target: "sqlx::query", "SELECT 191212121212");
            tracing::trace!(target: "patientkontrakt_lookalike", "canary 191212121212");
            tracing::info!(target: "sqlx::pool", "calm");
            tracing::debug!("our own");
        });
        assert!(text.contains("calm") && text.contains("our own"), "{text}");
        assert!(!text.contains("191212121212"), "{text}");
    }

    #[test]
    fn the_level_can_be_set_for_a_part_of_the_program() {
        let text = capture(&log("warn,patientkontrakt::reminder=debug", LogFormat::Text), || {
            tracing::info!("hidden");
            tracing::debug!(target: "patientkontrakt::reminder", "shown");
        });
        assert!(text.contains("shown") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_level_that_is_no_level_is_refused() {
        assert!(matches!(
            subscriber(&log("patientkontrakt=loud", LogFormat::Json), io::sink).err(),
            Some(TelemetryError::Level(_))
        ));
    }

    #[test]
    fn a_failure_is_counted_by_operation() {
        let measurements = Measurements::install().unwrap();
        note_failure("counted_in_test", &"x");
        let text = measurements.render();
        assert!(text.contains(r#"patientkontrakt_failures_total{operation="counted_in_test"} 1"#), "{text}");
    }
}
