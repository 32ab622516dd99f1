//! What several subcommands read: a policy pack from its folder, a catalog from a file or a server.

use super::term::Paint;
use crate::catalog::Snapshot;
use crate::control::catalog::ReadError;
use crate::control::{Config, ConfigError, Servers, catalog, pack_files};
use crate::policy::{Colour, Policy, RecipientId, SourceFile};
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::fmt;
use std::path::{Path, PathBuf};
use tokio_postgres::{Client, NoTls};

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{path} is no catalog snapshot (`wherefore catalog` writes them): {error}")]
    NoSnapshot { path: String, error: serde_json::Error },
    #[error("not a connection string (postgres://user@host:5432/database): {0}")]
    Url(tokio_postgres::Error),
    #[error("reading the catalog: {0}")]
    Catalog(String),
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Pack(String),
    #[error("{0} does not load: `wherefore check {0}` shows why")]
    Policy(String),
    #[error("the configuration gives database `{0}` no policy")]
    Open(String),
    #[error("the policy knows no recipient `{name}`; it knows {known}")]
    UnknownRecipient { name: String, known: String },
    #[error("name the database whose catalog to read: --database NAME")]
    NoDatabase,
    #[error("starting the runtime: {0}")]
    Runtime(std::io::Error),
}

impl Failure {
    pub(super) fn file(path: &Path, error: std::io::Error) -> Failure {
        Failure::File { path: path.display().to_string(), error }
    }
}

/// The colour of reports that the core renders.
pub(super) fn colour(paint: Paint) -> Colour {
    match paint {
        Paint::Plain => Colour::Plain,
        Paint::Ansi => Colour::Ansi,
    }
}

/// The recipient of that name.
pub(super) fn recipient(policy: &Policy, name: &str) -> Result<RecipientId, Failure> {
    policy.recipient(name).ok_or_else(|| {
        let known: Vec<&str> = policy.recipients().map(|recipient| &**policy.recipient_name(recipient)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::UnknownRecipient { name: name.to_owned(), known }
    })
}

/// A configuration; what is wrong with it is shown under its text.
pub(super) fn config(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| Failure::Config(rendered(&error)))
}

/// An error with the place it speaks of underlined.
fn rendered(error: &ConfigError) -> String {
    let theme = match Paint::stderr() {
        Paint::Plain => GraphicalTheme::none(),
        Paint::Ansi => GraphicalTheme::unicode(),
    };
    let mut out = String::new();
    match GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut out, error) {
        Ok(()) => out.trim_end().to_owned(),
        Err(fmt::Error) => error.to_string(),
    }
}

/// The files of a pack, by name.
pub(super) fn pack(folder: &Path) -> Result<Vec<SourceFile>, Failure> {
    pack_files(folder).map_err(|error| Failure::Pack(error.to_string()))
}

/// The policy that the files of a pack make.
pub(super) fn policy(folder: &Path, files: &[SourceFile]) -> Result<Policy, Failure> {
    let loaded = Policy::parse(files).map_err(|_| Failure::Policy(folder.display().to_string()))?;
    Ok(loaded.policy)
}

/// Where a catalog comes from.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct CatalogSource {
    /// The proxy's configuration: reads the catalog from its upstream, and the policy from where it says
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A server to read the catalog from, e.g. postgres://user@host:5432/database
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// A snapshot written by `wherefore catalog`
    #[arg(long, value_name = "FILE")]
    pub(super) catalog: Option<PathBuf>,
}

impl CatalogSource {
    /// The snapshot; `None` where no source was named.
    pub(super) fn snapshot(&self, database: Option<&str>) -> Result<Option<Snapshot>, Failure> {
        if let Some(path) = &self.catalog {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
            let snapshot = serde_json::from_str(&text);
            return snapshot.map(Some).map_err(|error| Failure::NoSnapshot { path: path.display().to_string(), error });
        }
        self.connection(database)?.map(|server| read(&server)).transpose()
    }

    /// The server; `None` where none was named.
    pub(super) fn connection(&self, database: Option<&str>) -> Result<Option<Server>, Failure> {
        if let Some(url) = &self.url {
            let mut server = Server::at(url)?;
            server.login.application_name(catalog::APPLICATION);
            if let Some(database) = database {
                server.login.dbname(database);
            }
            return Ok(Some(server));
        }
        let Some(path) = &self.config else { return Ok(None) };
        let config = config(path)?;
        let name = database.ok_or(Failure::NoDatabase)?;
        let told = |error: &dyn fmt::Display| Failure::Config(error.to_string());
        let login = catalog::login(&config.upstream, config.dbname(name)).map_err(|error| told(&error))?;
        let way = Servers::load(&config.upstream).map_err(|error| told(&error))?;
        Ok(Some(Server { login, way: Some(way) }))
    }
}

/// A server to read from: by a connection string, or as the proxy reaches it.
pub(super) struct Server {
    login: tokio_postgres::Config,
    way: Option<Servers>,
}

impl Server {
    /// By a connection string.
    pub(super) fn at(url: &str) -> Result<Server, Failure> {
        Ok(Server { login: url.parse().map_err(Failure::Url)?, way: None })
    }

    /// A client whose connection runs on the current runtime. What fails is told in the server's words.
    pub(super) async fn connect(&self) -> Result<Client, String> {
        match &self.way {
            Some(way) => catalog::connect(&self.login, way).await.map_err(|error| error.to_string()),
            None => {
                let (client, connection) = self.login.connect(NoTls).await.map_err(|error| words(&error))?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }
}

/// The folder of the policy that a configuration gives a database; the common one where none is named.
pub(super) fn policy_folder(path: &Path, database: Option<&str>) -> Result<PathBuf, Failure> {
    let config = config(path)?;
    let folder = match database {
        Some(name) => config.pack(name),
        None => config.policy.as_deref(),
    };
    folder.map(Path::to_owned).ok_or_else(|| Failure::Open(database.unwrap_or("*").to_owned()))
}

/// Reads a snapshot from a server.
pub(super) fn read(server: &Server) -> Result<Snapshot, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let reading = async {
        let client = server.connect().await?;
        catalog::read(&client).await.map_err(|error| unread(&error))
    };
    runtime.block_on(reading).map_err(Failure::Catalog)
}

/// Why a catalog could not be read.
pub(super) fn unread(error: &ReadError) -> String {
    match error {
        ReadError::Server(error) => words(error),
        ReadError::Unreadable(error) => error.to_string(),
    }
}

/// An error in the server's words, where it has any.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
        |report| format!("{} ({})", report.message(), report.code().code()),
    )
}
