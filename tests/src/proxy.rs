//! A wire that can be cut: stands between the service and its database, and fails as networks do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What becomes of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// They pass.
    Whole,
    /// Connections break, and new ones break at once.
    Cut,
    /// Nothing passes and nobody is told. A connection that was held stays so for good.
    Silent,
    /// They pass, answers this much later.
    Slow(Duration),
    /// They pass until a request holds `mark`: then the connection breaks, before the request has arrived or after
    /// it, and before its answer.
    Loses { mark: Vec<u8>, arrives: bool },
}

/// A listener that passes connections on to one address, until it is told not to. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    lost: Arc<AtomicUsize>,
    running: JoinHandle<()>,
}

impl Proxy {
    /// Passes on to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let line = Arc::new(watch::Sender::new(Line::Whole));
        let lost = Arc::new(AtomicUsize::new(0));
        let (lines, losses) = (Arc::clone(&line), Arc::clone(&lost));
        let running = tokio::spawn(async move {
            let mut held = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                held.spawn(pass(client, target, lines.subscribe(), Arc::clone(&losses)));
            }
        });
        Self { address, line, lost, running }
    }

    /// Breaks every connection, and every new one.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Lets nothing through without telling anyone, as a network does that has lost a machine.
    pub fn silence(&self) {
        self.line.send_replace(Line::Silent);
    }

    /// Answers come later.
    pub fn slow(&self, by: Duration) {
        self.line.send_replace(Line::Slow(by));
    }

    /// Every request that holds `mark` arrives, and its answer is lost with the connection.
    pub fn lose_answers_to(&self, mark: &[u8]) {
        self.line.send_replace(Line::Loses { mark: mark.to_vec(), arrives: true });
    }

    /// Every request that holds `mark` is lost with the connection.
    pub fn lose_requests(&self, mark: &[u8]) {
        self.line.send_replace(Line::Loses { mark: mark.to_vec(), arrives: false });
    }

    /// How many requests or answers have been lost by their mark.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    /// Lets everything through. Connections that were silenced stay silent.
    pub fn mend(&self) {
        self.line.send_replace(Line::Whole);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn pass(client: TcpStream, target: SocketAddr, line: watch::Receiver<Line>, lost: Arc<AtomicUsize>) {
    let begun = line.borrow().clone();
    match begun {
        Line::Cut => return,
        Line::Silent => std::future::pending().await,
        Line::Whole | Line::Slow(_) | Line::Loses { .. } => {}
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    // Held to the end: a silent line is no closed one.
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut changes = line.clone();
    let broken = async {
        // Until the line is cut or falls silent; other changes are seen with the next bytes.
        let gone = changes.wait_for(|line| matches!(line, Line::Cut | Line::Silent)).await;
        gone.is_ok_and(|line| *line == Line::Silent)
    };
    let mute = AtomicBool::new(false);
    let silent = tokio::select! {
        () = requests(&mut from_client, &mut to_server, line.clone(), &lost, &mute) => false,
        () = answers(&mut from_server, &mut to_client, line.clone(), &mute) => false,
        silent = broken => silent,
    };
    if silent {
        std::future::pending::<()>().await;
    }
}

/// What of a request may lie in the bytes before.
const BEFORE: usize = 64;

async fn requests(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    line: watch::Receiver<Line>,
    lost: &AtomicUsize,
    mute: &AtomicBool,
) {
    let mut seen: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return };
        seen.extend_from_slice(bytes);
        let losing = match &*line.borrow() {
            Line::Loses { mark, arrives } if holds(&seen, mark) => Some(*arrives),
            _ => None,
        };
        if losing.is_some() {
            lost.fetch_add(1, Ordering::SeqCst);
            mute.store(true, Ordering::SeqCst);
        }
        if losing == Some(false) || to.write_all(bytes).await.is_err() {
            return;
        }
        if losing.is_some() {
            // The answer ends the connection, so that what it answers has been done.
            return std::future::pending().await;
        }
        let keep = seen.len().saturating_sub(BEFORE);
        seen.drain(..keep);
    }
}

async fn answers(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    line: watch::Receiver<Line>,
    mute: &AtomicBool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return };
        if mute.load(Ordering::SeqCst) {
            return;
        }
        let late = match *line.borrow() {
            Line::Slow(by) => Some(by),
            _ => None,
        };
        if let Some(by) = late {
            tokio::time::sleep(by).await;
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}
