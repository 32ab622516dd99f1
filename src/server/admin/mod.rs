//! The admin port: what an orchestrator and a Prometheus ask over HTTP. It changes nothing and tells no data.

mod metrics;

use super::gate::{ServeError, Shared, pause};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once, at most.
const MOST_CONNECTIONS: usize = 64;

/// The longest head of a request, in bytes.
const MOST_HEAD: usize = 16 * 1024;

/// How long a request may take to come, and an answer to be made.
const LONGEST: Duration = Duration::from_secs(10);

/// The port, bound.
pub struct AdminPort {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl AdminPort {
    /// Binds it, where the config names one.
    pub async fn open(address: Option<SocketAddr>) -> Result<Option<AdminPort>, ServeError> {
        let Some(address) = address else { return Ok(None) };
        let failed = |source| ServeError::Listen { address: address.to_string(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Some(AdminPort { listener, address }))
    }

    /// Answers for as long as the proxy runs, also while it drains.
    pub async fn serve(self, shared: Arc<Shared>) {
        let router = Router::new()
            .route("/health", get(async || "ok\n"))
            .route("/ready", get(ready))
            .route("/metrics", get(scrape))
            .layer(from_fn(bounded))
            .with_state(shared);
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause(error).await;
                    continue;
                }
            };
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let mut http = http1::Builder::new();
                let http = http.timer(TokioTimer::new()).header_read_timeout(LONGEST).max_buf_size(MOST_HEAD);
                if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "a connection to the admin port failed");
                }
                drop(place);
            });
        }
    }
}

/// Ends what takes too long. What is told is of this moment, and for nobody's cache.
async fn bounded(request: Request, next: Next) -> Response {
    let Ok(mut response) = tokio::time::timeout(LONGEST, next.run(request)).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    response.headers_mut().insert(CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    response
}

/// Whether new sessions should be sent here: 200, or 503 and a line for each reason.
async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let mut reasons = Vec::new();
    if shared.is_draining() {
        reasons.push("the proxy is draining".to_owned());
    }
    for standing in shared.databases.standings() {
        reasons.extend(standing.fault());
    }
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    match metrics::text(&shared) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT)], text).into_response(),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
