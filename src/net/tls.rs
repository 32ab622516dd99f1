//! TLS towards clients: what the config says of it, made ready once for all connections.

use super::certificate::{chain, key, roots};
use super::stream::Stream;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

/// The protocol's name in ALPN.
pub(super) const ALPN: &[u8] = b"postgresql";

/// `[tls]`: the leg between clients and the proxy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientLeg {
    pub mode: TlsMode,
    /// The proxy's own chain, its own certificate first.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Who vouches for clients.
    pub client_ca: Option<PathBuf>,
    pub client_certificates: ClientCertificates,
    pub minimum_version: Version,
}

/// Whether connections of clients are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    #[default]
    Off,
    /// If the client asks for it.
    Allow,
    /// TCP without it is refused.
    Require,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    #[default]
    Off,
    /// One that is shown must be good.
    Optional,
    Required,
}

/// The oldest version of TLS that is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Version {
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

impl ClientLeg {
    /// What does not go together.
    pub fn contradiction(&self) -> Option<&'static str> {
        let asks = self.client_certificates != ClientCertificates::Off;
        match self.mode {
            TlsMode::Off => None,
            _on if self.certificate.is_none() || self.key.is_none() => Some("tls needs `certificate` and `key`"),
            _on if asks && self.client_ca.is_none() => Some("`client_certificates` needs `client_ca`"),
            _on if !asks && self.client_ca.is_some() => {
                Some("`client_ca` needs `client_certificates`: \"optional\" or \"required\"")
            }
            TlsMode::Allow if self.client_certificates == ClientCertificates::Required => {
                Some("`client_certificates = \"required\"` needs `mode = \"require\"`")
            }
            TlsMode::Allow | TlsMode::Require => None,
        }
    }

    /// The files that it names.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key, &mut self.client_ca].into_iter().flatten()
    }
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct TlsError {
    path: String,
    why: String,
}

impl TlsError {
    /// `path` is what it is about: a file, or a host.
    pub fn new(path: &Path, why: String) -> TlsError {
        TlsError { path: path.display().to_string(), why }
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Makes encrypted connections of plain ones.
#[derive(Clone)]
pub struct Acceptor {
    inner: TlsAcceptor,
    /// The proxy's own certificate.
    certificate: Arc<[u8]>,
}

impl Acceptor {
    /// `None` where TLS is off.
    pub fn load(leg: &ClientLeg) -> Result<Option<Acceptor>, TlsError> {
        let (TlsMode::Allow | TlsMode::Require, Some(certificate), Some(secret)) =
            (leg.mode, &leg.certificate, &leg.key)
        else {
            return Ok(None);
        };
        let wrong = |error: &dyn std::fmt::Display| TlsError::new(certificate, error.to_string());
        let versions: &[_] = match leg.minimum_version {
            Version::V1_2 => &[&TLS13, &TLS12],
            Version::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(versions).map_err(|error| wrong(&error))?;
        let builder = match (leg.client_certificates, &leg.client_ca) {
            (ClientCertificates::Off, _) | (_, None) => builder.with_no_client_auth(),
            (asked, Some(path)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider());
                let verifier = match asked {
                    ClientCertificates::Optional => verifier.allow_unauthenticated(),
                    ClientCertificates::Off | ClientCertificates::Required => verifier,
                };
                let verifier = verifier.build().map_err(|error| TlsError::new(path, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = chain(certificate)?;
        let own = Arc::from(chain[0].as_ref());
        let mut config = builder.with_single_cert(chain, key(secret)?).map_err(|error| wrong(&error))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // As Postgres does: every session shows its certificate anew.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Some(Acceptor { inner: TlsAcceptor::from(Arc::new(config)), certificate: own }))
    }

    /// The handshake. Nothing of the connection may have been read beyond the request for it.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Stream> {
        let stream = self.inner.accept(stream).await?;
        Ok(Stream::Tls(Box::new(TlsStream::Server(stream))))
    }

    /// The certificate that clients are shown.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}
