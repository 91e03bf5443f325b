# make run    the environment, the install, and the app in the browser
# make test   the same set-up, then the linter and all tests

PYTHON ?= python3
READY = .venv/.ready

run: $(READY)
	.venv/bin/python -m streamlit run app.py

test: $(READY)
	.venv/bin/python -m ruff check .
	.venv/bin/python -m pytest

$(READY): requirements.txt requirements-app.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.PHONY: run test
