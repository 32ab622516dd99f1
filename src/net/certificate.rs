//! Certificates and keys in files, and the names in the certificate that a client shows.

use super::tls::TlsError;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use x509_cert::Certificate;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The names in a certificate whose chain was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The subject's common name, where it has exactly one.
    pub common_name: Option<String>,
    /// DNS names, mail addresses and URIs among the subject's alternative names.
    pub alternative_names: Vec<String>,
}

impl Identity {
    /// All of them as a policy writes them: `CN=…`, `SAN=…`.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let common = self.common_name.iter().map(|name| format!("CN={name}"));
        common.chain(self.alternative_names.iter().map(|name| format!("SAN={name}")))
    }

    /// `None` for what cannot be read.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Identity> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let subject = certificate.tbs_certificate();
        let mut names = subject.subject().iter().filter(|attribute| attribute.oid == COMMON_NAME);
        let common_name = match (names.next(), names.next()) {
            // Strings of two and four bytes a character would read as others than they are.
            (Some(only), None)
                if matches!(only.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String) =>
            {
                std::str::from_utf8(only.value.value()).ok()
            }
            _none_or_many => None,
        };
        let alternative = subject.get_extension::<SubjectAltName>().ok()?;
        let alternative = alternative.map(|(_, names)| names.0).unwrap_or_default();
        let alternative_names = alternative.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) | GeneralName::Rfc822Name(name) => Some(name.as_str()),
            GeneralName::UniformResourceIdentifier(name) => Some(name.as_str()),
            _other_kinds => None,
        });
        // A name that goes on behind a NUL is meant to be taken for a shorter one.
        let is_whole = |name: &&str| !name.contains('\0');
        Some(Identity {
            common_name: common_name.filter(is_whole).map(str::to_owned),
            alternative_names: alternative_names.filter(is_whole).map(str::to_owned).collect(),
        })
    }
}

/// What a channel under this certificate is bound to: its hash, by the function of its signature (RFC 5929,
/// `tls-server-end-point`). `None` where the signature has none of its own.
pub(super) fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = Certificate::from_der(certificate).ok()?;
    Some(match &*parsed.signature_algorithm().oid.to_string() {
        // RSA and ECDSA with SHA-256; MD5 and SHA-1 count as it.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.3.2" => Sha256::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512::digest(certificate).to_vec(),
        _no_hash_of_its_own => return None,
    })
}

/// A chain of certificates, the owner's first.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |why: String| TlsError::new(path, why);
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(chain) if chain.is_empty() => Err(wrong("there is no certificate in it".to_owned())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A private key, in a file that only its owner may read, as Postgres demands it.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let wrong = |why: String| TlsError::new(path, why);
    let file = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    let closed = if file.uid() == 0 { 0o037 } else { 0o077 };
    if file.mode() & closed != 0 {
        return Err(wrong(
            "the private key has group or world access; its mode should be u=rw (0600) or less, if root owns it u=rw,g=r \
             (0640) or less"
                .to_owned(),
        ));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(error.to_string()))
}

/// Certificates of authorities.
pub(super) fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| TlsError::new(path, error.to_string()))?;
    }
    Ok(roots)
}
