//! A proxy in a process of its own, whose memory and open files can be counted.

use crate::{Cluster, POLICY};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub struct Process {
    child: Child,
    pub port: u16,
    _files: TempDir,
}

impl Process {
    pub fn start(cluster: &Cluster, more: &str) -> Process {
        let files = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(files.path().join("policy")).expect("a folder");
        std::fs::write(files.path().join("policy/pack.toml"), POLICY).expect("a file");
        let config = format!(
            "listen = \"127.0.0.1:0\"\npolicy = \"policy\"\n[upstream]\nhost = \"127.0.0.1\"\nport = {}\n\
             catalog_user = \"postgres\"\n{more}",
            cluster.port
        );
        let path = files.path().join("wherefore.toml");
        std::fs::write(&path, config).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
        command.args(["serve", "--config"]).arg(&path).env_remove("RUST_LOG").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the proxy");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains("listening")).expect("a proxy that listens");
        let port = listening.split("127.0.0.1:").nth(1).expect("an address");
        let port = port.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a port");
        std::thread::spawn(move || lines.for_each(drop));
        Process { child, port, _files: files }
    }

    /// Resident memory in megabytes.
    pub fn megabytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") >> 10
    }

    /// Open files, sockets among them.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("a process").count()
    }

    pub fn signal(&self, signal: &str) {
        crate::relay_support::kill(signal, &self.child.id().to_string());
    }

    /// Whether it has ended of its own accord, in good order.
    pub fn wait(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
