# Two commands matter: `make demo` and `make test`. Each sets up what it needs; nothing else is assumed than Python and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODEC := $(VENV)/.codec

.DEFAULT_GOAL := help
.PHONY: help setup codec codec-check codec-long codec-fuzz codec-asan wheels demo test test-fast check deploy-check format lock lock-jars sbom fuzz attack up down chaos chaos-faults chaos-memory bench bench-codec bench-growth bench-peers bench-day bench-fairness bench-deliver evaluate promtool browser screenshots clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Create the virtual environment from the hash-locked requirements

$(READY): requirements/dev.txt pyproject.toml
	@test -e /proc/self/stat || { echo "Tocsin's local stack needs Linux, and this is $$(uname -s): use a Linux machine, container or virtual machine."; exit 4; }
	@command -v $(PYTHON) >/dev/null || { echo "Tocsin needs Python 3.11 or newer, and '$(PYTHON)' was not found: install it, or say make PYTHON=/path/to/python3."; exit 4; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tocsin needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V): say make PYTHON=python3.11."; exit 4; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Tocsin needs Python's venv module, which '$(PYTHON)' lacks: on Debian, apt install python3-venv."; exit 4; }
	@echo "Setting up $(VENV), once: about 120 packages, a minute or two ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt || { echo "Installing the packages of requirements/dev.txt failed. Check that pip can reach its index from here, and run the command again: what is there is kept."; exit 4; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

codec: $(CODEC) ## Compile the codec where Rust is, once; without it Tocsin reads with fastavro

$(CODEC): $(READY) codec/Cargo.toml codec/pyproject.toml $(wildcard codec/src/*.rs)
	@command -v cargo >/dev/null || echo "No Rust toolchain (cargo) here: Tocsin reads with fastavro, which is slower and says the same."
	@! command -v cargo >/dev/null || { echo "Compiling the codec, once: about half a minute ..."; PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./codec && touch $@; } || echo "The codec could not be compiled: Tocsin reads with fastavro, which is slower and says the same."

codec-check: $(READY) ## Judge the codec's Rust and that of its fuzzing: format, clippy, its own tests
	@cd codec && cargo fmt --check && cargo clippy --quiet --release -- --deny warnings && cargo test --quiet --release
	@cd codec/fuzz && cargo fmt --check && cargo clippy --quiet -- --deny warnings

codec-long: $(CODEC) ## Hold the compiled codec against fastavro: a million records, 5,000 schemas, 500,000 mutations
	@$(BIN)/python -m tests.engines

codec-fuzz: $(READY) ## Let libFuzzer look for bytes that break the compiled codec, ten minutes a door (TARGET=decode SECONDS=600); nightly Rust
	@$(NIGHTLY)
	@$(BIN)/python -m tests.engines.fuzzing $(TARGET) --seconds $(or $(SECONDS),600)

codec-asan: $(READY) ## Run the codec's own tests while AddressSanitizer watches; nightly Rust
	@$(NIGHTLY)
	@$(BIN)/python -m tests.engines.sanitised

NIGHTLY = cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "This needs a nightly Rust toolchain and cargo-fuzz: rustup toolchain install nightly; cargo install cargo-fuzz."; exit 4; }

wheels: $(READY) requirements/wheels.txt ## Build the codec's wheel into dist/, for Python 3.11 and later and any Linux since 2014
	@command -v cargo >/dev/null || { echo "Building the codec's wheel needs a Rust toolchain (cargo): install one."; exit 4; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/wheels.txt
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/maturin build --quiet --release --zig --compatibility manylinux2014 --manifest-path codec/Cargo.toml --out dist
	@ls dist/tocsin_codec-*.whl
	@$(BIN)/python -m tests.engines.installed

demo: $(CODEC) ## Set everything up and run the main job (SERVE=1 stays up)
	@$(BIN)/tocsin demo

# Most of the time goes to waiting for processes: four files at once (tests/conftest.py), on two cores too.
test: $(CODEC) ## Set everything up and pass the tests
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## The tests that need no Kafka, PostgreSQL or registry
	@$(BIN)/pytest -m "not stack and not chaos"

check: $(READY) ## Format, lint, types and import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@echo "format, lint, types and import contracts hold"

deploy-check: $(READY) ## Judge deploy/: hadolint, yamllint, schemas of Kubernetes, Strimzi and compose, commands and flags
	@command -v kubectl >/dev/null || { echo "kubectl builds the manifests, and is not here: install it. On Debian it is in kubernetes-client."; exit 4; }
	@$(BIN)/pytest -q tests/deploying tests/architecture/test_deploy.py

format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml

PEER = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11

lock: $(READY) ## Lock the requirements with hashes, naming no registry
	@$(COMPILE) --extra dev -o requirements/dev.txt
	@$(COMPILE) -c requirements/dev.txt --extra submit -o requirements/submit.txt
	@$(COMPILE) -c requirements/dev.txt --extra receive --extra sink-directory --extra sink-database --extra sink-https -o requirements/receive.txt
	@$(COMPILE) -c requirements/dev.txt --extra receiver -o requirements/receiver.txt
	@$(COMPILE) -c requirements/dev.txt --extra ops -o requirements/ops.txt
	@$(COMPILE) -c requirements/dev.txt --extra triage -o requirements/triage.txt
	@$(COMPILE) -c requirements/dev.txt --extra build -o requirements/build.txt
	@$(COMPILE) -c requirements/dev.txt --extra wheels -o requirements/wheels.txt
	@$(COMPILE) -c requirements/dev.txt --extra fuzz -o requirements/fuzz.txt
	@$(COMPILE) -c requirements/dev.txt --extra attack -o requirements/attack.txt
	@$(PEER) benchmarks/peers/requirements/plain.in -o benchmarks/peers/requirements/plain.txt
	@$(PEER) benchmarks/peers/requirements/cavro.in -o benchmarks/peers/requirements/cavro.txt
	@$(PEER) benchmarks/peers/requirements/stock.in -o benchmarks/peers/requirements/stock.txt
	@$(PEER) benchmarks/peers/requirements/quix.in -o benchmarks/peers/requirements/quix.txt

lock-jars: $(READY) ## Lock the Java programs of the local stack, Java's Avro, Kafka Streams for the benchmark, Strimzi's classes and the ops page's uPlot, with their digests
	@$(BIN)/python -m tocsin.stack.lock_jars
	@$(BIN)/python -m tocsin.stack.lock_jars tests/engines/jars.lock org.apache.avro:avro:1.12.2 org.slf4j:slf4j-nop:2.0.17
	@$(BIN)/python -m tocsin.stack.lock_jars benchmarks/peers/streams.lock org.apache.kafka:kafka-streams:4.3.1 org.apache.avro:avro:1.12.2 org.slf4j:slf4j-nop:2.0.17
	@$(BIN)/python -m tocsin.stack.lock_jars tests/deploying/strimzi.lock io.strimzi:api:0.50.0
	@$(BIN)/python -m tocsin.stack.lock_jars tocsin/stack/watching/uplot.lock org.webjars.npm:uplot:1.6.30

sbom: $(READY) ## Write the bill of materials, CycloneDX, to dist/tocsin.cdx.json
	@$(BIN)/python -m tocsin.stack.sbom

fuzz: $(READY) requirements/fuzz.txt ## Look for bytes that break a door, ten minutes for each (SECONDS=600 TARGET=codec)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/fuzz.txt
	@$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),600)

attack: $(READY) requirements/attack.txt ## Let schemathesis ask the HTTP surfaces what their OpenAPI allows, and what not
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/attack.txt
	@$(BIN)/python -m tests.attack

evaluate: $(READY) ## Run our own cases and the generator's truth through the rules
	@$(BIN)/python -m tests.evaluation

chaos: $(READY) ## Kill everything while 20,000 reports flow, and judge what arrived (SEED=7)
	@$(BIN)/python -m tests.chaos --reports 20000 --seed $(or $(SEED),7)

chaos-faults: $(READY) ## Meet one fault after the other, and judge each (FAULT=sinks for one, SEED=7)
	@$(BIN)/python -m tests.chaos --fault $(or $(FAULT),all) --seed $(or $(SEED),7)

chaos-memory: $(READY) ## Send a million reports through one exchange, and see whether memory stays flat (REPORTS=1000000)
	@$(BIN)/python -m tests.chaos.memory --reports $(or $(REPORTS),1000000) --seed $(or $(SEED),7)

bench: $(CODEC) ## Measure the worker beside a plain loop and stock Faust (about 7 minutes)
	@$(BIN)/python -m benchmarks

bench-codec: $(CODEC) ## Measure the codec alone beside fastavro, cavro and Java, the job with each engine, and pass-through beside Kafka Streams
	@$(BIN)/python -m benchmarks.codec

bench-growth: $(CODEC) ## Measure throughput as partitions, selectors, members and workers grow, into docs/performance (about half an hour)
	@$(BIN)/python -m benchmarks.growth

bench-peers: $(CODEC) ## Measure Tocsin beside stock Faust, a plain loop and Quix Streams at the same job, into docs/performance
	@$(BIN)/python -m benchmarks.peers

bench-fairness: $(CODEC) ## Let one member publish everything at once, and see how long nine others wait (REPORTS=200000)
	@$(BIN)/python -m benchmarks.fairness --reports $(or $(REPORTS),200000)

bench-day: $(CODEC) ## Publish as many reports as CyberTipline takes in a day, and time them to the last sink (REPORTS=60000)
	@$(BIN)/python -m benchmarks.day --reports $(or $(REPORTS),60000)

bench-deliver: $(CODEC) ## Measure what one delivery costs a member's process in CPU, without a broker, into docs/performance (DELIVERIES=1000)
	@$(BIN)/python -m benchmarks.deliver --deliveries $(or $(DELIVERIES),1000)

# $(1): programs that a test needs; $(2): Debian's packages that have them.
FROM_DEBIAN = for one in $(1); do command -v $$one >/dev/null || missing=$$one; done; [ -z "$$missing" ] || { command -v apt-get >/dev/null || { echo "$$missing comes from Debian's packages, and apt-get is not here: tests that need it are skipped."; exit 0; }; \
		apt-get update -qq && apt-get install -qq --yes --no-install-recommends $(2) >/dev/null || echo "$$missing could not be installed: tests that need it are skipped."; }

promtool: ## Install Prometheus and Alertmanager, with whose programs tests check metrics, rules and routes (Debian and its kin, as root)
	@$(call FROM_DEBIAN,promtool amtool,prometheus prometheus-alertmanager)

browser: ## Install Chromium, in which tests look at the ops page (Debian and its kin, as root)
	@$(call FROM_DEBIAN,chromium,chromium)

screenshots: $(READY) ## Take the pictures in docs/images of a real run (needs make promtool browser)
	@mkdir -p docs/images
	@TOCSIN_SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/pytest -q tests/integration/test_watching.py

up: $(READY) ## Start the local stack and leave it running
	@$(BIN)/tocsin up

down: $(READY) ## Stop the local stack
	@$(BIN)/tocsin down

clean: ## Remove the virtual environment and the local stack's state
	@if [ -x $(BIN)/tocsin ] && [ -d .tocsin ]; then $(BIN)/tocsin down; fi
	@rm -rf $(VENV) .tocsin
