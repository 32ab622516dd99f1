//! Budgets, kept in the database: what is told with noise is paid for before it is told.
//!
//! Over a connection of the proxy's own, in a transaction of its own: whatever becomes of the client's, what was paid stays
//! paid. Proxies in front of one database share its table, where one statement reads and writes what was spent.

use super::catalog;
use super::database::words;
use super::setup::Setup;
use crate::enforce::Charge;
use crate::session::Charged;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::Client;

/// What the connection is called.
const APPLICATION: &str = "wherefore budget";

/// After so long nothing is known of a payment: the statement is refused.
const LONGEST: Duration = Duration::from_secs(10);

/// A payment counts only when it would outlast a crash of the server. No lock is waited for long.
const SETTINGS: &str =
    "SET search_path = pg_catalog; SET synchronous_commit = on; SET default_transaction_read_only = off;
    SET lock_timeout = '5s'; SET statement_timeout = '8s'; SET timezone = UTC;
    SET default_transaction_isolation = 'read committed'";

/// Pays out of one, where enough is left. A budget is new once its time has passed since its first payment.
const PAY: &str = "
    INSERT INTO wherefore.budget AS b (role, purpose, began, spent)
    SELECT $1, $2, now(), $3 WHERE $3 <= $4::int8
        ON CONFLICT (role, purpose) DO UPDATE SET
           began = CASE WHEN now() < b.began + make_interval(secs => $5::float8) THEN b.began ELSE now() END,
           spent = CASE WHEN now() < b.began + make_interval(secs => $5::float8) THEN b.spent ELSE 0 END + excluded.spent
     WHERE CASE WHEN now() < b.began + make_interval(secs => $5::float8) THEN b.spent ELSE 0 END + excluded.spent <= $4::int8";

/// What is spent of it, and when it is new.
const LOOK: &str = "
    SELECT spent, to_char(began + make_interval(secs => $3::float8), 'YYYY-MM-DD HH24:MI') || ' UTC'
      FROM wherefore.budget WHERE role = $1 AND purpose = $2";

/// Where a database's budgets are charged, over one connection.
#[derive(Default)]
pub struct Till {
    /// With what it was made by: after a reload another is made.
    client: Mutex<Option<(Client, Arc<Setup>)>>,
}

impl Till {
    /// Charges the budgets of a login role, all or none. What fails is logged, and counts as not paid.
    pub async fn charge(&self, setup: Arc<Setup>, database: &str, user: &str, charge: &Charge) -> Charged {
        // Whoever drops this drops the connection with it: half of a payment tells nothing.
        let mut held = self.client.lock().await;
        let known = held.take().filter(|(client, of)| !client.is_closed() && Arc::ptr_eq(of, &setup));
        let outcome = tokio::time::timeout(LONGEST, async {
            let mut client = match known {
                Some((client, _)) => client,
                None => connect(&setup, database).await?,
            };
            let outcome = pay(&mut client, user, charge).await.map_err(|error| words(&error))?;
            Ok::<_, String>((client, outcome))
        });
        match outcome.await {
            Ok(Ok((client, outcome))) => {
                *held = Some((client, setup));
                let paid = outcome == Charged::Paid;
                // The innermost is the purpose's own, or what it has of those above it.
                let purpose = charge.purses.last().map_or("", |purse| &*purse.purpose);
                tracing::info!(
                    target: "wherefore::decision",
                    decision = "charge", database, user, purpose, thousandths = charge.epsilon, paid, "charged"
                );
                outcome
            }
            Ok(Err(error)) => {
                tracing::warn!(database, error, "a budget could not be charged");
                Charged::Failed
            }
            Err(_too_late) => {
                tracing::warn!(database, "a budget could not be charged in time");
                Charged::Failed
            }
        }
    }
}

async fn connect(setup: &Setup, database: &str) -> Result<Client, String> {
    let mut login = catalog::login(&setup.config.upstream, database).map_err(|error| error.to_string())?;
    login.application_name(APPLICATION);
    let reached = setup.servers.connect_to_primary().await.map_err(|error| error.to_string())?;
    let client = catalog::open(&login, reached.own()).await.map_err(|error| error.to_string())?;
    client.batch_execute(SETTINGS).await.map_err(|error| words(&error))?;
    Ok(client)
}

/// All or nothing. Whoever pays takes the purses in the order of the tree, so nobody waits for another who waits for it.
async fn pay(client: &mut Client, user: &str, charge: &Charge) -> Result<Charged, tokio_postgres::Error> {
    let cost = i64::try_from(charge.epsilon).unwrap_or(i64::MAX);
    let payment = client.transaction().await?;
    for purse in &*charge.purses {
        let budget = i64::try_from(purse.budget).unwrap_or(0);
        let seconds = f64::from(purse.seconds);
        let purpose = &*purse.purpose;
        if payment.execute(PAY, &[&user, &purpose, &cost, &budget, &seconds]).await? == 1 {
            continue;
        }
        let row = payment.query_opt(LOOK, &[&user, &purpose, &seconds]).await?;
        let (spent, renewed) = match row {
            Some(row) => (row.try_get::<_, i64>(0)?.unsigned_abs(), row.try_get::<_, String>(1)?),
            // It costs more than there ever is.
            None => (0, "no time: it asks for more than there ever is".to_owned()),
        };
        payment.rollback().await?;
        return Ok(Charged::Spent { purse: purse.clone(), spent, renewed: renewed.into() });
    }
    payment.commit().await?;
    Ok(Charged::Paid)
}
