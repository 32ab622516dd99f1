//! The way to the server: a socket, encrypted where the config says so.

use super::certificate::{chain, key, roots};
use super::stream::Stream;
use super::tls::{ALPN, TlsError, provider};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use serde::Deserialize;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsConnector, TlsStream};

const SSL_REQUEST: [u8; 8] = *b"\0\0\0\x08\x04\xd2\x16\x2f";

/// How the connection to the server is protected, in libpq's words. libpq's `allow` and `prefer` are not offered: whoever
/// stands on the way could switch them off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    Disable,
    /// Encrypted; with `sslrootcert` the same as `verify-ca`.
    Require,
    /// The certificate comes from an authority in `sslrootcert`.
    VerifyCa,
    /// And is this host's.
    VerifyFull,
}

/// The leg between the proxy and the server.
#[derive(Debug, Clone, Copy)]
pub struct ServerLeg<'a> {
    /// A host name, an address, or the directory of a unix socket.
    pub host: &'a str,
    pub port: u16,
    pub mode: Option<SslMode>,
    pub root: Option<&'a Path>,
    pub certificate: Option<&'a Path>,
    pub key: Option<&'a Path>,
}

impl ServerLeg<'_> {
    /// Whether what passes never leaves the machine.
    pub fn is_local(&self) -> bool {
        self.host.starts_with('/')
            || self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The mode in force: what leaves the machine is encrypted and verified if nothing else is said.
    pub fn mode(&self) -> SslMode {
        match self.mode {
            Some(mode) => mode,
            None if self.is_local() => SslMode::Disable,
            None => SslMode::VerifyFull,
        }
    }

    /// What does not go together.
    pub fn contradiction(&self) -> Option<String> {
        let mode = self.mode();
        if matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull) && self.root.is_none() {
            return Some(match self.mode {
                Some(_) => "sslmode verify-ca and verify-full need `sslrootcert`".to_owned(),
                None => format!(
                    "the connection to {} leaves this machine: give `sslrootcert`, whose authority vouches for the server, \
                     or say what protects the connection instead: sslmode = \"require\" (not verified) or \"disable\"",
                    self.host
                ),
            });
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Some("`sslcert` and `sslkey` go together".to_owned());
        }
        if self.host.starts_with('/') && mode != SslMode::Disable {
            return Some("a unix socket is not encrypted: leave `sslmode` out".to_owned());
        }
        None
    }
}

/// Connects to the server.
#[derive(Clone)]
pub struct Upstream {
    host: Arc<str>,
    port: u16,
    /// One of the addresses that the host's name means; `None` for whichever answers first.
    address: Option<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Whether nobody on the way can read along.
    protected: bool,
    /// Whether it is known who is at the other end.
    verified: bool,
}

impl Upstream {
    pub fn load(leg: &ServerLeg<'_>) -> Result<Upstream, TlsError> {
        let tls = match leg.mode() {
            SslMode::Disable => None,
            mode => {
                let name = ServerName::try_from(leg.host.to_owned());
                let name = name.map_err(|error| TlsError::new(Path::new(leg.host), error.to_string()))?;
                Some((TlsConnector::from(Arc::new(client_config(leg, mode)?)), name))
            }
        };
        let protected = tls.is_some() || leg.is_local();
        let verified = leg.is_local() || matches!(leg.mode(), SslMode::VerifyCa | SslMode::VerifyFull);
        Ok(Upstream { host: leg.host.into(), port: leg.port, address: None, tls, protected, verified })
    }

    /// Host and port, for people.
    pub fn name(&self) -> String {
        match self.address {
            Some(address) if address.ip().to_string() != *self.host => {
                format!("{}:{} ({})", self.host, self.port, address.ip())
            }
            Some(_) | None => format!("{}:{}", self.host, self.port),
        }
    }

    /// The server behind each address that the host's name means at the moment, in the order in which they are tried: there
    /// may be several, and a cancel must reach the one that a session is on.
    pub async fn by_address(&self) -> io::Result<Vec<Upstream>> {
        if self.host.starts_with('/') || self.address.is_some() {
            return Ok(vec![self.clone()]);
        }
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in tokio::net::lookup_host((&*self.host, self.port)).await? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses.into_iter().map(|address| Upstream { address: Some(address), ..self.clone() }).collect())
    }

    /// The address that this stands for, if it stands for one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether what passes is encrypted, or does not leave the machine.
    pub fn is_protected(&self) -> bool {
        self.protected
    }

    /// Whether what passes reaches the server and nobody else: the machine's own, or one that a certificate vouches for.
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// A connection on which nothing but a request for encryption was said.
    pub async fn connect(&self) -> io::Result<Stream> {
        if self.host.starts_with('/') {
            let path = PathBuf::from(&*self.host).join(format!(".s.PGSQL.{}", self.port));
            return UnixStream::connect(path).await.map(Stream::Unix);
        }
        let mut stream = match self.address {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect((&*self.host, self.port)).await?,
        };
        super::keep(&stream)?;
        let Some((connector, name)) = &self.tls else { return Ok(Stream::Tcp(stream)) };
        stream.write_all(&SSL_REQUEST).await?;
        // One byte and no more: what is sent behind it must stand in the handshake's eyes (CVE-2021-23222). A report is
        // not read either: anyone could have written it (CVE-2024-10977).
        match stream.read_u8().await? {
            b'S' => {}
            b'N' => return Err(io::Error::other("the server does not support TLS, but upstream.sslmode demands it")),
            _ => return Err(io::Error::other("the server does not answer a request for TLS")),
        }
        let stream = connector.connect(name.clone(), stream).await?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }
}

fn client_config(leg: &ServerLeg<'_>, mode: SslMode) -> Result<ClientConfig, TlsError> {
    let wrong = |error: &dyn std::fmt::Display| TlsError::new(Path::new(leg.host), error.to_string());
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&error))?;
    let builder = match (mode, leg.root.map(roots).transpose()?) {
        (SslMode::VerifyFull, Some(roots)) => {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            builder.dangerous().with_custom_certificate_verifier(verifier.map_err(|error| wrong(&error))?)
        }
        (SslMode::VerifyCa, None) | (SslMode::VerifyFull, None) => {
            return Err(wrong(&"there is no authority to verify its certificate by"));
        }
        (SslMode::Disable | SslMode::Require | SslMode::VerifyCa, roots) => {
            let verifier = Arc::new(Nameless { roots, provider: provider() });
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    let mut config = match (leg.certificate, leg.key) {
        (Some(certificate), Some(secret)) => builder
            .with_client_auth_cert(chain(certificate)?, key(secret)?)
            .map_err(|error| TlsError::new(certificate, error.to_string()))?,
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Takes a certificate whatever host it names: from these authorities, or, without any, from everyone.
#[derive(Debug)]
struct Nameless {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Nameless {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
