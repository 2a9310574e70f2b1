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
PIP := $(BIN)/python -m pip --disable-pip-version-check
JB := $(BIN)/jupyter-book build . -n -W --keep-going
export PYTHONHASHSEED := 0
export LVM_SOLUTIONS := $(SOLUTIONS)

.PHONY: help book test lint execute chapter serve lab bundle audit bench colab release pins clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

book: $(VENV)/build.stamp ## build the book: installs, runs the chapters, writes _build/html (SOLUTIONS=no leaves solutions out)
	@$(JB)
	@echo "The book is at $(CURDIR)/_build/html/index.html"

test: $(VENV)/test.stamp node_modules/.stamp ## run every test: library, identities, chapters (nbval), pages in a browser
	@$(BIN)/python -m tools.lint
	@$(JB) --quiet
	@$(BIN)/python -m tools.need_browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval --nbval-cell-timeout=300 -n 2 --dist loadscope tests book

lint: $(VENV)/test.stamp node_modules/.stamp ## hold every file to layout, lint and types: ruff, mypy, biome, tsc
	@$(BIN)/python -m tools.lint

execute: $(VENV)/build.stamp ## run chapters and write their outputs (CHAPTER=elbo for one)
	@$(BIN)/python -m tools.chapters $(CHAPTER)

chapter: $(VENV)/build.stamp ## rebuild one page: make chapter CHAPTER=elbo
	@test -n "$(CHAPTER)" || { echo "name a chapter: make chapter CHAPTER=elbo"; exit 2; }
	@LVM_CHAPTER=$(CHAPTER) $(JB) --quiet
	@echo "$(CURDIR)/_build/html/book/$(CHAPTER).html"

serve: ## serve the built book at http://localhost:8000 (PORT=...)
	@$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: $(VENV)/lab.stamp ## open the chapters in JupyterLab
	@PYTHONPATH="$(CURDIR)" $(BIN)/jupyter lab --notebook-dir=book

bundle: node_modules/.stamp ## rebuild the live figures' JavaScript (needs Node.js)
	@node js/build.mjs

audit: $(VENV)/test.stamp node_modules/.stamp ## measure the built pages: Lighthouse, bytes, frames (QUICK=yes: one run; FRAMES=yes: frames alone; PAGES="elbo intro")
	@$(BIN)/python -m tools.audit $(if $(QUICK),--quick) $(if $(FRAMES),--frames) $(if $(PAGES),--pages $(PAGES))

colab: $(VENV)/build.stamp ## run chapters as a copy on Colab does, in an imitation of it (CHAPTER=elbo for one)
	@$(BIN)/python -m tools.colab $(CHAPTER)

release: book ## pack the built book into one archive and tag its version; pushes nothing
	@$(BIN)/python -m tools.release

bench: $(VENV)-bench/stamp ## time this library, its peers, the book's build: 15 minutes (ROWS="ppca vae" for some)
	@$(BENCH)/python -m benchmarks $(ROWS)

pins: $(VENV)/build.stamp ## resolve requirements*.txt anew from pyproject.toml
	@$(BIN)/python -m tools.pin

clean: ## remove what was built; keeps the virtual environment
	@rm -rf _build

$(VENV)/build.stamp: requirements.txt
	@echo "installing the pinned build into $(VENV) (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --no-deps --retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(shell grep '^torch==' requirements.txt)
	@$(PIP) install --quiet -r requirements.txt
	@touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/build.stamp
	@$(PIP) install --quiet -r requirements-test.txt
	@touch $@

$(VENV)/lab.stamp: requirements-lab.txt $(VENV)/build.stamp
	@$(PIP) install --quiet -r requirements-lab.txt
	@touch $@

# The peers live in an environment of their own, which sees the book's packages behind them.
$(VENV)-bench/stamp: requirements-bench.txt $(VENV)/test.stamp
	@echo "installing the peers into $(VENV)-bench"
	@test -x $(BENCH)/python || $(PYTHON) -m venv $(VENV)-bench
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$($(BENCH)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/book.pth"
	@$(BENCH)/python -m pip --disable-pip-version-check install --quiet -r requirements-bench.txt
	@touch $@

node_modules/.stamp: package-lock.json
	@$(PYTHON) tools/need_node.py && npm ci --silent --no-audit --no-fund && touch $@ || test -z "$$CI"
