//! A Python with the few packages that judge the service from outside: a mail server and a calendar parser.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

/// The system's if it has them, or one of our own under `target`.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let has = |python: &Path| run(python, &["-c", "import aiosmtpd.smtp, icalendar"]);
        let system = PathBuf::from("python3");
        if has(&system) {
            return system;
        }
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let own = target.join("python-venv");
        let python = own.join("bin/python");
        if has(&python) {
            return python;
        }
        // Two test runs at once: each makes its own, and the first one to be ready is kept.
        let fresh = target.join(format!("python-venv-{}", std::process::id()));
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("smtp/requirements.txt");
        let made = run(&system, &["-m", "venv", &fresh.to_string_lossy()])
            && run(
                &fresh.join("bin/python"),
                &["-m", "pip", "install", "--quiet", "-r", &requirements.to_string_lossy()],
            );
        let _ = std::fs::rename(&fresh, &own);
        let _ = std::fs::remove_dir_all(&fresh);
        assert!(
            made && has(&python),
            "the tests of mail and calendars need Python 3 with aiosmtpd and icalendar: python3-venv and access to \
             the Python package index"
        );
        python
    })
}

pub(crate) fn run(program: &Path, args: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
