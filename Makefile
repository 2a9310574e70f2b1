# Two commands matter: `make book` and `make test`. Both work from a bare clone. `make help` lists the rest.
PYTHON ?= python3
# A CPU build of torch; on Linux the default package index would bring several GB of CUDA. Empty: the default index.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PORT ?= 8000
SOLUTIONS ?= yes
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
BENCH := $(subst $(VENV),$(VENV)-bench,$(BIN))
# Errors are shown; warnings, a flood where an index cannot be reached, are not.
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
JB := $(BIN)/jupyter-book build . -n -W --keep-going
# Three processes on two cores, since browsers and kernels wait; a file each: a chapter is one kernel, and its cells come in order (see conftest.py).
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder --max-worker-restart=1
export PYTHONHASHSEED := 0
# Threads that wait sleep: beside other programs a chapter is then several times faster (CONTRIBUTING.md, "Threads").
export OMP_WAIT_POLICY ?= PASSIVE
# A chapter runs with one thread, its stored run and its tests alike, and the tests run two chapters side by side.
book test quick execute chapter colab elsewhere experiments: export OMP_NUM_THREADS ?= 1
# In `make test` their nets start a hair's breadth elsewhere, by a seed made from the commit and printed (tools/perturb.py).
test: export LVM_PERTURB ?= $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 && echo commit || echo 0)
export LVM_SOLUTIONS := $(SOLUTIONS)

.PHONY: help book test quick lint execute chapter experiments elsewhere serve lab bundle audit bench colab address class grade pdf release pins clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

book: $(VENV)/build.stamp ## build the book from its stored runs: installs, writes _build/html (SOLUTIONS=no leaves solutions out)
	@$(JB)
	@echo "The book is at $(CURDIR)/_build/html/index.html"

test: $(VENV)/test.stamp node_modules/.stamp ## run every test: library, identities, chapters (nbval), pages in a browser
	@$(BIN)/python -m tools.lint
	@$(BIN)/python -m tools.chapters --stale
	@$(JB) --quiet
	@$(BIN)/python -m tools.need_browser
	$(PYTEST) --nbval --durations=20 book tests

quick: $(VENV)/test.stamp ## the tests of a contributor's loop: library, identities and chapters as files, without the slow ones
	@$(BIN)/python -m tools.lint
	@$(PYTEST) -m "not slow" tests/library tests/identities tests/notebooks/test_stored_notebooks.py

lint: $(VENV)/test.stamp node_modules/.stamp ## hold every file to layout, lint and types: ruff, mypy, biome, tsc
	@$(BIN)/python -m tools.lint

execute: $(VENV)/build.stamp ## run chapters and store their runs (CHAPTER=elbo: one; KEEP=yes: keep what a run is worth; CHECK=yes: only compare)
	@$(BIN)/python -m tools.chapters $(if $(filter yes,$(KEEP)),--keep) $(if $(filter yes,$(CHECK)),--check) $(CHAPTER)

experiments: $(VENV)/build.stamp ## run what takes longer than a chapter may, where stale, and store it (NAME=...: this one; KEEP=yes)
	@$(BIN)/python -m tools.experiments $(if $(filter yes,$(KEEP)),--keep) $(NAME)

elsewhere: $(VENV)/test.stamp ## run chapters as other machines would, and log the room of their claims (CHAPTER=vae for one)
	@$(BIN)/python -m tools.elsewhere $(CHAPTER)

chapter: $(VENV)/build.stamp ## rebuild one page: make chapter CHAPTER=elbo
	@test -n "$(CHAPTER)" || { echo "name a chapter: make chapter CHAPTER=elbo"; exit 2; }
	@LVM_CHAPTER=$(CHAPTER) $(JB) --quiet
	@echo "$(CURDIR)/_build/html/book/$(CHAPTER).html"

serve: ## serve the built book at http://localhost:8000 (PORT=...)
	@"$(PYTHON)" -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: $(VENV)/lab.stamp ## open the chapters in JupyterLab (from a container: LAB="--ip=0.0.0.0 --no-browser")
	@PYTHONPATH="$(CURDIR)" $(BIN)/jupyter lab --notebook-dir=book $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

bundle: node_modules/.stamp ## rebuild the live figures' JavaScript (needs Node.js)
	@node js/build.mjs

audit: $(VENV)/test.stamp node_modules/.stamp ## measure the built pages: Lighthouse, bytes, frames (QUICK=yes: one run; FRAMES=yes: frames alone; PAGES="elbo intro")
	@$(BIN)/python -m tools.audit $(if $(QUICK),--quick) $(if $(FRAMES),--frames) $(if $(PAGES),--pages $(PAGES))

colab: $(VENV)/build.stamp ## run chapters as a copy on Colab does, in an imitation of it (CHAPTER=elbo for one)
	@$(BIN)/python -m tools.colab $(CHAPTER)

address: $(VENV)/build.stamp ## write the book's address into settings and notebooks (URL=https://github.com/you/book; else that of origin)
	@$(BIN)/python -m tools.address $(if $(URL),'$(URL)')

class: $(VENV)/build.stamp ## what an instructor hands out, in _build/class: student and solution notebooks, wheel, pages without solutions
	@rm -rf _build/html _build/.doctrees _build/jupyter_execute
	@LVM_SOLUTIONS=no $(JB) --quiet
	@$(BIN)/python -m tools.handout

grade: $(VENV)/build.stamp ## grade what a class handed in: make grade FOLDER=... (FULL=yes: what trains, too; JOBS=2)
	@test -n '$(FOLDER)' || { echo "name a folder: make grade FOLDER=handed-in"; exit 2; }
	@$(BIN)/python -m tools.grade '$(FOLDER)' $(if $(filter yes,$(FULL)),--full) $(if $(JOBS),--jobs $(JOBS))

pdf: $(VENV)/test.stamp book ## print the built book as one PDF (needs Chromium; PAGES="elbo notation": these alone)
	@$(BIN)/python -m tools.pdf $(PAGES)

release: $(VENV)/build.stamp ## pack the built book into one archive and tag its version; pushes nothing
	@$(BIN)/python -m tools.release --check
	@$(JB)
	@$(BIN)/python -m tools.release

bench: $(VENV)-bench/stamp ## time this library, its peers, the book's build: 15 minutes (ROWS="ppca vae" for some)
	@$(BENCH)/python -m benchmarks $(ROWS)

pins: $(VENV)/build.stamp ## resolve requirements*.txt anew from pyproject.toml
	@$(BIN)/python -m tools.pin

clean: ## remove what was built; keeps the virtual environment
	@rm -rf _build build dist
	@test ! -e $(VENV) || echo "removed what was built; the installed packages stay in $(VENV) (rm -rf $(VENV) has them installed anew)"

# An environment is finished when its stamp is there. One that is not, or whose Python is gone or too old, is made anew.
$(VENV)/build.stamp: requirements.txt
	@if ! test -e $@ || ! $(BIN)/python tools/need_python.py 2>/dev/null; then \
	  command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is not here: name a Python, as in make book PYTHON=python3.12" >&2; exit 1; }; \
	  "$(PYTHON)" tools/need_python.py || exit 1; \
	  test ! -e $(VENV) || echo "the environment in $(VENV) was never finished: making it anew"; \
	  rm -rf $(VENV) && "$(PYTHON)" -m venv $(VENV); \
	fi
	@echo "installing the pinned build into $(VENV) (a few minutes the first time)"
	@$(PIP) install --no-deps --retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(shell grep '^torch==' requirements.txt)
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/test.stamp: requirements-test.txt requirements-nbgrader.txt $(VENV)/build.stamp
	@$(PIP) install -r requirements-test.txt
	@$(PIP) install --no-deps --upgrade --target $(VENV)/nbgrader -r requirements-nbgrader.txt
	@touch $@

$(VENV)/lab.stamp: requirements-lab.txt $(VENV)/build.stamp
	@$(PIP) install -r requirements-lab.txt
	@touch $@

# The peers live in an environment of their own, which sees the book's packages behind them.
$(VENV)-bench/stamp: requirements-bench.txt $(VENV)/test.stamp
	@echo "installing the peers into $(VENV)-bench"
	@test -e $@ || { rm -rf $(VENV)-bench && $(BIN)/python -m venv $(VENV)-bench; }
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$($(BENCH)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/book.pth"
	@$(subst $(BIN),$(BENCH),$(PIP)) install -r requirements-bench.txt
	@touch $@

node_modules/.stamp: package-lock.json
	@"$(PYTHON)" tools/need_node.py && npm ci --silent --no-audit --no-fund && touch $@ || test -z "$$CI"
