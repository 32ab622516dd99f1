//! The one unsafe corner: libpg_query called directly.
//!
//! The `pg_query` crate's own `parse` drops the error position and decodes the tree before its depth is known, so the
//! serialised tree is fetched here. The structs mirror `pg_query.h` of the pinned version.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};

#[repr(C)]
struct PgQueryError {
    message: *mut c_char,
    funcname: *mut c_char,
    filename: *mut c_char,
    lineno: c_int,
    cursorpos: c_int,
    context: *mut c_char,
}

#[repr(C)]
struct PgQueryProtobuf {
    len: usize,
    data: *mut c_char,
}

#[repr(C)]
struct PgQueryProtobufParseResult {
    parse_tree: PgQueryProtobuf,
    stderr_buffer: *mut c_char,
    error: *mut PgQueryError,
}

unsafe extern "C" {
    fn pg_query_parse_protobuf_opts(input: *const c_char, parser_options: c_int) -> PgQueryProtobufParseResult;
    fn pg_query_free_protobuf_parse_result(result: PgQueryProtobufParseResult);
}

/// `PG_QUERY_DISABLE_ESCAPE_STRING_WARNING`: without it every backslash in a plain string is a line on stderr.
const NO_ESCAPE_STRING_WARNING: c_int = 64;

/// What the grammar says of a text it does not accept.
#[derive(Debug)]
pub(super) struct GrammarError {
    pub message: String,
    /// One-based position in characters; 0 if unknown.
    pub position: u32,
}

/// Parses a text (without NUL) with Postgres's grammar; the tree comes serialised as protobuf.
pub(super) fn parse_serialized(text: &CString) -> Result<Vec<u8>, GrammarError> {
    // SAFETY: `text` is NUL-terminated and outlives the call; the result is freed exactly once below, after everything
    // in it has been copied.
    unsafe {
        let result = pg_query_parse_protobuf_opts(text.as_ptr(), NO_ESCAPE_STRING_WARNING);
        let outcome = if result.error.is_null() {
            let tree = &result.parse_tree;
            Ok(if tree.len == 0 {
                Vec::new()
            } else {
                std::slice::from_raw_parts(tree.data.cast::<u8>(), tree.len).to_vec()
            })
        } else {
            let error = &*result.error;
            Err(GrammarError {
                message: CStr::from_ptr(error.message).to_string_lossy().into_owned(),
                position: u32::try_from(error.cursorpos).unwrap_or(0),
            })
        };
        pg_query_free_protobuf_parse_result(result);
        outcome
    }
}
