//! A wire that can be cut: stands between the service and its database, and fails as networks do.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// They pass.
    Whole,
    /// Connections break, and new ones break at once.
    Cut,
    /// Nothing passes and nobody is told. A connection that was held stays so for good.
    Silent,
}

/// A listener that passes connections on to one address, until it is told not to. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    running: JoinHandle<()>,
}

impl Proxy {
    /// Passes on to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let line = Arc::new(watch::Sender::new(Line::Whole));
        let lines = Arc::clone(&line);
        let running = tokio::spawn(async move {
            let mut held = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                held.spawn(pass(client, target, lines.subscribe()));
            }
        });
        Self { address, line, running }
    }

    /// Breaks every connection, and every new one.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Lets nothing through without telling anyone, as a network does that has lost a machine.
    pub fn silence(&self) {
        self.line.send_replace(Line::Silent);
    }

    /// Lets new connections through. Those that were silenced stay silent.
    pub fn mend(&self) {
        self.line.send_replace(Line::Whole);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn pass(mut client: TcpStream, target: SocketAddr, mut line: watch::Receiver<Line>) {
    let begun = *line.borrow_and_update();
    match begun {
        Line::Cut => return,
        Line::Silent => std::future::pending().await,
        Line::Whole => {}
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
        _ = line.changed() => {}
    }
    if *line.borrow() == Line::Silent {
        std::future::pending::<()>().await;
    }
}
