//! Certificates made for a test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An authority, and the folder with what it has signed: `ca.crt`, and NAME.crt with NAME.key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        let authority = Authority { issuer, folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(authority.file("ca.crt"), authority.issuer.pem()).expect("a file");
        authority
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate of a server by these names.
    pub fn server(&self, file: &str, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(file, params);
    }

    /// A certificate of a client: its common name, and `NAME@example.org` beside it.
    pub fn client(&self, name: &str) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let mail = format!("{name}@example.org").try_into().expect("a mail address");
        params.subject_alt_names = vec![SanType::Rfc822Name(mail)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, params);
    }

    fn sign(&self, file: &str, params: CertificateParams) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(self.file(&format!("{file}.crt")), certificate.pem()).expect("a file");
        let mut options = std::fs::File::options();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut secret = options.open(self.file(&format!("{file}.key"))).expect("a file");
        secret.write_all(key.serialize_pem().as_bytes()).expect("writes");
    }
}
