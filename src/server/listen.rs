//! Where connections arrive: sockets of the proxy's own, or those that a supervisor hands over, which outlive it.

use super::gate::ServeError;
use crate::control::Config;
use crate::net::Stream;
use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::{TcpListener, UnixListener};

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 1024;

/// Whether what a supervisor has handed over was taken: there is one set of it in a process.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What is listened on.
#[derive(Debug)]
pub struct Listeners {
    tcp: TcpListener,
    unix: Option<UnixListener>,
}

impl Listeners {
    /// Those that are handed over in the way of systemd (sd_listen_fds(3)), one for TCP and one unix socket at most; what is
    /// not among them is opened as the config says.
    pub fn open(config: &Config) -> Result<Listeners, ServeError> {
        let handed = if TAKEN.swap(true, Ordering::Relaxed) { ListenFd::empty() } else { ListenFd::from_env() };
        let (tcp, unix) = take(handed).map_err(|source| failed("a socket that was handed over", source))?;
        let at = config.listen.to_string();
        let tcp = tcp.map_or_else(|| own(config), Ok).map_err(|source| failed(&at, source))?;
        let port = tcp.local_addr().map_err(|source| failed(&at, source))?.port();
        let unix = match (unix, &config.listen_unix) {
            (None, Some(directory)) => Some(own_unix(&directory.join(format!(".s.PGSQL.{port}")))?),
            (handed, _) => handed,
        };
        tcp.set_nonblocking(true).map_err(|source| failed(&at, source))?;
        let tcp = TcpListener::from_std(tcp).map_err(|source| failed(&at, source))?;
        let unix = unix.map(waited_for).transpose().map_err(|source| failed("a unix socket", source))?;
        Ok(Listeners { tcp, unix })
    }

    /// Where TCP is listened on.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        self.tcp.local_addr().map_err(|source| failed("TCP", source))
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Stream> {
        tokio::select! {
            accepted = self.tcp.accept() => {
                let (stream, _) = accepted?;
                let _ = crate::net::keep(&stream);
                Ok(Stream::Tcp(stream))
            }
            accepted = accept_unix(self.unix.as_ref()) => accepted,
        }
    }

    /// Stops listening. Connections that have arrived by now are still taken: closing the socket would reset them.
    pub async fn close(self, mut admit: impl FnMut(Stream)) {
        // Bounded, for they may come faster than they are taken.
        for _ in 0..BACKLOG {
            tokio::select! {
                biased;
                accepted = self.accept() => match accepted {
                    Ok(stream) => admit(stream),
                    Err(_) => return,
                },
                () = tokio::task::yield_now() => return,
            }
        }
    }
}

fn failed(address: &str, source: io::Error) -> ServeError {
    ServeError::Listen { address: address.to_owned(), source }
}

type Handed = (Option<std::net::TcpListener>, Option<std::os::unix::net::UnixListener>);

/// Takes what is handed over.
fn take(mut handed: ListenFd) -> io::Result<Handed> {
    let (mut tcp, mut unix) = (None, None);
    for at in 0..handed.len() {
        if tcp.is_none()
            && let Ok(Some(listener)) = handed.take_tcp_listener(at)
        {
            tcp = Some(listener);
        } else if unix.is_none()
            && let Ok(Some(listener)) = handed.take_unix_listener(at)
        {
            unix = Some(listener);
        } else {
            let message = format!("number {at} is neither the one TCP socket nor the one unix socket there may be");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok((tcp, unix))
}

/// The socket of `listen`. With `reuse_port` another process may listen there as well: the next proxy, before this one goes.
fn own(config: &Config) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(config.listen), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(config.reuse_port)?;
    socket.bind(&config.listen.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn waited_for(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

fn own_unix(path: &Path) -> Result<std::os::unix::net::UnixListener, ServeError> {
    let error = |source| failed(&path.display().to_string(), source);
    // A socket that nobody answers is left over from a process that ended; one that is answered belongs to another.
    if path.exists() && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path).map_err(error)?;
    }
    std::os::unix::net::UnixListener::bind(path).map_err(error)
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<Stream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        None => pending().await,
    }
}
