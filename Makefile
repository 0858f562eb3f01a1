# Shortcuts; each target works in a fresh clone. PYTHON names the interpreter that .venv is made with.
PYTHON ?= python3

.PHONY: setup run test lint bench docs

setup: .venv/installed

.venv/installed: requirements.txt tests/requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q -r requirements.txt -r tests/requirements.txt
	touch $@

run: setup
	.venv/bin/streamlit run app.py

test: setup
	.venv/bin/python -m pytest -n 2 --dist loadfile

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup
	.venv/bin/python -m tests.benchmarks.car_park
	.venv/bin/python -m tests.benchmarks.live_training
	.venv/bin/python -m tests.benchmarks.ui_latency
	.venv/bin/python -m tests.benchmarks.classroom
	.venv/bin/python -m tests.benchmarks.lesson
	.venv/bin/python -m tests.benchmarks.losses
	.venv/bin/python -m tests.benchmarks.landscape

docs: setup
	.venv/bin/python -m tools.architecture
	.venv/bin/python -m tools.imagery_tables
