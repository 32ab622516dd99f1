# What a newcomer types. Each target first installs what it lacks by the system's package manager (see .ci/deps).
CARGO ?= cargo

.PHONY: demo demo-once test deps fmt lint bench proofs

# A debug build on purpose: dependencies, the parser among them, are optimised even there (Cargo.toml), so the tour
# runs at full speed, and the build takes a fraction of a release build with LTO and is shared with `make test`.
demo:
	@.ci/deps build
	$(CARGO) run -- demo

demo-once:
	@.ci/deps build
	$(CARGO) run -- demo --once

# Everything: formatting, lints, the core without the shell, unit and integration tests against a real Postgres
# through real drivers.
test: deps
	$(CARGO) fmt --check
	$(CARGO) check --no-default-features --lib
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) test

# The proofs alone, and their figures into docs/guarantees.md. WHEREFORE_SOAK=1h makes the generated ones that long.
proofs: deps
	@mkdir -p target
	$(CARGO) test --no-fail-fast --test proofs --test oracles -- --nocapture > target/proofs.txt || { tail -n 80 target/proofs.txt; exit 1; }
	@tests/proofs/table.sh target/proofs.txt docs/guarantees.md

deps:
	@.ci/deps test

fmt:
	$(CARGO) fmt

lint:
	@.ci/deps build
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

bench:
	@.ci/deps build
	$(CARGO) bench
