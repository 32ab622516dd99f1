//! Frames of the Postgres protocol.
//!
//! A frame is validated exactly before anything in it is believed: its length, its tag for the phase, its inner shape.
//! Rows, copy data and bind values are never decoded; they pass as slices of the read buffer. Source for all shapes:
//! PostgreSQL documentation, "Message Formats".

mod check;
mod frame;
mod make;
mod options;
mod report;
mod sink;
mod startup;

pub use check::{BindNames, Parse, Target, bind_names, check_tiny, close_or_describe, execute, parse, query};
pub use frame::{ClientTag, HEADER, Header, LARGEST_BODY, Violation, client_header, server_header};
pub use make::{
    bind_prefix, bind_unknown, close_own, close_statement, describe_portal, describe_statement, execute_unknown,
    parse as make_parse, query as make_query, run_apart, run_inside,
};
pub use options::{Options, option_settings, split_options};
pub use report::{
    DataRow, ErrorFields, data_row, error_fields, error_fields_in_front, fatal, fatal_with, parameter_status,
    refusal_report, write_error, write_report,
};
pub use sink::Sink;
pub use startup::{First, Startup, cancel_request, first_packet};
