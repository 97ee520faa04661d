# From a clean clone every target sets up what it needs: Python 3.11 or later and a package index are enough.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv-base/.ready ## read the synthetic studies that ship with the package, and show what a site would get
	@.venv-base/bin/pneumoscope demo

test: .venv/.ready ## run the tests, warnings as errors
	@.venv/bin/pytest -q -n 2 --dist worksteal

fuzz: .venv/.ready ## read 20,000 mutated files: no crash, no hang, memory bounded
	@PNEUMOSCOPE_FUZZ=20000 .venv/bin/pytest -q -s tests/intake/test_fuzz.py

check: .venv/.ready ## format, lint, types, import order, repository size
	@scripts/check

model: .venv/.ready ## train, export and measure the shipped model (hours on a CPU; needs PNEUMOSCOPE_DATA and _WEIGHTS)
	@.venv/bin/pneumoscope pretrain -o runs/pretraining
	@.venv/bin/pneumoscope train --preset default -o runs/adults
	@.venv/bin/pneumoscope train --preset children -o runs/children
	@.venv/bin/pneumoscope train --preset lungs -o runs/lungs
	@.venv/bin/pneumoscope export runs/adults runs/children --lungs runs/lungs -o src/pneumoscope/model/pneumonia.onnx
	@RUNS="runs/adults runs/children" PRETRAINING=runs/pretraining scripts/evidence model

# Release 0.4.0, whose members the next reader goes on from.
runs/reader/0.4.0.onnx:
	@mkdir -p $(@D)
	@git show 875351f:src/pneumoscope/model/pneumonia.onnx >$@.partial && mv $@.partial $@

reader: .venv/.ready runs/reader/0.4.0.onnx ## train the next reader from all image folders and export it to runs/reader; goes on where it was
	@[ -d runs/lungs ] || .venv/bin/pneumoscope train --preset lungs -o runs/lungs
	@.venv/bin/python -m pneumoscope.training.reader $${PNEUMOSCOPE_DATA:-../shared/data} runs/reader --lungs runs/lungs

evidence: .venv/.ready ## measure the shipped model and the CheXNet reproduction again, and draw the pages (needs PNEUMOSCOPE_DATA)
	@scripts/evidence

ablations: .venv/.ready ## train variants of the preset and compare them on validation patients (an hour on a CPU core; goes on where it was)
	@.venv/bin/pneumoscope ablate --data $${PNEUMOSCOPE_DATA:-../shared/data} $(ABLATE)
	@.venv/bin/python -m pneumoscope.evaluation docs/explanation/ablations.md.jinja evidence/ablations >docs/explanation/ablations.md.partial
	@mv docs/explanation/ablations.md.partial docs/explanation/ablations.md

EVIDENCE ?= $(lastword $(sort $(wildcard evidence/[0-9]*)))

databases: .venv/.ready ## describe the newest release's images, for the submission (needs PNEUMOSCOPE_DATA)
	@.venv/bin/pneumoscope dossier databases --data $${PNEUMOSCOPE_DATA:-../shared/data} --release $(EVIDENCE)

dossier: .venv/.ready ## run the tests of the requirements, build the submission from the newest evidence, verify it
	@mkdir -p runs
	@.venv/bin/pytest -q -m req -n 2 --junitxml=runs/requirements.xml
	@.venv/bin/pneumoscope dossier results runs/requirements.xml
	@.venv/bin/pneumoscope dossier --evidence $(EVIDENCE)
	@.venv/bin/pneumoscope dossier verify

requirements: .venv/.ready ## break the code of each requirement once and see its tests fail (an hour; goes on where it was)
	@.venv/bin/python scripts/requirements $(REQUIREMENTS)

studies: .venv/.ready ## draw the demo's synthetic studies again
	@PYTHONPATH=tools .venv/bin/python -m synthetic_studies

site: .venv/.ready ## build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

scale: .venv/.ready ## measure what one image costs, and write docs/explanation/scale.md
	@.venv/bin/python -m benchmarks.unit_costs

pictures: .venv/.ready ## draw the README's picture again from the synthetic studies (needs Chromium)
	@.venv/bin/python scripts/pictures.py

man: .venv/.ready ## write the man page into dist/man
	@.venv/bin/python scripts/manual.py man dist/man

release: .venv/.ready ## build wheel and sdist with checksums, signed where PNEUMOSCOPE_SIGNING_KEY names a key
	@scripts/release

bench: .venv/.ready .venv-bench/.ready ## measure against named peers, by turns, and write the report (half an hour on a quiet machine)
	@.venv/bin/python -m benchmarks.bench

benchread: .venv-base/.ready .venv-bench/.ready ## time reading alone against a torchxrayvision user's script, with memory
	@.venv-base/bin/python benchmarks/read_speed.py

benchreport: .venv/.ready .venv-eda/.ready ## time the exploratory report against ydata-profiling
	@.venv/bin/python benchmarks/eda_speed.py

benchcache: .venv/.ready ## time the image cache against decoding (needs PNEUMOSCOPE_DATA)
	@.venv/bin/python benchmarks/cache_speed.py

mutate: .venv/.ready .venv-mutation/.ready ## mutate stats, intake and reading, or MODULES="stats/roc"; count what the tests notice (hours)
	@scripts/mutate $(MODULES)

faults: .venv/.ready ## kill the node at random under load, count what was lost, draw docs/explanation/faults.md (half an hour)
	@.venv/bin/python -m benchmarks.faults

load: .venv/.ready ## load on the node beside DCMTK and Orthanc, drawn into docs/explanation/faults.md (a quarter of an hour)
	@.venv/bin/python -m benchmarks.node_load

clean: ## remove the environments, caches and builds
	rm -rf .tools .venv .venv-base .venv-bench .venv-eda .venv-mutation .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# One environment each; built again when what it is built from has changed.
.venv-base/.ready: uv.lock pyproject.toml scripts/setup
	@scripts/setup base
	@touch $@

.venv/.ready: uv.lock pyproject.toml scripts/setup
	@scripts/setup dev
	@touch $@

.venv-bench/.ready: uv.lock benchmarks/requirements.txt scripts/setup
	@scripts/setup bench
	@touch $@

.venv-mutation/.ready: scripts/setup
	@scripts/setup mutation
	@touch $@

.venv-eda/.ready: benchmarks/requirements-eda.txt
	@scripts/setup eda
	@touch $@
