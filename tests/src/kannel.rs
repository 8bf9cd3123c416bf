//! A real SMS gateway for tests: `kannel/server.py`, Debian's Kannel with its fake SMS centre.
//!
//! What counts is what the centre got, not what the service says.
#![allow(clippy::expect_used, reason = "a test that has no gateway cannot go on")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// A running gateway; it ends when this is dropped.
pub struct Kannel {
    /// Where `sendsms` is.
    pub url: String,
    pub secret: String,
    folder: PathBuf,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Kannel {
    /// Starts the gateway, which passes replies on to `replies`, and waits until it takes messages.
    pub async fn start(replies: &str) -> Self {
        assert!(
            Path::new("/usr/sbin/bearerbox").exists(),
            "the tests of Kannel need it: apt-get install kannel kannel-extras"
        );
        let mut child = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("kannel/server.py"))
            .arg(replies)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the gateway starts");
        let orders = child.stdin.take().expect("its input");
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = timeout(PATIENCE, said.next_line()).await.expect("the gateway starts in time");
        let first = first.expect("its output can be read").expect("it says where it is");
        let first: Value = serde_json::from_str(&first).expect("a line of JSON");
        let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
        Self {
            url: text("url"),
            secret: text("secret"),
            folder: text("folder").into(),
            orders,
            said,
            _child: child,
        }
    }

    /// Gives an order (see `kannel/server.py`) and waits until it is done.
    pub async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("an order");
        let done = timeout(PATIENCE, self.said.next_line()).await.expect("the order is done in time");
        assert_eq!(done.expect("its output").as_deref(), Some("done"));
    }

    /// The texts that the centre got, in order.
    pub fn texts(&self) -> Vec<String> {
        let log = std::fs::read(self.folder.join("centre.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let got = log.lines().filter_map(|line| line.split_once("Got message ")?.1.split_once(": <"));
        got.map(|(_, text)| text.trim_end_matches('>').to_owned()).collect()
    }

    /// The accounts of the texts that went to the centre, which hold the beginning of our ids, by Kannel's own record.
    pub fn accounts(&self) -> Vec<String> {
        let log = std::fs::read(self.folder.join("access.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let sent = log.lines().filter(|line| line.contains(" Sent SMS "));
        sent.filter_map(|line| line.split_once("[ACT:")?.1.split_once(']'))
            .map(|(account, _)| account.to_owned())
            .collect()
    }

    /// Waits until the centre has got so many texts.
    pub async fn got(&self, count: usize) {
        self.until(|| self.texts().len() >= count).await;
        assert_eq!(self.texts().len(), count, "{:?}", self.texts());
    }

    /// Waits until the gateway has written a text to this number to its store, where it outlives the gateway.
    pub async fn keeps(&self, number: &str) {
        let kept = || {
            let store = std::fs::read(self.folder.join("kannel.store")).unwrap_or_default();
            store.windows(number.len()).any(|part| part == number.as_bytes())
        };
        self.until(kept).await;
        assert!(kept(), "the gateway has not stored it");
    }

    async fn until(&self, there: impl Fn() -> bool) {
        for _ in 0..600 {
            if there() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
