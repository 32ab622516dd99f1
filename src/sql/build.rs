//! Trees that we build ourselves.

use pg_query::protobuf::{LimitOption, SelectStmt, SetOperation};

/// A SELECT without anything in it.
pub fn empty_select() -> SelectStmt {
    SelectStmt {
        distinct_clause: Vec::new(),
        into_clause: None,
        target_list: Vec::new(),
        from_clause: Vec::new(),
        where_clause: None,
        group_clause: Vec::new(),
        group_distinct: false,
        having_clause: None,
        window_clause: Vec::new(),
        values_lists: Vec::new(),
        sort_clause: Vec::new(),
        limit_offset: None,
        limit_count: None,
        limit_option: LimitOption::Default as i32,
        locking_clause: Vec::new(),
        with_clause: None,
        op: SetOperation::SetopNone as i32,
        all: false,
        larg: None,
        rarg: None,
    }
}
