//! The `options` start-up parameter, split as the server splits it, with the proxy's own settings taken out.

/// What is left for the server, and what was meant for the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The value without `wherefore.*` settings; `None` if nothing is left.
    pub rest: Option<String>,
    /// `wherefore.*` settings in order: lower-case name, value.
    pub own: Vec<(String, String)>,
}

/// Words are separated by white space; a backslash takes the next character as it is (`pg_split_opts`).
fn words(options: &str) -> Vec<String> {
    let (mut words, mut word, mut started, mut chars) = (Vec::new(), String::new(), false, options.chars());
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            '\\' => {
                started = true;
                word.extend(chars.next());
            }
            c => {
                started = true;
                word.push(c);
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

fn escape(word: &str, out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
    for c in word.chars() {
        if c == '\\' || c.is_ascii_whitespace() || c == '\x0b' {
            out.push('\\');
        }
        out.push(c);
    }
}

/// `name=value` where the name is one of ours. Names fold case, and `-` stands for `_` (`ParseLongOption`).
fn ours(setting: &str) -> Option<(String, String)> {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let name = name.to_ascii_lowercase().replace('-', "_");
    name.starts_with("wherefore.").then(|| (name, value.to_owned()))
}

/// Takes `-c wherefore.x=y`, `-cwherefore.x=y` and `--wherefore.x=y` out. A switch that takes a value keeps it. Whatever
/// is overlooked here does no harm: the proxy sends the purpose as a parameter of its own, which the server applies last.
pub fn split_options(options: &str) -> Options {
    let mut found = Options::default();
    let mut rest = String::new();
    let mut words = words(options).into_iter();
    while let Some(word) = words.next() {
        if word == "-c" || word == "--" {
            match words.next() {
                Some(setting) => match ours(&setting) {
                    Some(own) if word == "-c" => found.own.push(own),
                    Some(_) | None => {
                        escape(&word, &mut rest);
                        escape(&setting, &mut rest);
                    }
                },
                None => escape(&word, &mut rest),
            }
            continue;
        }
        let setting = word.strip_prefix("--").or_else(|| word.strip_prefix("-c"));
        match setting.and_then(ours) {
            Some(own) => found.own.push(own),
            None => {
                escape(&word, &mut rest);
                // A switch whose value is the next word (postgres.c, process_postgres_switches).
                let mut letters = word.chars();
                let takes_value = letters.next() == Some('-')
                    && letters.next().is_some_and(|letter| "BCDdfhkNprStvW".contains(letter))
                    && letters.next().is_none();
                if takes_value && let Some(value) = words.next() {
                    escape(&value, &mut rest);
                }
            }
        }
    }
    found.rest = (!rest.is_empty()).then_some(rest);
    found
}

/// The settings in `options`, names as the server takes them. An error is a word that is no setting: a switch of another
/// kind, or none.
pub fn option_settings(options: &str) -> Result<Vec<(String, String)>, String> {
    let mut settings = Vec::new();
    let mut words = words(options).into_iter();
    while let Some(word) = words.next() {
        let setting = match word.as_str() {
            "-c" => words.next().ok_or_else(|| word.clone())?,
            "--" => return Err(word),
            other => match other.strip_prefix("--").or_else(|| other.strip_prefix("-c")) {
                Some(setting) => setting.to_owned(),
                None => return Err(word),
            },
        };
        let Some((name, value)) = setting.split_once('=') else { return Err(word) };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        let pairs = |found: &[(&str, &str)]| {
            Ok(found.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(
            option_settings("-c geqo=off --log-statement=all -cjit=a\\ b"),
            pairs(&[("geqo", "off"), ("log_statement", "all"), ("jit", "a b")])
        );
        for (options, word) in [("-tpa", "-tpa"), ("-c", "-c"), ("-- x=y", "--"), ("x", "x"), ("-ec x=y", "-ec")] {
            assert_eq!(option_settings(options), Err(word.to_owned()), "{options}");
        }
    }

    #[test]
    fn split() {
        let check = |options: &str, rest: &str, own: &[(&str, &str)]| {
            let got = split_options(options);
            assert_eq!(got.rest.as_deref().unwrap_or_default(), rest, "{options}");
            let got: Vec<_> = got.own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(got, own, "{options}");
        };
        let purpose = "wherefore.purpose";
        check("", "", &[]);
        check("-c geqo=off", "-c geqo=off", &[]);
        check("-c wherefore.purpose=x", "", &[(purpose, "x")]);
        check("-cwherefore.purpose=x  -c geqo=off", "-c geqo=off", &[(purpose, "x")]);
        check("--Wherefore.Purpose=x", "", &[(purpose, "x")]);
        check("-c search_path=a\\ b -c wherefore.purpose=x\\ y", "-c search_path=a\\ b", &[(purpose, "x y")]);
        check("-c wherefore.purpose=a -c wherefore.purpose=b", "", &[(purpose, "a"), (purpose, "b")]);
        check("-d -cwherefore.purpose=x", "-d -cwherefore.purpose=x", &[]);
        check("-c", "-c", &[]);
        check("a\\", "a", &[]);
    }
}
