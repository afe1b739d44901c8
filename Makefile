# make demo: everything needed, then the default study to its figures.
# make test: everything needed, then the tests.
# within the quota of a container too, which nproc does not know
CORES ?= $(shell .venv/bin/python -m fourlenses.core.machine.cores 2>/dev/null || nproc 2>/dev/null || echo 2)
# of a container or a job: jobs run at a time as fit into it
MEMORY_MB = $(shell .venv/bin/python -m fourlenses.core.machine.memory 2>/dev/null)
RESOURCES = $(if $(MEMORY_MB),--resources downloads=1 gpu=1 mem_mb=$(MEMORY_MB))
SNAKEMAKE = .venv/bin/snakemake
# the doctor is to run where set-up has failed; not called PYTHON, which set-up takes from the user
DOCTORS_PYTHON = $(shell [ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)

# container images set it: every job would then compile the Python of all that it imports, over 2 s
# of a core for torch alone
unexport PYTHONDONTWRITEBYTECODE
# of another program's debugging: Snakemake itself fails with them
unexport PYTHONWARNINGS PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE
# Snakemake, uv and pip keep caches in the home, which may be missing, read-only or full
export XDG_CACHE_HOME := $(shell envs/cache_folder.sh)

.PHONY: help setup setup-dev demo run plan report figures test test-slurm bench doctor status track compare costs gallery readme new-dataset docs lint format lock audit
DEVELOPMENT = test test-slurm bench readme docs lint audit lock
help:            ## what each command does
	@awk -F ':.*## *' -v ours=" $(DEVELOPMENT) " '/^[a-z-]+:.*##/ \
	  { line = sprintf("  %-13s%s\n", $$1, $$2); if (index(ours, " " $$1 " ")) dev = dev line; else use = use line } \
	  END { printf "Studies\n%s\nDevelopment\n%s", use, dev }' $(MAKEFILE_LIST)

setup:           ## install what running a study needs into .venv: [EXTRAS="timm onnx"] (idempotent)
	@envs/setup.sh run

setup-dev:
	@envs/setup.sh dev

demo: setup      ## the default study (synthetic images, CPU, minutes) to its report
	$(SNAKEMAKE) all --cores $(CORES) --workflow-profile profiles/local $(RESOURCES)

# from another folder: make -C /path/to/fourlenses run CONFIG=mine.yaml, with paths from that folder
RUN = .venv/bin/python workflow_scripts/run_study.py --started-in "$(if $(PWD),$(PWD),$(CURDIR))" \
  --cores $(CORES) $${STUDY:+--study "$$STUDY"} $${CONFIG:+--config $$CONFIG} \
  $${PROFILE:+--profile $$PROFILE} --arguments="$$ARGS $(if $(PROFILE),,$(RESOURCES))"

run: setup       ## a study to its report: [STUDY=name | CONFIG=studies/mine.yaml] [ARGS=-n]
	@$(RUN) --target "$${TARGET:-all}"

plan: setup      ## what a study would take: hours, disk; STUDY or CONFIG as for run
	@$(RUN) --target plan

report: setup    ## the report of a study from its table; STUDY or CONFIG as for run
	@$(RUN) --target report

figures: setup   ## the figures of a study from its table; STUDY or CONFIG as for run
	@$(RUN) --target figures

test: setup-dev  ## all tests, on CORES cores
	.venv/bin/python -m pytest -n $(CORES) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# root; installs slurm-wlm, munge, slurmdbd and mariadb-server
test-slurm: setup-dev  ## a study and its faults on a real two-node SLURM, started here for it
	SLURM_TEST_ROOT=/tmp SLURM_TEST_ACCOUNTING=1 tests/slurm/start_slurm.sh install
	.venv/bin/python -m pytest -v -n 3 --dist loadfile tests/slurm

# all of it takes 15 minutes on 2 cores
bench:           ## speed next to what people would use instead: [GPU=1] [ARGS="--only linear"]
	@envs/setup.sh bench
	.bench/bin/python benchmarks/$(if $(GPU),gpu/)run.py $(ARGS)
	.bench/bin/python benchmarks/render.py

# without accounting: PROFILE="profiles/slurm profiles/slurm-squeue"
doctor:          ## check this machine or cluster: [PROFILE=profiles/slurm] [IN_JOB=1]
	@$(DOCTORS_PYTHON) workflow_scripts/doctor.py $${PROFILE:+--profile $$PROFILE} $${IN_JOB:+--in-job}

status:          ## progress of a study: STUDY=name or CONFIG=studies/mine.yaml [WATCH=10] [HTML=file]
	@.venv/bin/python workflow_scripts/status.py $${STUDY:+--study "$$STUDY"} \
	  $${PROFILE:+--profile $$PROFILE} \
	  $${CONFIG:+--config $$CONFIG} $${WATCH:+--watch "$$WATCH"} $${HTML:+--html "$$HTML"}

track:           ## curves of a finished study in trackers: STUDY=name TO="tensorboard mlflow wandb"
	@.venv/bin/python workflow_scripts/log_to_trackers.py --results "results/$$STUDY" --to $$TO

gallery:         ## an index of all reports: results/index.html
	@.venv/bin/python workflow_scripts/write_gallery.py

compare:         ## two runs of one study, number by number: A=results/mine B=/elsewhere/results/mine [CSV=file]
	@.venv/bin/python workflow_scripts/compare_runs.py "$$A" "$$B" $${CSV:+--output "$$CSV"}

costs:           ## cheaper entries of a study against one: points lost, time saved: STUDY=name [ENTRY=simclr] [CSV=file]
	@.venv/bin/python workflow_scripts/compare_costs.py "results/$$STUDY" \
	  $${ENTRY:+--reference "$$ENTRY"} $${CSV:+--output "$$CSV"}

readme: setup    ## README's section of results and its picture, from committed tables: [STUDIES="real_mini …"]
	@.venv/bin/python workflow_scripts/write_readme.py $$STUDIES

new-dataset: setup  ## first files of a dataset: NAME=mine [SOURCE=image_folder] [DATA=/images] [FOR=gpu]
	@.venv/bin/python workflow_scripts/new_dataset.py --name "$$NAME" \
	  $${SOURCE:+--source "$$SOURCE"} $${DATA:+--data "$$DATA"} $${FOR:+--for "$$FOR"}

docs:            ## the documentation as a site, into site/: search, all pages, reports
	@envs/setup.sh docs
	@NO_MKDOCS_2_WARNING=1 .docs/bin/mkdocs build --clean
	@echo "to look at it: .docs/bin/python -m http.server --directory site, then http://localhost:8000"

lint: setup-dev  ## ruff, snakefmt, snakemake --lint and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/python .ci/lint_rules.py
	.venv/bin/mypy

format: setup-dev
	.venv/bin/ruff format . && .venv/bin/ruff check --fix . ; .venv/bin/snakefmt Snakefile rules

audit: setup     ## known vulnerabilities of the pinned requirements (asks pypi.org)
	@envs/audit.sh

EXTRA_FILES = $(filter-out envs/requirements-dev,$(basename $(wildcard envs/requirements-*.in)))
lock:            ## re-pin the requirements (needs uv)
	for f in envs/bootstrap envs/requirements envs/requirements-dev envs/docs $(EXTRA_FILES) benchmarks/peers; do (cd $$(dirname $$f) && \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  $$(basename $$f).in -o $$(basename $$f).txt) || exit; done
