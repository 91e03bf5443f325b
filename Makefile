# make run    the environment, the install, and the app in the browser
# make test   the same set-up, then the linter, the types and all tests but the longest
# make check  the linter, the types and the fast tests: before each commit
# make soak   what takes minutes: several processes, killed processes, trainings to their end

PYTHON ?= python3
READY = .venv/.ready
RUN = .venv/bin/python -m

run: $(READY)
	$(RUN) streamlit run app.py

test: $(READY) lint
	$(RUN) pytest

check: $(READY) lint
	$(RUN) pytest -m "not slow and not soak"

soak: $(READY)
	$(RUN) pytest -m soak
	$(RUN) pytest -n 0 tests/soak

lint: $(READY)
	$(RUN) ruff check .
	$(RUN) mypy

$(READY): requirements.txt requirements-app.txt
	@$(PYTHON) -c 'import sys; found = sys.version_info[:2]; (3, 11) <= found < (3, 14) or sys.exit(\
		"Autoencoder Lab needs Python 3.11, 3.12 or 3.13 (TensorFlow has no release for others), and $(PYTHON) is %d.%d. \
	Name another: make PYTHON=python3.13" % found)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.PHONY: run test check soak lint
