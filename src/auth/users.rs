//! A file of users and their verifiers, in the form that pgbouncer's `auth_file` has: `"name" "SCRAM-SHA-256$…"`.

use super::verifier::{Verifier, VerifierError};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Users by name.
#[derive(Debug, Clone, Default)]
pub struct Users(HashMap<String, Verifier>);

/// Why a file of users is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: others may open it; its mode should be u=rw,g=r (0640) or less", path.display())]
    Open { path: PathBuf },
    #[error("{}, line {line}: {why}", path.display())]
    Line { path: PathBuf, line: usize, why: String },
}

impl Users {
    /// Reads a file. Every line is a user, empty, or a comment that begins with `;` or `#`.
    pub fn read(path: &Path) -> Result<Users, UsersError> {
        let unreadable = |source| UsersError::Unreadable { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        // Of the file that is read, whatever its name means by then.
        if file.metadata().map_err(unreadable)?.mode() & 0o027 != 0 {
            return Err(UsersError::Open { path: path.to_owned() });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        Users::parse(&text).map_err(|(line, why)| UsersError::Line { path: path.to_owned(), line, why })
    }

    /// Of a wrong line its number and what is wrong.
    fn parse(text: &str) -> Result<Users, (usize, String)> {
        let mut users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with([';', '#']) {
                continue;
            }
            let form = || (number, "a line is \"name\" \"SCRAM-SHA-256$…\", both in double quotes".to_owned());
            let (name, rest) = quoted(line).ok_or_else(form)?;
            let (secret, rest) = quoted(rest.trim_start()).ok_or_else(form)?;
            if !rest.trim().is_empty() || name.is_empty() {
                return Err(form());
            }
            let verifier = secret.parse().map_err(|why: VerifierError| (number, format!("user \"{name}\": {why}")))?;
            if users.insert(name.clone(), verifier).is_some() {
                return Err((number, format!("user \"{name}\" is there twice")));
            }
        }
        Ok(Users(users))
    }

    pub fn get(&self, name: &str) -> Option<&Verifier> {
        self.0.get(name)
    }
}

/// A text in double quotes, one in it doubled, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut inside = String::new();
    loop {
        let (piece, after) = rest.split_once('"')?;
        inside.push_str(piece);
        match after.strip_prefix('"') {
            Some(more) => {
                inside.push('"');
                rest = more;
            }
            None => return Some((inside, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn a_file_names_users_and_their_verifiers() {
        let text = format!("; people\n\"ada\" \"{SECRET}\"\n\n# machines\n  \"a \"\"b\"\"\"   \"{SECRET}\"  \n");
        let users = Users::parse(&text).expect("a file");
        assert!(users.get("ada").is_some() && users.get("a \"b\"").is_some() && users.get("Ada").is_none());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let twice = format!("\"ada\" \"{SECRET}\"\n\"ada\" \"{SECRET}\"");
        for (text, line, why) in [
            ("ada secret", 1, "in double quotes"),
            ("\n\"ada\"", 2, "in double quotes"),
            ("\"ada\" \"secret\"", 1, "clear text"),
            ("\"ada\" \"secret\" \"more\"", 1, "in double quotes"),
            ("\"ada\" \"md50123456789abcdef0123456789abcdef\"", 1, "md5"),
            ("\"\" \"x\"", 1, "in double quotes"),
            ("\"ada", 1, "in double quotes"),
            (twice.as_str(), 2, "twice"),
        ] {
            let (found, said) = Users::parse(text).expect_err(text);
            assert_eq!(found, line, "{text}");
            assert!(said.contains(why) && !said.contains("secret\""), "{text}: {said}");
        }
    }
}
