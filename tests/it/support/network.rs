//! A network that fails: a TCP proxy on loopback that lets everything pass, holds everything back, or ends every connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Stalled,
    Cut,
}

/// The way to one port.
pub(crate) struct Network {
    /// Where the way begins.
    pub(crate) port: u16,
    state: watch::Sender<State>,
    _serving: JoinSet<()>,
}

impl Network {
    /// A way to this port of loopback.
    pub(crate) async fn to(port: u16) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let (state, seen) = watch::channel(State::Open);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, port, seen));
        Network { port: own, state, _serving: serving }
    }

    /// Nothing passes any more, and nobody is told.
    pub(crate) fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Every connection ends, and new ones end at once.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Everything passes again, also what was held back.
    pub(crate) fn resume(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn serve(listener: TcpListener, port: u16, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        connections.spawn(connection(near, port, state.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(near: TcpStream, port: u16, mut state: watch::Receiver<State>) {
    if state.wait_for(|state| *state != State::Stalled).await.is_err() || *state.borrow() == State::Cut {
        return;
    }
    // whoever connects to a port that nobody serves is cut off
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let mut cut = state.clone();
    tokio::select! {
        () = copy(near_in, far_out, state.clone()) => {}
        () = copy(far_in, near_out, state) => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

/// Hands on what comes, while the state is open, until either end is gone.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let open = state.wait_for(|state| *state == State::Open).await.is_ok();
        if !open || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
