# Every way in. `make` by itself tells what there is.
.DEFAULT_GOAL := help
.PHONY: help build demo test transparency fuzz bench bench-readme lint book layer arm64-test glibc-test docker-test release clean need-rust need-cc need-python
PYTHON ?= python3
MDBOOK := 0.4.52
SCRIPTS := wrapper-script/palisade-wrapper .ci/run fuzz/run tests/packages/install tests/docker/lambda-entrypoint.sh $(wildcard tests/runtimes/*/bootstrap) \
	$(addprefix tests/runtimes/wrappers/,child first handler instrument java-agent node-options run.sh run-child.sh tracer web)
export PYTHONDONTWRITEBYTECODE := 1

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf 'make %-12s %s\n' "$$name" "$$what"; done

# The library is compiled as one piece, for its size. The command is not loaded into functions: in sixteen it is as fast, in half the time.
build: need-rust need-cc ## the library and the command: target/release/libpalisade.so, target/release/palisade
	CARGO_PROFILE_RELEASE_LTO=thin CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo build --release --locked -p palisade-cli
	cargo build --release --locked -p palisade-shim --features alone

demo: build need-python ## a vulnerable function under AWS's emulator, attacked without and with Palisade
	$(PYTHON) tests/emulator/demo.py

test: build need-python ## unit tests, C programs against the library, and functions of five runtimes under AWS's emulator
	tests/packages/install
	cargo test --workspace --locked
	$(PYTHON) layer/test_layer.py
	$(PYTHON) tests/emulator/run.py
	$(PYTHON) tests/runtimes/run.py
	$(PYTHON) tests/learning/run.py
	$(PYTHON) tests/transparency/run.py

transparency: build need-python ## CPython's own test suite, and everyday programs, without the library and with it
	tests/packages/install
	$(PYTHON) tests/transparency/run.py --long

fuzz: need-rust need-cc ## libFuzzer on what reads hostile bytes, for FUZZ_SECONDS in all (60)
	fuzz/run

bench: build need-cc ## every figure of docs/performance.md, in target/bench/results.json; ARGS=--quick for a first look
	cargo run --release --locked -p palisade-benches -- $(ARGS)

bench-readme: ## pastes the figures of the last make bench into the README
	cargo run --release --locked -p palisade-benches -- --readme

lint: need-rust ## formatting, clippy, shell scripts; every warning is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package palisade-shim --features alone --locked -- -D warnings
	for script in $(SCRIPTS); do bash -n $$script || exit; done
	sh -n wrapper-script/palisade-wrapper
	if command -v shellcheck; then shellcheck -x --severity=warning $(SCRIPTS); fi

book: need-rust ## the documentation as a book in target/book; builds mdBook first, without its server, which takes minutes, under target/
	[ -x target/mdbook/bin/mdbook ] || cargo install --quiet --locked --root target/mdbook --target-dir target/mdbook/build mdbook --version $(MDBOOK) --no-default-features --features search
	target/mdbook/bin/mdbook build docs

layer: need-rust need-python ## the Lambda layers: dist/palisade-layer-x86_64.zip and -arm64.zip, the same bytes every time
	$(PYTHON) layer/build.py

release: need-rust need-python ## both layers, SHA256SUMS, a CycloneDX bill of materials in dist/, and the commands that publish them
	$(PYTHON) layer/test_release.py
	$(PYTHON) layer/release.py $(if $(TAG),--tag $(TAG))

arm64-test: layer ## the arm64 layer under QEMU: every kind of hook on three glibcs, the hook suite, and a Python function under AWS's emulator
	$(PYTHON) tests/platforms/run.py arm64

glibc-test: layer ## the x86-64 layer on every glibc from 2.23 to the newest that can be had, and on musl
	$(PYTHON) tests/platforms/run.py glibc musl

docker-test: build layer ## Python's end-to-end tests and the five runtimes, each function in a container as tight as Lambda; BASE=image takes another base
	$(PYTHON) tests/docker/run.py $(if $(BASE),--base $(BASE))

clean: ## removes what was built and fetched: target/ and dist/
	rm -rf target dist

need-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing: https://rustup.rs, then open a new shell" >&2; exit 1; }

need-cc:
	@command -v cc >/dev/null || { echo "A C compiler is missing: apt-get install gcc, or dnf install gcc" >&2; exit 1; }

need-python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.10 or newer is missing: apt-get install python3-venv, or dnf install python3" >&2; exit 1; }
