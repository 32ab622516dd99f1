//! The listener, the door, the relay between client and server, cancel.

mod arrival;
mod buffers;
mod door;
mod gate;
mod hello;
mod known;
mod login;
mod relay;
mod settle;
mod wishes;

pub use gate::{ServeError, runtime, serve, set_up_log};
