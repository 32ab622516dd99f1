//! SQL text: parsed by Postgres's own grammar, classified, walked whole, printed again.

mod build;
mod classify;
mod comment;
mod deparse;
mod ffi;
mod kind;
mod parse;
mod places;
mod plain;
mod print;
mod second;
mod shape;
mod walk;
mod walk_alter;
mod walk_constructs;
mod walk_define;
mod walk_utility;
mod walk_write;

pub use build::{all_of, case_when, clear_locations, empty_select, expression, only_target};
pub use classify::{classify, constant_text, set_config_name, string, words};
pub use comment::{purpose as purpose_comment, purpose_hint};
pub use kind::{Answer, Declare, Discard, Execute, Hold, Kind, Named, Set, SetScope, SetValue, Signal, Transaction};
pub use parse::{STACK_BYTES, Statement, Unreadable, on_deep_stack, parse};
pub use places::{Place, parameters, places};
pub use plain::{Values, without_values};
pub use print::{Printed, keep_first_source, print};
pub use second::{SecondReading, second_reading};
pub use shape::{Class, Literal, Shape};
pub use walk::{Visitor, walk};
pub use walk_constructs::{Part, is_json_aggregate, parts};
