//! Sockets: the listener, the relay between client and server, cancel.

mod door;
mod gate;
mod hello;
mod relay;
mod stream;

pub use gate::{ServeError, runtime, serve, set_up_log};
