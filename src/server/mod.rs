//! The listener, the door, the relay between client and server, cancel.

mod admin;
mod arrival;
mod buffers;
mod door;
mod gate;
mod handle;
mod hello;
mod known;
mod listen;
mod login;
mod notify;
mod places;
mod record;
mod relay;
mod settle;
mod watch;
mod whence;
mod wishes;

pub use gate::{ServeError, runtime, serve, set_up_log};
