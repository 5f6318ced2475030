# Holdfast. `make` lists the verbs. Paths are relative, so that the directory may have a space in its name.

.DEFAULT_GOAL := help
.PHONY: help install install-dev lock run demo cluster bench bench-quick bench-guard bench-browser bench-tabs machines chaos alerts churn jitter restore-drill upgrade-test test-more test test-slow test-bundle test-fast test-host bundle lint format types imports js migrations check-deploy messages screenshots bench-open bench-size bench-broadcast bench-hostile bench-admin bench-locked bench-sealing clean
.NOTPARALLEL:

PORT ?= 8000
export PORT
NODES ?= 3
WEB ?= 1
CLUSTER_PORT = $(if $(filter file,$(origin PORT)),8080,$(PORT))

PYTHON_DIRECTORIES := manage.py holdfast realtime chat notifications tests
# The suites that touch no database, or bring one of their own: a second run on PostgreSQL would only repeat them.
WITHOUT_DATABASE := tests/protocol tests/browser tests/architecture tests/operation tests/cluster tests/chaos tests/bench tests/host
# The suites that start server processes or a browser.
SLOW := tests/browser tests/conformance tests/operation tests/cluster tests/chaos tests/host

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: ## Make .venv with what the server needs
	@.ci/venv requirements.txt
	@mkdir -p -m 700 var
	@test -e var/.env || (umask 077; printf '%s\n' '# Settings of this checkout. The environment wins over them; docs/operations.md lists them.' 'DEBUG=true' > var/.env)

install-dev: install
	@.ci/venv requirements-dev.txt

# Versions stay as they are where nothing asks for another. `UPGRADE=1` takes the newest of those that requirements*.in leave open.
LOCK := pip compile --universal --python-version 3.11 --generate-hashes
lock: install-dev ## Write requirements*.txt from requirements*.in: every package with its hashes; UPGRADE=1 for newer ones
	@.venv/bin/uv --quiet $(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.txt requirements.in
	@.venv/bin/uv --quiet $(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements-dev.txt requirements-dev.in

run: demo ## Start Holdfast with demo rooms and accounts on PORT=8000
	@exec .venv/bin/python manage.py serve

demo: install ## Make the database, the static files and the demo, without starting
	@.venv/bin/python manage.py migrate --verbosity 0
	@.venv/bin/python manage.py collectstatic --no-input --verbosity 0
	@.venv/bin/python manage.py demo

cluster: install-dev ## Start PostgreSQL, Redis, nginx and nodes on this machine: NODES=3 WEB=1 PORT=8080
	@.ci/services cluster
	@exec .venv/bin/python -m tests.support.make_cluster --nodes $(NODES) --web $(WEB) --port $(CLUSTER_PORT)

machines: install-dev ## Try a cluster of several machines, made of network namespaces; needs root
	@.ci/services cluster
	@.venv/bin/python -m tests.support.machines

chaos: install-dev ## Break a cluster in every way while people talk: SEED=7 MINUTES=10 CLIENTS=100 BROKER=sentinels; needs root; the report is in var/chaos
	@.ci/services cluster
	.venv/bin/python -m tests.chaos.run $(if $(SEED),--seed $(SEED)) --minutes $(or $(MINUTES),10) --clients $(or $(CLIENTS),100) $(if $(BROKER),--broker $(BROKER))

alerts: install-dev ## Break a cluster beside a real Prometheus: do the shipped alerts fire? ONLY="stop Redis" REST=360; installs it
	@.ci/services cluster
	@command -v prometheus >/dev/null || .ci/apt "The alerts are tried with Prometheus" prometheus
	.venv/bin/python -m tests.monitoring.run --rest $(or $(REST),60) $(if $(ONLY),--only "$(ONLY)")

jitter: install-dev ## Let the network of all clients jitter: CLIENTS=2000 SECONDS=120; the report is in var/jitter
	@.ci/services cluster
	.venv/bin/python -m tests.chaos.jitter --clients $(or $(CLIENTS),2000) --seconds $(or $(SECONDS),120)

churn: install-dev ## Open and close sockets, and look at the memory: SOCKETS=200000; the report is in var/churn
	@.ci/services cluster
	.venv/bin/python -m tests.chaos.churn --sockets $(or $(SOCKETS),200000)

restore-drill: install-dev ## Back up a site in use, destroy its data, restore it, and say what was lost: WAY=point-in-time, dump or sqlite
	@.ci/services
	@.venv/bin/python -m tests.drills.restore $(WAY)

upgrade-test: install-dev ## Upgrade a cluster node by node while people post: REF=v0.1.0; default: from the last two releases
	@.ci/services cluster
	@.venv/bin/python -m tests.drills.upgrade $(if $(REF),--ref $(REF))

test-more: install-dev ## Test with Sentinels, RabbitMQ, PgBouncer, the packages for traces, and the alert rules with promtool; installs them
	@.ci/services cluster
	@command -v rabbitmq-server >/dev/null || .ci/apt "This test needs RabbitMQ" rabbitmq-server
	@command -v pgbouncer >/dev/null || .ci/apt "This test needs PgBouncer" pgbouncer
	@command -v promtool >/dev/null || .ci/apt "The alert rules are tested with promtool" prometheus
	@.ci/extras
	.venv/bin/python -m pytest -q tests/cluster/sentinel.py tests/cluster/rabbitmq.py tests/cluster/pgbouncer.py
	PYTHONPATH=var/extras .venv/bin/python -m pytest -q tests/operation/tracing.py
	promtool check config docs/monitoring/prometheus.yml
	promtool test rules docs/monitoring/alerts_test.yml

PYTEST := .venv/bin/python -m pytest -q
# Several files at a time, each in one process. Where a suite waits for servers and pages, a third has the processor meanwhile.
TWO := -n 2 --dist loadfile
THREE := -n 3 --dist loadfile
# Suites with real clusters, whose promises are about seconds: with nothing else, and the longest first. (`make chaos` and `make jitter`
# run for longer, and report.)
TIMED := tests/chaos tests/cluster
# The tests of a project that is not ours run on the wheel.
HOST := HOST_PYTHON="$(CURDIR)/var/host/bin/python"

# The pure core to its last branch; what uses the database on PostgreSQL; everything that starts no server on SQLite; the browser, whose
# driver keeps a loop in the main thread, with servers on SQLite; the clusters.
test: install-dev ## Check and test everything; installs the services that the tests need
	@.ci/services
	@$(MAKE) --no-print-directory lint types imports js migrations
	$(PYTEST) $(TWO) tests/protocol --cov=realtime.protocol --cov-branch --cov-report=term --cov-fail-under=100
	.venv/bin/python -m tests.support.postgres -- $(PYTEST) $(THREE) $(WITHOUT_DATABASE:%=--ignore=%)
	@.ci/host
	$(HOST) $(PYTEST) $(THREE) -m "not postgresql and not process" --ignore=tests/protocol --ignore=tests/browser --ignore=tests/conformance $(TIMED:%=--ignore=%)
	$(PYTEST) $(THREE) tests/browser
	$(PYTEST) $(TWO) --no-loadscope-reorder $(TIMED)

test-slow: install-dev ## The browser tests behind a slow and uneven network, then on a slow processor, and each page at every size: half an hour of late answers and late scripts
	@.ci/services
	TEST_NETWORK=slow $(PYTEST) $(THREE) tests/browser
	TEST_PROCESSOR=slow $(PYTEST) $(TWO) tests/browser
	TEST_LAYOUT=whole $(PYTEST) tests/browser/test_layout.py

test-bundle: install-dev ## The browser tests on the bundle, as a release has it
	@.ci/services
	TEST_BUNDLE=1 $(PYTEST) $(THREE) tests/browser

test-fast: install-dev ## The tests that need no service and no server process
	@.venv/bin/python -m pytest -q -x -m "not postgresql and not process" $(SLOW:%=--ignore=%)

test-host: install-dev ## Install the wheel into an environment of its own, and run a project that is not ours with it
	@.ci/host
	$(HOST) $(PYTEST) tests/host

bundle: install ## Put the scripts and stylesheets of a release together in dist/, with esbuild; for servers, never for development
	@.ci/bundle

BIOME := var/npm/node_modules/.bin/biome check --error-on-warnings

lint: install-dev ## Style and formatting: ruff for Python, Biome for JavaScript and CSS
	@.ci/services npm
	.venv/bin/python -m ruff check $(PYTHON_DIRECTORIES)
	.venv/bin/python -m ruff format --check $(PYTHON_DIRECTORIES)
	$(BIOME)

format: install-dev ## Let ruff and Biome repair what they can
	@.ci/services npm
	.venv/bin/python -m ruff check --fix $(PYTHON_DIRECTORIES)
	.venv/bin/python -m ruff format $(PYTHON_DIRECTORIES)
	$(BIOME) --write

types: install-dev ## mypy, strict
	.venv/bin/python -m mypy

imports: install-dev ## import-linter: who may import whom
	.venv/bin/python .venv/bin/lint-imports --cache-dir var/import-linter

js: install-dev ## Types and tests of the JavaScript
	@.ci/services npm
	node var/npm/node_modules/typescript/bin/tsc --project tests/js/tsconfig.json
	.ci/node-test

migrations: install-dev ## Is every change of a model in a migration?
	@.venv/bin/python -m django makemigrations --check --dry-run --settings tests.settings

bench: bench-install ## Measure Holdfast beside others: CELL=fanout-500,idle-5000 RUNS=5; writes docs/benchmarks
	.venv/bin/python -m tests.bench --cell "$(CELL)" --runs $(or $(RUNS),5)

bench-quick: bench-install ## The same in two minutes, without a record
	.venv/bin/python -m tests.bench --quick --cell "$(CELL)"

bench-guard: bench-install ## Has the cost of anything moved since the last record, as a ratio to stock Channels?
	.venv/bin/python -m tests.bench --guard

bench-browser: install-dev ## Measure how smooth the page is, in Chromium; writes docs/benchmarks/browser.md
	@.ci/services
	.venv/bin/python -m tests.browser.bench

bench-open: install-dev ## Measure a first visit over slow networks, with the bundle and with the sources: RUNS=5; writes docs/benchmarks/open.md
	@.ci/services
	.venv/bin/python -m tests.browser.bench_open --runs $(or $(RUNS),5)

bench-hostile: install-dev ## Measure what one hostile account costs everybody else on a node; prints a table for docs/benchmarks/hostile.md
	.venv/bin/python -m tests.bench.hostile

bench-locked: install-dev ## Measure posts in other rooms while one room is locked for a minute, and fail above 1 s; for docs/benchmarks/chaos.md
	@.ci/services cluster
	.venv/bin/python -m tests.bench.locked

bench-tabs: install-dev ## Measure what a connection for each tab would cost; writes docs/benchmarks
	@.ci/services
	.venv/bin/python -m tests.browser.bench_tabs

bench-admin: install-dev ## Measure the pages of moderators on a large site, and fail above 100 ms a query; writes docs/benchmarks/admin.md
	@.ci/services cluster
	.venv/bin/python -m tests.bench.admin_pages

bench-size: install-dev ## Measure the bytes of a stored message and what removing it costs; writes docs/benchmarks/storage.md
	@.ci/services
	.venv/bin/python -m tests.bench.storage

bench-sealing: install-dev ## Measure what numbers at the COMMIT cost, with and without stream triggers; writes docs/benchmarks/sealing.md
	@.ci/services
	.venv/bin/python -m tests.bench.sealing

bench-broadcast: install-dev ## Measure how long a post takes while a broadcast goes to 50,000 people, on SQLite
	.venv/bin/python -m tests.bench.broadcasting

.PHONY: bench-install
bench-install: install-dev
	@.ci/bench

messages: install-dev ## Gather and compile the texts of all languages
	@.ci/messages

check-deploy: install ## Django's deployment checks, with settings as in production
	@.ci/check-deploy

screenshots: install-dev ## Make the pictures of the documents
	@.ci/services
	@fc-list | grep -qi emoji || .ci/apt "The pictures show emoji" fonts-noto-color-emoji fontconfig
	.venv/bin/python -m tests.browser.screenshots

clean: ## Remove .venv and var: the database and its demo rooms too
	rm -rf .venv var
