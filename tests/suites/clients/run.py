#!/usr/bin/env python3
"""Runs the test suites of Postgres's clients around the proxy, through it and through pgbouncer, and compares.

    tests/suites/clients/run.py [--suite NAME]… [--target NAME]…     runs, then prints the tables
    tests/suites/clients/run.py --table                              prints what is there

See README.md beside this file. Every suite meets every target with a server of its own.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
# In the order of the table; each is a program of this folder.
SUITES = ["psycopg", "asyncpg", "node_postgres", "tokio_postgres", "sqlalchemy", "libpq_pipeline", "regress", "dump", "psql", "pgbench"]
TARGETS = ["direct", "unrestricted", "restricted", "pgbouncer"]
# Roles that suites log in as: under one purpose all of them.
ROLES = ["postgres", "tester", "pass_user", "md5_user", "scram_user", "ssl_user"]
LONGEST = 1800  # seconds that a suite may take, unless its last word comes before


def binaries():
    """Where the server's programs lie: WHEREFORE_PG_BIN, else the newest of the distribution's."""
    said = os.environ.get("WHEREFORE_PG_BIN")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return Path(said) if said else found[-1]


def unprivileged():
    """What to put in front of a command so that it does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{process.args[-1]} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"nothing answers on port {port}")


class Stack:
    """A server, and what stands in front of it, for one suite and one target."""

    def __init__(self, target, port, folder):
        self.target, self.port, self.folder = target, port, folder
        self.processes = []

    def __enter__(self):
        behind = self.port if self.target == "direct" else free_port()
        self.server(behind)
        if self.target == "pgbouncer":
            self.pgbouncer(behind)
        elif self.target != "direct":
            self.proxy(behind)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            # Of Postgres: fast, without waiting for clients.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name, command, port, user=True):
        log = open(self.folder / f"{name}.log", "w")
        # A session of its own: a suite's end must not reach it, nor a key pressed at the terminal.
        process = subprocess.Popen((unprivileged() if user else []) + [str(word) for word in command], stdout=log,
                                   stderr=log, start_new_session=True, cwd="/")
        self.processes.append(process)
        wait_for(port, process)

    def server(self, port):
        data = self.folder / "data"
        programs = binaries()
        subprocess.run(["rm", "-rf", data], check=True)
        self.folder.chmod(0o777)
        subprocess.run([*unprivileged(), programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-locale", "-E", "UTF8",
                        "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        # Everyone is trusted but those whose passwords suites try.
        hba = data / "pg_hba.conf"
        methods = {"pass_user": "password", "md5_user": "md5", "scram_user": "scram-sha-256"}
        lines = "".join(f"host all {user} 127.0.0.1/32 {method}\n" for user, method in methods.items())
        hba.write_text(lines + hba.read_text())
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
                    "max_connections": 200, "max_prepared_transactions": 10, "wal_level": "logical"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.start("server", [programs / "postgres", "-D", data, *words], port)
        for _ in range(100):
            if subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode == 0:
                break
            time.sleep(0.1)
        script = "CREATE DATABASE suites"
        subprocess.run([programs / "psql", "-qX", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", script], check=True)
        # What the restricted purpose's policy closes: a column that nobody uses. Other databases get theirs from the template.
        script = "CREATE SCHEMA closed; CREATE TABLE closed.unused (closed int)"
        for database in ["suites", "postgres", "template1"]:
            subprocess.run([programs / "psql", "-qX", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-d", database,
                            "-c", script], check=True)

    def proxy(self, behind):
        policy = self.folder / "policy"
        policy.mkdir(exist_ok=True)
        roles = "".join(f'[role.{role}]\npurposes = ["app", "set_up"]\ndefault = "{self.purpose()}"\n' for role in ROLES)
        (policy / "policy.toml").write_text((HERE / "policy.toml").read_text() + roles)
        config = self.folder / "wherefore.toml"
        config.write_text(f'listen = "127.0.0.1:{self.port}"\npolicy = "{policy}"\n'
                          f'[upstream]\nhost = "127.0.0.1"\nport = {behind}\ncatalog_user = "postgres"\n')
        program = os.environ.get("WHEREFORE", REPOSITORY / "target/debug/wherefore")
        self.start("proxy", [program, "serve", "--config", config], self.port, user=False)

    def purpose(self):
        return "app" if self.target == "restricted" else "set_up"

    def pgbouncer(self, behind):
        config = self.folder / "pgbouncer.ini"
        config.write_text(f"""[databases]
* = host=127.0.0.1 port={behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.folder}/users.txt
pool_mode = session
max_client_conn = 500
default_pool_size = 100
ignore_startup_parameters = extra_float_digits, options
""")
        (self.folder / "users.txt").write_text("".join(f'"{role}" "password"\n' for role in ROLES))
        self.start("pgbouncer", ["pgbouncer", config], self.port)


def run(suite, target, port, out):
    """One suite against one target; what it says goes to a file, a line a test: outcome, name, reason."""
    folder = out / "work" / suite / target
    subprocess.run(["rm", "-rf", folder], check=True)
    folder.mkdir(parents=True)
    results = out / f"{suite}.{target}.tsv"
    results.write_text("")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres", "PGDATABASE": "suites", "RESULTS": str(results),
                    "WORK": str(folder), "PATH": f"{binaries()}:{environment['PATH']}", "PGTZ": "UTC", "TZ": "UTC",
                    # For what an owner does before a suite begins.
                    "SETUP_OPTIONS": "-c wherefore.purpose=set_up"}
    with Stack(target, port, folder), open(folder / "suite.log", "w") as log:
        began = time.monotonic()
        process = subprocess.Popen([HERE / f"{suite}.sh"], env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder)
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(f"{suite}, {target}: stopped after {LONGEST} s", file=sys.stderr)
        passed, failed = outcomes(results)
        print(f"{suite}, {target}: {len(passed)} passed, {len(failed)} failed, {time.monotonic() - began:.0f} s", file=sys.stderr)
    subprocess.run(["rm", "-rf", folder / "data"], check=True)


def outcomes(results):
    """Names that passed, and names that failed with the reason. A test that ran twice passed if it always did."""
    passed, failed = set(), {}
    for line in results.read_text().splitlines():
        outcome, name, reason = (line.split("\t") + ["", ""])[:3]
        if outcome == "pass":
            passed.add(name)
        elif outcome == "fail":
            failed[name] = reason
    return passed - failed.keys(), failed


def table(out):
    print("| suite | direct |", " | ".join(f"{target}: passed / failed / only here" for target in TARGETS[1:]), "|")
    print("|---|---|---|---|---|")
    lost = []
    for suite in SUITES:
        if not (out / f"{suite}.direct.tsv").exists():
            continue
        direct, _ = outcomes(out / f"{suite}.direct.tsv")
        cells = [f"{len(direct)} / {len(outcomes(out / f'{suite}.direct.tsv')[1])}"]
        for target in TARGETS[1:]:
            results = out / f"{suite}.{target}.tsv"
            if not results.exists():
                cells.append("not run")
                continue
            passed, failed = outcomes(results)
            only = sorted(direct - passed)
            cells.append(f"{len(passed)} / {len(failed)} / **{len(only)}**")
            lost += [(suite, target, name, failed.get(name, "not reached")) for name in only]
        print(f"| {suite} |", " | ".join(cells), "|")
    lines = [f"{suite}\t{target}\t{name}\t{reason}\n" for suite, target, name, reason in lost]
    (out / "only-here.tsv").write_text("".join(lines))
    # By reason under the restricted purpose, where most are refused by design; one by one elsewhere.
    print()
    print("".join(line for line in lines if "\trestricted\t" not in line), end="")
    reasons = {}
    for suite, target, name, reason in lost:
        if target == "restricted":
            why = why_refused(reason)
            reasons.setdefault(why, {}).setdefault(suite, []).append(name)
    for why, suites in sorted(reasons.items(), key=lambda entry: -sum(map(len, entry[1].values()))):
        print(sum(map(len, suites.values())), why, {suite: len(names) for suite, names in suites.items()}, sep="\t")


def why_refused(reason):
    """What a refusal names, without what was asked for."""
    for pattern in [r"is restricted, and (.*?) (?:with this value )?is not understood", r"(whose later statements are not understood)",
                    r"may not (listen to|notify|write|read|execute|insert|update|delete)", r"(not reached)"]:
        if found := re.search(pattern, reason):
            return found[1]
    return reason[:100]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--suite", action="append", choices=SUITES)
    arguments.add_argument("--target", action="append", choices=TARGETS)
    arguments.add_argument("--table", action="store_true", help="run nothing")
    # tokio-postgres's suite knows no other port.
    arguments.add_argument("--port", type=int, default=5433, help="where the target listens")
    arguments.add_argument("--out", type=Path, default=REPOSITORY / "target/suites")
    said = arguments.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    if not said.table:
        for suite in said.suite or SUITES:
            for target in said.target or TARGETS:
                run(suite, target, said.port, said.out.resolve())
    table(said.out)


if __name__ == "__main__":
    main()
