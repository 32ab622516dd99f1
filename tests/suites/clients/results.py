"""For pytest, `-p results`: a line a test into the file $RESULTS, as soon as it is known."""

import os


def first_line(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return " ".join(text.split())[:300]


def pytest_runtest_logreport(report):
    if report.outcome == "passed" and report.when != "call":
        return
    outcome = {"passed": "pass", "failed": "fail", "skipped": "skip"}[report.outcome]
    reason = "" if outcome == "pass" else first_line(report)
    with open(os.environ["RESULTS"], "a") as results:
        results.write(f"{outcome}\t{report.nodeid}\t{reason}\n")
