//! How a statement uses a column, and what a rule may grant.

/// How an expression that contains a column is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Usage {
    /// It reaches the result of the statement.
    Output,
    /// It decides which rows take part (`WHERE`, `HAVING`, `FILTER`, `LIMIT`, `CASE` inside them).
    Filter,
    /// It decides which rows meet (`ON`, `USING`, `NATURAL`).
    Join,
    /// It is grouped by, made distinct, or partitioned by.
    Group,
    /// It decides the order.
    Sort,
    /// It is the argument of an aggregate or window function.
    Aggregate,
    /// It is compared for equality with given values, and nothing else, to find the rows that are written.
    Lookup,
}

impl Usage {
    pub const ALL: [Usage; 7] =
        [Usage::Output, Usage::Filter, Usage::Join, Usage::Group, Usage::Sort, Usage::Aggregate, Usage::Lookup];

    /// The word used in policies, reports and errors.
    pub fn word(self) -> &'static str {
        match self {
            Usage::Output => "output",
            Usage::Filter => "filter",
            Usage::Join => "join",
            Usage::Group => "group",
            Usage::Sort => "sort",
            Usage::Aggregate => "aggregate",
            Usage::Lookup => "look-up",
        }
    }
}

/// A set of usages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct UsageSet(u8);

impl UsageSet {
    pub const EMPTY: UsageSet = UsageSet(0);

    pub fn insert(&mut self, usage: Usage) {
        self.0 |= 1 << usage as u8;
    }

    pub fn remove(&mut self, usage: Usage) {
        self.0 &= !(1 << usage as u8);
    }

    pub fn contains(self, usage: Usage) -> bool {
        self.0 & (1 << usage as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Every usage.
    pub fn all() -> UsageSet {
        Usage::ALL.into_iter().collect()
    }

    /// The usages in the set, in the order of [`Usage::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Usage> {
        Usage::ALL.into_iter().filter(move |usage| self.contains(*usage))
    }
}

impl FromIterator<Usage> for UsageSet {
    fn from_iter<I: IntoIterator<Item = Usage>>(usages: I) -> UsageSet {
        let mut set = UsageSet::EMPTY;
        usages.into_iter().for_each(|usage| set.insert(usage));
        set
    }
}

/// What a rule can grant on a category. Reading and each kind of writing are rights of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    Read,
    Insert,
    Update,
    Delete,
}

impl Right {
    /// The word used in policies, reports and errors.
    pub fn word(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Insert => "insert",
            Right::Update => "update",
            Right::Delete => "delete",
        }
    }
}
