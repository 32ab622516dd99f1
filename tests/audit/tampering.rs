//! Whatever is done to the trail is found, and named by its line.

use super::{Proxy, path, records, said};
use crate::common::raw::query;
use std::path::Path;
use tempfile::TempDir;

/// A trail of a proxy that has stopped.
fn trail(more: &str, statements: usize) -> TempDir {
    let proxy = Proxy::with_file(more);
    let mut service = proxy.raw("app_service");
    for _ in 0..statements {
        service.exchange(&[query("SELECT count(*) FROM messages")]);
    }
    drop(service);
    proxy.stop()
}

fn verify(folder: &TempDir, more: &[&str]) -> (Option<i32>, String) {
    let (key, file) = (path(folder, "key.pem.pub"), path(folder, "audit.jsonl"));
    said(&[&["verify", "--key", &key, &file], more].concat())
}

fn lines(folder: &TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("the trail");
    text.lines().map(str::to_owned).collect()
}

fn write(folder: &TempDir, lines: &[String]) {
    std::fs::write(folder.path().join("audit.jsonl"), lines.join("\n") + "\n").expect("the trail");
}

#[test]
fn whatever_is_done_to_it_is_found() {
    let folder = trail("checkpoint_lines = 5", 8);
    let (code, all) = verify(&folder, &["--stopped"]);
    assert_eq!(code, Some(0), "{all}");
    let whole = lines(&folder);
    assert!(whole.len() > 12, "{}", whole.len());
    let other = TempDir::new().expect("a folder");
    assert!(super::cli(&["keygen", &path(&other, "key.pem")]).status.success());
    let last = whole.len();
    let checkpoint = whole.iter().rposition(|line| line.contains("\"reason\":\"lines\"")).expect("a checkpoint");
    type Change = Box<dyn Fn(&mut Vec<String>)>;
    let cases: [(&str, Change, &str, &str); 9] = [
        (
            "a byte",
            Box::new(|lines| lines[5] = lines[5].replacen("app_service", "app_servicf", 1)),
            "",
            "audit.jsonl:7: record 7 does not follow from the line before it: record 6 was changed",
        ),
        (
            "no JSON any more",
            Box::new(|lines| lines[5] = lines[5].replacen('{', "(", 1)),
            "",
            "audit.jsonl:6: this is no line of the trail",
        ),
        (
            "a line is gone",
            Box::new(|lines| drop(lines.remove(5))),
            "",
            "audit.jsonl:6: records 6 to 6 are missing before this line",
        ),
        (
            "two are swapped",
            Box::new(|lines| lines.swap(5, 6)),
            "",
            "audit.jsonl:7: record 6 stands behind record 7: lines were moved or put in",
        ),
        (
            "one is there twice",
            Box::new(|lines| lines.insert(6, lines[5].clone())),
            "",
            "audit.jsonl:7: record 6 stands behind record 6",
        ),
        ("the beginning is gone", Box::new(|lines| drop(lines.drain(..3))), "", "the trail begins with record 4 here"),
        (
            "the tail is gone",
            Box::new(move |lines| lines.truncate(last - 2)),
            "--stopped",
            "its tail is gone, or it crashed",
        ),
        (
            "half a line",
            Box::new(|lines| {
                let half = lines.pop().expect("a line");
                lines.push(half[..half.len() / 2].to_owned())
            }),
            "--stopped",
            "its tail is gone, or it crashed",
        ),
        (
            "a forged checkpoint",
            Box::new(move |lines| lines[checkpoint] = lines[checkpoint].replacen("\"time\":1", "\"time\":2", 1)),
            "",
            "the signature of this checkpoint is not good: it was forged",
        ),
    ];
    for (name, change, more, expected) in cases {
        let mut changed = whole.clone();
        change(&mut changed);
        write(&folder, &changed);
        let more: Vec<&str> = Some(more).filter(|more| !more.is_empty()).into_iter().collect();
        let (code, all) = verify(&folder, &more);
        let noted = name == "the beginning is gone";
        assert_eq!(code, Some(if noted { 0 } else { 1 }), "{name}: {all}");
        assert!(all.contains(expected), "{name}: {all}");
    }
    // What was known before is missed where the tail is gone.
    write(&folder, &whole);
    let (_, all) = verify(&folder, &[]);
    let known = all.lines().find_map(|line| line.strip_prefix("last record ")).expect("the last record").to_owned();
    assert_eq!(verify(&folder, &["--known", &known]).0, Some(0));
    write(&folder, &whole[..last - 3]);
    let (code, all) = verify(&folder, &["--known", &known]);
    assert!(code == Some(1) && all.contains("its tail is gone"), "{all}");
    write(&folder, &whole);
    let (code, all) = said(&["verify", "--key", &path(&other, "key.pem.pub"), &path(&folder, "audit.jsonl")]);
    assert!(code == Some(1) && all.contains("signed by another key"), "{all}");
}

/// Files of one chain: none may be missing between them.
#[test]
fn a_trail_goes_on_in_the_next_file() {
    let proxy = Proxy::start_in(
        {
            let folder = TempDir::new().expect("a folder");
            assert!(super::cli(&["keygen", &path(&folder, "key.pem")]).status.success());
            folder
        },
        "[audit]\nkey = \"key.pem\"\n[audit.file]\npath = \"audit.jsonl\"\nrotate_bytes = 8000\n",
        None,
    );
    let mut service = proxy.raw("app_service");
    for _ in 0..40 {
        service.exchange(&[query("SELECT count(*) FROM messages")]);
    }
    drop(service);
    let folder = proxy.stop();
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path().to_string_lossy().into_owned())
        .filter(|name| name.contains("audit.jsonl"))
        .collect();
    files.sort_by(|one, other| other.cmp(one));
    assert!(files.len() > 3, "{files:?}");
    let key = path(&folder, "key.pem.pub");
    let all: Vec<&str> = files.iter().map(String::as_str).collect();
    let (code, told) = said(&[&["verify", "--stopped", "--key", &key], &all[..]].concat());
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("note"), "{told}");
    // Every file but the last ends with a signed checkpoint.
    for file in files.iter().filter(|file| !file.ends_with("jsonl")) {
        let records = records(Path::new(file));
        assert_eq!(records.last().expect("a record")["unmapped"]["reason"], "rotation");
    }
    let middle = files.remove(2);
    let rest: Vec<&str> = files.iter().map(String::as_str).collect();
    let (code, told) = said(&[&["verify", "--key", &key], &rest[..]].concat());
    assert!(code == Some(1) && told.contains("are missing before this line"), "{middle}: {told}");
}

#[test]
fn a_crash_is_told_from_tampering() {
    let proxy = Proxy::with_file("");
    proxy.raw("app_service").exchange(&[query("SELECT count(*) FROM messages")]);
    let folder = proxy.kill();
    // What a crash of the machine may leave.
    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("the trail");
    // The kill may have left half a line already.
    let text = &text[..text.rfind('\n').expect("a line") + 1];
    let half = format!("{text}{}", &text.lines().last().expect("a line")[..100]);
    std::fs::write(folder.path().join("audit.jsonl"), half).expect("the trail");
    let (code, all) = verify(&folder, &[]);
    assert!(code == Some(0) && all.contains("half a line"), "{all}");
    let proxy = Proxy::again(folder, None);
    proxy.raw("app_service").exchange(&[query("SELECT count(*) FROM messages")]);
    let folder = proxy.stop();
    let (code, all) = verify(&folder, &["--stopped"]);
    assert_eq!(code, Some(0), "{all}");
    assert!(all.contains("100 bytes of a line that a crash has cut off"), "{all}");
    assert!(all.contains("the proxy began again here after a run that did not say that it ends"), "{all}");
    // Another half than the one that was noted.
    let changed = lines(&folder)
        .into_iter()
        .map(|line| if line.len() == 100 { line.replacen("class", "klass", 1) } else { line });
    write(&folder, &changed.collect::<Vec<_>>());
    let (code, all) = verify(&folder, &[]);
    assert!(code == Some(1) && all.contains("this is no line of the trail"), "{all}");
}

/// A chain that is not known is not gone on with.
#[test]
fn another_file_is_no_trail() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("audit.jsonl"), "something else\n").expect("a file");
    let config = wherefore::cli::serve::config_text(0, super::CLUSTER.port(), Path::new("policy/botpress"));
    std::fs::write(folder.path().join("wherefore.toml"), format!("{config}[audit.file]\npath = \"audit.jsonl\"\n"))
        .expect("the config");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wherefore"));
    let output = command.args(["serve", "--config", &path(&folder, "wherefore.toml")]).output().expect("the proxy");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("it holds nothing of the trail"), "{told}");
}

/// The lines in a new chain, as whoever can write the file can make it.
fn chained_anew(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut prev = "0".repeat(64);
    let mut all: Vec<String> = Vec::new();
    for line in lines {
        let (body, link) = line.split_once(",\"chain\":{").expect("a place in the chain");
        let id = link.split('"').nth(3).expect("the chain's name");
        let line = format!("{body},\"chain\":{{\"id\":\"{id}\",\"seq\":{},\"prev\":\"{prev}\"}}}}}}", all.len() + 1);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, line.as_bytes());
        prev = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        all.push(line);
    }
    all
}

#[test]
fn checkpoints_that_are_left_out_are_missed() {
    let folder = trail("checkpoint_lines = 5", 8);
    let whole = lines(&folder);
    assert_eq!(chained_anew(whole.iter().cloned()), whole, "the helper makes what the proxy makes");
    let is_checkpoint = |line: &str| line.contains("\"kind\":\"checkpoint\"");
    let others = || whole.iter().filter(|line| !is_checkpoint(line)).cloned();
    write(&folder, &chained_anew(others()));
    let (code, all) = verify(&folder, &[]);
    assert!(
        code == Some(1) && all.contains("audit.jsonl:1: the trail does not begin with a signed checkpoint"),
        "{all}"
    );
    assert!(all.contains("none of these records is covered by a checkpoint that this key has signed"), "{all}");
    // The first one is genuine, and nothing behind it is signed.
    write(&folder, &chained_anew(whole.iter().take(1).cloned().chain(others())));
    let (code, all) = verify(&folder, &[]);
    assert!(
        code == Some(1) && all.contains("audit.jsonl:7: a signed checkpoint was promised before this record"),
        "{all}"
    );
    // As many as one run may leave behind its last checkpoint.
    write(&folder, &chained_anew(whole.iter().take(1).cloned().chain(others().take(5))));
    assert_eq!(verify(&folder, &[]).0, Some(0));
}

#[test]
fn checkpoints_come_in_time() {
    let proxy = Proxy::with_file("checkpoint_time = 1");
    let mut service = proxy.raw("app_service");
    for _ in 0..3 {
        service.exchange(&[query("SELECT 1")]);
        std::thread::sleep(std::time::Duration::from_millis(1200));
    }
    drop(service);
    let folder = proxy.stop();
    let (code, all) = verify(&folder, &["--stopped"]);
    assert_eq!(code, Some(0), "{all}");
    let whole = lines(&folder);
    let others = whole.iter().skip(1).filter(|line| !line.contains("\"kind\":\"checkpoint\""));
    write(&folder, &chained_anew(whole.iter().take(1).chain(others).cloned()));
    let (code, all) = verify(&folder, &[]);
    assert!(code == Some(1) && all.contains("a signed checkpoint was promised before this record"), "{all}");
}

/// Who has asked what is its owner's to read.
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = trail("", 1);
    let mode = std::fs::metadata(folder.path().join("audit.jsonl")).expect("the trail").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
