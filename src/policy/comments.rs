//! Tags in comments: `COMMENT ON COLUMN users.email IS 'where we reach them [category: contact.email]'`.
//!
//! Read where the pack says `comments = true`. What a policy file says goes before: whose data a table holds, its key and its
//! default are the file's where one names the table, and of columns that the file tags, by name or by its default, a comment
//! may only say the same. Anything else is an error, and what the file says holds. A comment that cannot be read tags
//! nothing, so its column stays closed.

use super::Policy;
use super::document::{Word, with_suggestion};
use super::follow::own_column;
use super::raw::Measures;
use super::report::{Finding, Findings, Place};
use super::tags::{Named, TableTags};
use super::tree::{CategoryId, Node, SubjectId, Tree};
use crate::catalog::Relation;
use crate::vocab::AttNum;
use std::borrow::Cow;
use std::sync::Arc;

/// The number under which a relation keeps the comment on itself.
pub const OF_RELATION: AttNum = AttNum(0);

/// What stands in a comment in the form `[key: word, word]`, by its keys. Anything else is prose.
fn said<'c>(comment: &'c str, key: &str) -> Vec<&'c str> {
    let bracketed = comment.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(inside, _)| inside);
    let of_key = bracketed.filter_map(|inside| inside.split_once(':')).filter(|(known, _)| known.trim() == key);
    of_key.flat_map(|(_, words)| words.split(',')).map(str::trim).filter(|word| !word.is_empty()).collect()
}

/// Whether a comment says anything here.
pub(super) fn says_tags(comment: &str) -> bool {
    ["category", "subject", "subject_key", "default"].iter().any(|key| !said(comment, key).is_empty())
}

/// The tags of a relation by the policy's files and, where the policy reads them, its comments. `section` is what names it in
/// the files, beside which patterns may tag its columns.
pub(super) fn tags<'p>(
    policy: &'p Policy,
    relation: &Relation,
    section: Option<&TableTags>,
    file: Option<Cow<'p, TableTags>>,
    errors: &mut Findings,
) -> Option<Cow<'p, TableTags>> {
    let Some(place) =
        policy.pack.comments.as_ref().filter(|_| relation.comments.iter().any(|(_, text)| says_tags(text)))
    else {
        return file;
    };
    let file = file.as_deref();
    // A pattern's word on whose data it is holds too.
    let of_subject = section.or_else(|| file.filter(|file| file.subject.is_some()));
    let mut reader = Reader { policy, relation, place, errors };
    let own = relation.comments.iter().find(|(number, _)| *number == OF_RELATION).map_or("", |(_, text)| text);
    let (subject, known) = reader.subject(own, of_subject);
    let subject_key = reader.subject_key(own, section);
    let default = reader.default(own, section, subject);
    let mut columns: Vec<Named<Vec<CategoryId>>> = file.map_or_else(Vec::new, |file| file.columns.clone());
    for (number, text) in &relation.comments {
        let Some(column) = relation.columns.iter().find(|column| column.number == *number) else { continue };
        let words = said(text, "category");
        if words.is_empty() {
            continue;
        }
        let what = format!("column `{}.{}.{}`", relation.schema, relation.name, column.name);
        let name = Word { text: Arc::clone(&column.name), place: place.clone() };
        let read = reader.categories(&what, &words);
        let of_file =
            file.filter(|file| file.names(&column.name) || file.is_patterned(&column.name) || file.default.is_some());
        if let Some(file) = of_file {
            reader.agrees(&what, read.as_deref(), file.categories(&column.name));
            continue;
        }
        // A subject that could not be read is not nobody's.
        let mut categories = read.filter(|_| known == Known::Yes).unwrap_or_default();
        if reader.clashes(&name, &categories, subject) {
            categories.clear();
        }
        columns.push(Named { name, value: categories });
    }
    let (schema, table) = (Arc::clone(&relation.schema), Arc::clone(&relation.name));
    let follows = file.map_or_else(Vec::new, |file| file.follows.clone());
    let patterned = file.map_or_else(Vec::new, |file| file.patterned.clone());
    let conditions = file.map_or_else(Vec::new, |file| file.conditions.clone());
    let measures = file.map_or_else(Measures::default, |file| file.measures.clone());
    let place = file.map_or_else(|| place.clone(), |file| file.place.clone());
    let default = default.filter(|_| known == Known::Yes);
    Some(Cow::Owned(TableTags {
        place,
        schema,
        table,
        subject,
        subject_key,
        default,
        columns,
        patterned,
        conditions,
        follows,
        measures,
    }))
}

/// Whether it is known whose data a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    /// Its comment names a subject that there is not.
    No,
}

struct Reader<'a> {
    policy: &'a Policy,
    relation: &'a Relation,
    /// Where the pack says that comments are read.
    place: &'a Place,
    errors: &'a mut Findings,
}

impl Reader<'_> {
    fn error(&mut self, message: String, label: &str) {
        self.errors.add(Finding::new(message, self.place, label));
    }

    fn table(&self) -> String {
        format!("table `{}.{}`", self.relation.schema, self.relation.name)
    }

    /// A node by its name, or by its key of Fideslang where only one has it.
    fn find<I: Node>(&mut self, tree: &Tree<I>, what: &str, word: &str) -> Option<I> {
        let found = tree.find(word).or_else(|| tree.of_fides(word));
        if found.is_none() {
            let message = format!("the comment on {what} names the unknown {} `{word}`", I::WORD);
            let finding = Finding::new(message, self.place, "comments are read");
            let names: Vec<Arc<str>> = tree.terms().map(|term| term.name).collect();
            self.errors.add(with_suggestion(finding, word, names.iter().map(|name| &**name)));
        }
        found
    }

    /// All of the categories, or none.
    fn categories(&mut self, what: &str, words: &[&str]) -> Option<Vec<CategoryId>> {
        let trees = &self.policy.trees;
        let found: Vec<Option<CategoryId>> =
            words.iter().map(|word| self.find(&trees.categories, what, word)).collect();
        found.into_iter().collect()
    }

    fn agrees(&mut self, what: &str, read: Option<&[CategoryId]>, file: &[CategoryId]) {
        let same = |read: &[CategoryId]| {
            read.iter().all(|tag| file.contains(tag)) && file.iter().all(|tag| read.contains(tag))
        };
        if let Some(read) = read.filter(|read| !same(read)) {
            let names = |all: &[CategoryId]| {
                let names: Vec<&str> = all.iter().map(|tag| &**self.policy.trees.categories.name(*tag)).collect();
                names.join(", ")
            };
            let message = format!(
                "the comment on {what} says category {}, and the policy's files say {}",
                names(read),
                names(file)
            );
            self.error(message, "what the files say holds");
        }
    }

    /// The one word that a comment on the table says under a key.
    fn one<'c>(&mut self, comment: &'c str, key: &str) -> Option<&'c str> {
        match said(comment, key).as_slice() {
            [] => None,
            [word] => Some(*word),
            [word, ..] => {
                let message = format!("the comment on {} says more than one {key}", self.table());
                self.error(message, "one is read");
                Some(*word)
            }
        }
    }

    fn differs(&mut self, key: &str, comment: &str, file: Option<&str>) {
        let file = file.map_or_else(|| "none".to_owned(), |file| format!("`{file}`"));
        let message =
            format!("the comment on {} says {key} `{comment}`, and the policy's files say {file}", self.table());
        self.error(message, "what the files say holds");
    }

    fn subject(&mut self, comment: &str, file: Option<&TableTags>) -> (Option<SubjectId>, Known) {
        let (policy, what) = (self.policy, self.table());
        let of_file = file.and_then(|file| file.subject);
        let Some(word) = self.one(comment, "subject") else { return (of_file, Known::Yes) };
        let read = self.find(&policy.trees.subjects, &what, word);
        let one = said(comment, "subject").len() == 1;
        match (file, read) {
            (Some(_), read) => {
                if read.is_some() && read != of_file {
                    self.differs("subject", word, of_file.map(|of_file| &**policy.trees.subjects.name(of_file)));
                }
                (of_file, Known::Yes)
            }
            (None, Some(read)) if one => (Some(read), Known::Yes),
            (None, Some(_) | None) => (None, Known::No),
        }
    }

    fn subject_key(&mut self, comment: &str, file: Option<&TableTags>) -> Option<Word> {
        let of_file = file.and_then(|file| file.subject_key.clone());
        let Some(word) = self.one(comment, "subject_key") else { return of_file };
        if file.is_some() {
            let told = of_file.as_ref().map(|of_file| &*of_file.text);
            if told != Some(word) {
                self.differs("subject_key", word, told);
            }
            return of_file;
        }
        if self.relation.columns.iter().any(|column| *column.name == *own_column(word)) {
            return Some(Word { text: word.into(), place: self.place.clone() });
        }
        let message = format!("the comment on {} names a subject_key `{word}` that it lacks", self.table());
        self.error(message, "not a column");
        None
    }

    fn default(&mut self, comment: &str, file: Option<&TableTags>, subject: Option<SubjectId>) -> Option<CategoryId> {
        let (policy, what) = (self.policy, self.table());
        let of_file = file.and_then(|file| file.default);
        let Some(word) = self.one(comment, "default") else { return of_file };
        let read = self.find(&policy.trees.categories, &what, word);
        if file.is_some() {
            if read.is_some() && read != of_file {
                self.differs("default", word, of_file.map(|of_file| &**policy.trees.categories.name(of_file)));
            }
            return of_file;
        }
        let name = Word { text: "default".into(), place: self.place.clone() };
        let one = said(comment, "default").len() == 1;
        read.filter(|read| one && !self.clashes(&name, &[*read], subject))
    }

    /// Whether tags may not meet on the column.
    fn clashes(&mut self, column: &Word, categories: &[CategoryId], subject: Option<SubjectId>) -> bool {
        let before = self.errors.len();
        for apart in &self.policy.apart {
            apart.check(&self.policy.trees, column, categories, subject, self.errors);
        }
        self.errors.len() > before
    }
}

#[cfg(test)]
mod tests {
    use super::{said, says_tags};

    #[test]
    fn tags_stand_in_brackets() {
        for (comment, key, expected) in [
            ("where we reach them [category: contact.email]", "category", &["contact.email"][..]),
            ("[category:a,b] and [category: c ]", "category", &["a", "b", "c"]),
            ("[subject: user] [subject_key: id] [default: account]", "subject", &["user"]),
            ("[subject: user] [subject_key: id] [default: account]", "subject_key", &["id"]),
            ("[see: category] (category: x) [category] [category:] [category: x", "category", &[]),
            ("a[0] of category: x]", "category", &[]),
        ] {
            assert_eq!(said(comment, key), expected, "{comment}");
        }
        assert!(!says_tags("the user's [e-mail] address") && says_tags("[default: account]"));
    }
}
