//! `wherefore demo --job training`: one job, one database, two privacy documents.
//!
//! Each pack's rules stand as they are; what the job's table holds is said in the words of each. A proxy in front of the database for
//! either pack, and the same statement through both.

use super::tour::{Declared, Expected, Step, Upstream};
use super::walk::{self, Scene};
use super::{Args, Failure, prepare};
use crate::catalog::pseudonyms;
use crate::cli::load;
use crate::cli::serve;
use crate::cli::term::{Paint, Tone};
use crate::cli::throwaway::Throwaway;
use crate::policy::LOCK_FILE;
use std::path::{Path, PathBuf};

/// The database of the job.
const DATABASE: &str = "training";
const SCHEMA: &str = include_str!("job.sql");
const JOB: &str = "SELECT person, body FROM conversations ORDER BY id";

/// A pack with what the job's tables are in its words.
struct House {
    /// The folder's name beside the one that `--policy` names.
    pack: &'static str,
    title: &'static str,
    tags: &'static str,
    steps: &'static [Step],
}

const HOUSES: [House; 2] = [
    House {
        pack: "botpress",
        title: "Under the Botpress Privacy Statement",
        tags: r#"
[table."public.people"]
subject     = "end_user"
subject_key = "id"
columns.id             = "identifier.person"
columns.customer       = "account"
columns.agreed         = "preference"
columns.asked_to_go_at = "preference"
columns.closed_at      = "account"
erased         = "asked_to_go_at IS NOT NULL"
scope.customer = "customer = $customer"

[table."public.conversations"]
subject     = "end_user"
subject_key = "person"
columns.id         = "conversation_data"
columns.person     = "identifier.conversation"
columns.body       = "conversation_data"
columns.created_at = "conversation_data"
erased         = "EXISTS (SELECT FROM public.people p WHERE p.id = person AND p.asked_to_go_at IS NOT NULL)"
scope.customer = "EXISTS (SELECT FROM public.people p WHERE p.id = person AND p.customer = $customer)"
retention.conversation_data = "created_at > now() - interval '2 years'"

# Words that the pack's rules speak of beside these.
[table."elsewhere.others"]
consent.marketing               = "true"
conditions.unsubscribed         = "false"
scope.served                    = "true"
retention.usage_data            = "true"
retention.communication_content = "true"
retention.payment               = "true"
retention.analytics             = "true"
"#,
        steps: &[Step {
            title: "The training job",
            role: "ml_engineer",
            declared: Declared::Connection("model_training"),
            sql: JOB,
            expected: Expected::Refusal {
                code: "42501",
                words: &["B-1d", "conversations", "body", "model improvements or training"],
            },
            upstream: Upstream::Poison,
            notice: "nobody's conversations are for training, whatever they agreed to",
        }],
    },
    House {
        pack: "pystorm",
        title: "Under the Pystorm Privacy Policy",
        tags: r#"
[table."public.people"]
subject     = "customer"
subject_key = "id"
columns.id             = "key.person"
columns.customer       = "account"
columns.agreed         = "consent"
columns.asked_to_go_at = "account"
columns.closed_at      = "account"
erased                   = "asked_to_go_at IS NOT NULL"
scope.person             = "false"
consent.machine_learning = "agreed"
consent.third_party      = "false"
conditions.closed        = "closed_at IS NOT NULL"
retention.account        = "closed_at IS NULL OR closed_at > now() - interval '90 days'"
retention.usage          = "true"

[table."public.conversations"]
subject     = "customer"
subject_key = "person"
columns.id         = "content.metadata"
columns.person     = "key.content"
columns.body       = "content.document"
columns.created_at = "content.metadata"
erased                   = "EXISTS (SELECT FROM public.people p WHERE p.id = person AND p.asked_to_go_at IS NOT NULL)"
scope.person             = "false"
consent.machine_learning = "EXISTS (SELECT FROM public.people p WHERE p.id = person AND p.agreed)"
consent.third_party      = "false"
retention.account        = "EXISTS (SELECT FROM public.people p WHERE p.id = person AND (p.closed_at IS NULL OR p.closed_at > now() - interval '90 days'))"
"#,
        steps: &[
            Step {
                title: "The same training job",
                role: "ml_engineer",
                declared: Declared::Connection("model_training"),
                sql: JOB,
                expected: Expected::Rows(Some(
                    "SELECT left(encode(wherefore.pseudonym(c.person, 'default', 'model_training'), 'hex'), 32) AS person, c.body FROM conversations AS c \
                     WHERE c.person IN ('ada', 'chloe') ORDER BY c.id",
                )),
                upstream: Upstream::Guarded,
                notice: "training is a purpose here (P-2.3a): who they are stays a pseudonym, and only those who agreed are there (P-2.3b)",
            },
            Step {
                title: "Whose words they are",
                role: "ml_engineer",
                declared: Declared::Connection("model_training"),
                sql: "SELECT c.body FROM conversations AS c JOIN people AS p ON p.id = c.person",
                expected: Expected::Refusal { code: "42501", words: &["people", "model_training"] },
                upstream: Upstream::Poison,
                notice: "a pseudonym leads to nobody",
            },
            Step {
                title: "Chloé changes her mind",
                role: "owner",
                declared: Declared::Connection("administration"),
                sql: "UPDATE people SET agreed = false WHERE id = 'chloe'",
                expected: Expected::Done,
                upstream: Upstream::AsWritten,
                notice: "what she agreed to is a column, which the policy reads",
            },
            Step {
                title: "The job once more",
                role: "ml_engineer",
                declared: Declared::Connection("model_training"),
                sql: JOB,
                expected: Expected::Rows(Some(
                    "SELECT left(encode(wherefore.pseudonym(c.person, 'default', 'model_training'), 'hex'), 32) AS person, c.body FROM conversations AS c \
                     WHERE c.person = 'ada' ORDER BY c.id",
                )),
                upstream: Upstream::Guarded,
                notice: "gone from the next statement on, and Ada has the pseudonym that she had",
            },
        ],
    },
];

/// How many steps there are.
pub(super) fn steps() -> usize {
    HOUSES.iter().map(|house| house.steps.len()).sum()
}

/// Asks the job of both houses. Gives the steps that did not do what they say.
pub(super) async fn training(args: &Args, paint: Paint) -> Result<Vec<String>, Failure> {
    let mark = format!("{}%u|", walk::LOG_MARK);
    let cluster = tokio::task::spawn_blocking(move || Throwaway::start(&[("log_line_prefix", &mark)]));
    let cluster = cluster.await.map_err(|_| Failure::Interrupted)??;
    let oracle = prepare(&cluster, DATABASE).await?;
    oracle.batch_execute(SCHEMA).await.map_err(|error| Failure::sample("the job's tables", &error))?;
    let install = pseudonyms::script(&["PUBLIC".to_owned()], &["default".to_owned()]);
    oracle.batch_execute(&install).await.map_err(|error| Failure::sample("what makes pseudonyms", &error))?;
    let mut mismatches = Vec::new();
    let packs = args.policy.parent().unwrap_or(Path::new("."));
    for house in HOUSES {
        println!("\n{}", paint.tone(Tone::Strong, house.title));
        let policy = furnished(&house, packs, cluster.folder())?;
        let file = cluster.folder().join(format!("{}.toml", house.pack));
        let config = serve::config_text(args.port, cluster.port(), &policy);
        std::fs::write(&file, config).map_err(|error| Failure::file(&file, error))?;
        let proxy = serve::start(&file).await?;
        let scene = Scene { cluster: &cluster, database: DATABASE, proxy_port: proxy.port(), oracle: &oracle, paint };
        mismatches.extend(walk::walk(&scene, house.steps).await?);
    }
    Ok(mismatches)
}

/// The pack with the job's tags in the place of its own.
fn furnished(house: &House, packs: &Path, under: &Path) -> Result<PathBuf, Failure> {
    let pack = packs.join(house.pack);
    let folder = under.join(format!("{}-pack", house.pack));
    let failed = |path: &Path, error| Failure::file(path, error);
    std::fs::create_dir(&folder).map_err(|error| failed(&folder, error))?;
    let files = load::pack(&pack).map_err(|error| Failure::Pack(error.to_string()))?;
    for file in files {
        let name = Path::new(&file.path).file_name().unwrap_or_default();
        let text = match name.to_str() {
            Some("tables.toml") => house.tags,
            // Every column is tagged by its name.
            Some(LOCK_FILE) => "",
            Some(_) | None => &file.text,
        };
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(folder)
}
