//! `wherefore scan`: which columns probably hold personal data, as a draft of tags.
//!
//! Values are looked at by this process and forgotten; nothing that it prints contains one.

pub(super) mod draft;
mod guess;
mod kind;
mod looks;
mod sample;
pub(super) mod words;

use super::load::{self, CatalogSource, colour};
use super::term::{Paint, Tone, count};
use crate::catalog::{Catalog, Column, Relation, RelationKind};
use crate::policy::{Bound, Policy};
use crate::vocab::Oid;
use draft::{Block, Line, Proposal, draft};
use guess::{Guess, guess, is_of_people, key_of, references};
use kind::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use sample::{Bounds, Sampled, sample};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use words::{Place, Words};

/// Guesses that are less sure, in percent, are written as comments.
const SURE: usize = 40;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a policy all columns are looked at, and the draft is a pack of its own in the words of Fideslang; with one, \
                        the columns that it does not tag, in its own categories. Values are sampled in read-only transactions with a \
                        time limit, looked at and forgotten: none is ever printed.\n\nExit code: 0 a draft was written; 2 it could not \
                        be.\n\nExamples:\n  wherefore scan --url postgres://…/shop --output policy/acme/tags.toml\n  \
                        wherefore scan --url postgres://…/shop --policy policy/acme --rows 0"
)]
pub struct Args {
    #[command(flatten)]
    source: CatalogSource,
    /// The database, with --config
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The folder of a policy: what it does not tag is looked at, and its categories are proposed
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Where to write the draft; standard output where none is named
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many rows of each table are sampled; 0 for none: then names and types alone are looked at
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    rows: u32,
    /// How long the sample of a table may take, in milliseconds
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    timeout: u32,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error("the policy does not load\n{0}")]
    Policy(String),
    #[error("no database: name one with --url or --config, or a snapshot of its catalog with --catalog")]
    NoCatalog,
    #[error("connecting to sample values: {0}")]
    Connect(String),
}

pub(super) fn run(args: &Args) -> ExitCode {
    match scan(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => super::fail(&failure),
    }
}

fn scan(args: &Args) -> Result<(), Failure> {
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let snapshot = args.source.snapshot(args.database.as_deref())?.ok_or(Failure::NoCatalog)?;
    let catalog = Arc::new(Catalog::new(snapshot, 0));
    let bound = policy.map(|policy| Bound::new(Arc::new(policy), Arc::clone(&catalog)));
    let untagged = untagged(&catalog, bound.as_ref());
    let server = args.source.connection(args.database.as_deref())?.filter(|_| args.rows > 0);
    let bounds = Bounds { rows: args.rows, timeout: args.timeout };
    let relations: Vec<&Relation> = untagged.iter().map(|(relation, _)| *relation).collect();
    let samples = match server {
        Some(server) => sampled(&server, &relations, bounds)?,
        None => Vec::new(),
    };
    let policy = bound.as_ref().map(|bound| &**bound.policy());
    let mut words = Words::new(policy);
    let blocks = blocks(&untagged, &samples, &catalog, policy, &mut words);
    let text =
        draft("Drafted by `wherefore scan`; numbers say how sure a guess is.", &blocks, &words, catalog.database());
    match &args.output {
        Some(path) => std::fs::write(path, &text).map_err(|error| load::Failure::file(path, error))?,
        None => print!("{text}"),
    }
    let columns: usize = blocks.iter().map(|block| block.lines.len()).sum();
    let proposals: usize = blocks.iter().map(Block::proposals).sum();
    let tables = count(blocks.len(), "table");
    let summary = format!("{proposals} of {columns} columns without a tag have a proposal, in {tables}");
    eprintln!("{}", Paint::stderr().tone(Tone::Good, &summary));
    Ok(())
}

fn policy(folder: &Path) -> Result<Policy, Failure> {
    let loaded = Policy::parse(&load::pack(folder)?);
    Ok(loaded.map_err(|errors| Failure::Policy(errors.render(colour(Paint::stderr()))))?.policy)
}

/// The tables with columns that carry no tag, and these. What a parent is given its children have.
fn untagged<'c>(catalog: &'c Catalog, bound: Option<&Bound>) -> Vec<(&'c Relation, Vec<usize>)> {
    let own = |relation: &&Relation| {
        let stored = match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable => true,
            RelationKind::View | RelationKind::MaterializedView | RelationKind::Sequence => false,
        };
        stored && !relation.schema.starts_with("pg_") && &*relation.schema != "information_schema"
    };
    let lacking = |relation: &Relation| -> Vec<usize> {
        let lacks = |column: &Column| {
            bound.is_none_or(|bound| {
                bound
                    .untagged()
                    .iter()
                    .any(|known| known.id.relation == relation.oid && known.id.column == column.number)
            })
        };
        (0..relation.columns.len()).filter(|at| lacks(&relation.columns[*at])).collect()
    };
    let all: Vec<(&Relation, Vec<usize>)> =
        catalog.relations().iter().filter(own).map(|relation| (relation, lacking(relation))).collect();
    let found: FxHashSet<Oid> =
        all.iter().filter(|(_, columns)| !columns.is_empty()).map(|(relation, _)| relation.oid).collect();
    let first = |(relation, columns): &(&Relation, Vec<usize>)| {
        !columns.is_empty() && !relation.parents.iter().any(|parent| found.contains(parent))
    };
    all.into_iter().filter(first).collect()
}

/// What was sampled of each table, in their order.
type Samples = Vec<Result<Vec<Option<Sampled>>, String>>;

fn sampled(server: &load::Server, relations: &[&Relation], bounds: Bounds) -> Result<Samples, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(load::Failure::Runtime)?;
    runtime.block_on(async {
        let client = server.connect().await.map_err(Failure::Connect)?;
        let shown = std::io::stderr().is_terminal();
        let mut samples = Samples::new();
        for (at, relation) in relations.iter().enumerate() {
            if shown {
                eprint!("\r\x1b[K{} of {} tables", at + 1, relations.len());
                let _ = std::io::stderr().flush();
            }
            samples.push(sample(&client, relation, bounds).await);
        }
        if shown {
            eprint!("\r\x1b[K");
        }
        Ok(samples)
    })
}

/// What is proposed for each table.
fn blocks(
    untagged: &[(&Relation, Vec<usize>)],
    samples: &Samples,
    catalog: &Catalog,
    policy: Option<&Policy>,
    words: &mut Words,
) -> Vec<Block> {
    let guessed = |at: usize| -> Vec<Option<Guess>> {
        let (relation, _) = &untagged[at];
        let sampled = |column: usize| samples.get(at)?.as_ref().ok()?.get(column)?.as_ref();
        relation.columns.iter().enumerate().map(|(column, known)| guess(known, sampled(column))).collect()
    };
    let all: Vec<Vec<Option<Guess>>> = (0..untagged.len()).map(guessed).collect();
    // Tables about people, and about whom; those that the policy knows first.
    let mut people: FxHashMap<Oid, (Arc<str>, String)> = FxHashMap::default();
    for relation in catalog.relations() {
        if let Some(subject) = policy.and_then(|policy| policy.subject_of(&relation.schema, &relation.name)) {
            people.insert(relation.oid, (Arc::clone(subject), "the policy says so".to_owned()));
        }
    }
    for ((relation, _), guesses) in untagged.iter().zip(&all) {
        let why = "its columns describe people".to_owned();
        if is_of_people(guesses)
            && !people.contains_key(&relation.oid)
            && let Some(subject) = words.subject(&relation.name)
        {
            people.insert(relation.oid, (subject, why));
        }
    }
    let mut blocks = Vec::new();
    for (at, ((relation, columns), guesses)) in untagged.iter().zip(&all).enumerate() {
        let own = people.get(&relation.oid);
        let referred = references(relation, catalog);
        let person = referred.iter().find_map(|(column, other)| Some((*column, *other, people.get(&other.oid)?)));
        let of_other = |(column, other, (subject, _)): &(&Column, &Relation, &(Arc<str>, String))| {
            (Arc::clone(subject), format!("{} refers to {}.{}", column.name, other.schema, other.name))
        };
        let subject = own.cloned().or_else(|| person.as_ref().map(of_other));
        let subject_key = match (own, &person) {
            (Some(_), _) => key_of(relation).map(|key| (Arc::clone(&key.name), "the primary key".to_owned())),
            (None, Some((column, other, _))) => {
                Some((Arc::clone(&column.name), format!("refers to {}.{}", other.schema, other.name)))
            }
            (None, None) => None,
        };
        let told = Told { relation, is_person: own.is_some(), referred: &referred, people: &people };
        let lines =
            columns.iter().map(|column| told.line(&relation.columns[*column], guesses[*column].as_ref(), words));
        let guessed = |(word, why): (Arc<str>, String)| Proposal {
            words: vec![word],
            note: format!("a guess: {why}"),
            counts: true,
        };
        let unsampled = samples.get(at).and_then(|sampled| sampled.as_ref().err());
        blocks.push(Block {
            schema: Arc::clone(&relation.schema),
            table: Arc::clone(&relation.name),
            stands: policy.is_some_and(|policy| policy.has_tags_of(&relation.schema, &relation.name)),
            subject: subject.map(guessed),
            subject_key: subject_key.map(guessed),
            default: None,
            lines: lines.collect(),
            remark: unsampled.map(|why| format!("not sampled: {why}")),
        });
    }
    blocks
}

/// What is known of a table when its columns are proposed for.
struct Told<'c> {
    relation: &'c Relation,
    is_person: bool,
    referred: &'c [(&'c Column, &'c Relation)],
    people: &'c FxHashMap<Oid, (Arc<str>, String)>,
}

impl Told<'_> {
    fn line(&self, column: &Column, guess: Option<&Guess>, words: &mut Words) -> Line {
        let Told { relation, is_person, referred, people } = self;
        let is_key = *is_person && key_of(relation).is_some_and(|key| key.number == column.number);
        let other =
            referred.iter().find(|(known, other)| known.number == column.number && people.contains_key(&other.oid));
        let named = "the table's name says so".to_owned();
        let (kind, confidence, why) = match (is_key, other, guess) {
            (true, _, _) => (Some(Kind::UserKey), 90, "the primary key of a table about people".to_owned()),
            (_, Some((_, other)), _) => {
                (Some(Kind::UserKey), 90, format!("it refers to {}.{}", other.schema, other.name))
            }
            // Things have names too.
            (_, _, Some(guess)) if guess.kind == Kind::Name && &*column.name == "name" && !is_person => {
                (None, 40, named)
            }
            (_, _, Some(guess)) => (Some(guess.kind), guess.confidence, guess.why.clone()),
            (_, _, None) => (None, 40, named),
        };
        let place = Place { table: &relation.name, column: &column.name, is_person: is_key };
        let category = match kind {
            Some(kind) => words.category(kind, &place),
            None => words.of_table(&place),
        };
        let proposed = category
            .map(|category| Proposal {
                words: vec![category],
                note: format!("{confidence} %: {why}"),
                counts: confidence >= SURE,
            })
            .ok_or_else(|| format!("nothing recognised in this {}", column.type_sql));
        Line { column: Arc::clone(&column.name), proposed }
    }
}
