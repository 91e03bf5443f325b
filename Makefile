# make run    the environment, the install, and the app in the browser; what only Train needs is installed meanwhile
# make test   the same set-up, then the linter, the types and all tests but the longest
# make check  the linter, the types and the fast tests: before each commit
# make soak   what takes minutes: several processes, killed processes, trainings to their end

PYTHON ?= python3
APP = .venv/.app
READY = .venv/.ready
RUN = .venv/bin/python -m
INSTALL = $(RUN) pip install --disable-pip-version-check

run: $(APP)
	@$(MAKE) --question $(READY) || \
		($(INSTALL) -r requirements.txt >.venv/installing 2>&1 && touch $(READY) && rm .venv/installing) &
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

$(APP): requirements-app.txt
	@$(PYTHON) -c 'import sys; found = sys.version_info[:2]; (3, 11) <= found < (3, 14) or sys.exit(\
		"Autoencoder Lab needs Python 3.11, 3.12 or 3.13 (TensorFlow has no release for others), and $(PYTHON) is %d.%d. \
	Name another: make PYTHON=python3.13" % found)'
	$(PYTHON) -m venv .venv
	$(INSTALL) --quiet -r requirements-app.txt
	touch $@

$(READY): $(APP) requirements.txt
	$(INSTALL) --quiet -r requirements.txt
	rm -f .venv/installing
	touch $@

.PHONY: run test check soak lint
