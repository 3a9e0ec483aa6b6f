# All commands of the project; `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

sources := $(shell find main.ts app.ts commands machines actors adapters rpc config \( -name '*.ts' -o -path 'rpc/console/*' -type f \) 2>/dev/null)
# Files in parallel, because most tests wait for ffmpeg or a media server, not for the processor.
JOBS ?= 5
mocha := NODE_OPTIONS='--conditions=development' mocha --import=tsx --recursive --extension ts --parallel --jobs $(JOBS) --timeout 60000
# One checker: several check the types of XState and TypeBox once each (32 s of processor time instead of 12).
tsc := tsc --checkers 1
# A file that waits for cameras and media servers, then five that work: so both processors are busy from start to end.
waiting := $(addprefix test/,console e2e conformance contract)
tests = $(shell paste -d ' ' <(find $(waiting) -name '*.test.ts' | sort) <(find test -name '*.test.ts' \
  $(foreach folder,$(waiting),-not -path '$(folder)/*') | sort | paste -d ' ' - - - - -))
# Identifiers keep their names, and lines stay short, for stack traces.
bundle := --bundle --platform=node --target=node20 --external:udev --minify-whitespace --minify-syntax --line-limit=160 \
  --outdir=dist --log-level=warning

.PHONY: help setup build dev run demo test unit lint format typecheck docs bench bench-check bench-peers profile clean mediamtx test-vm test-package test-faults test-kills soak test-replays replays fuzz mutation test-nodes install uninstall deb release

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: node_modules/.package-lock.json ## install all dependencies (system packages with apt, then npm ci)

node_modules/.package-lock.json: package-lock.json config/setup.sh
	@bash config/setup.sh
	@touch $@

build: setup dist/main.js ## bundle the service in dist/

dist/main.js: $(sources) docs/generate/charts.ts package.json Makefile
	@rm -rf dist
	@mkdir -p .cache
	@esbuild launch=commands/launch/main.ts simulator=adapters/simulator/main.ts $(bundle) --format=esm \
	  --banner:js="import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"
	@mv dist/launch.js dist/main.js
	@esbuild service=main.ts $(bundle) --format=cjs --out-extension:.js=.cjs --sourcemap=external --metafile=.cache/service.json \
	  --define:BUILD_DATE="\"$$(date -u +%Y-%m-%dT%H:%M:%SZ)\"" --define:import.meta.url=serviceUrl \
	  --banner:js="(function (exports, require, module, __filename, __dirname) { const serviceUrl = require('node:url').pathToFileURL(__filename).href;" \
	  --footer:js="})"
	@esbuild client=rpc/client/index.ts --bundle --platform=neutral --target=es2022 --format=esm --outdir=dist --sourcemap=linked --log-level=warning
	@$(tsc) rpc/client/index.ts --ignoreConfig --declaration --emitDeclarationOnly --module nodenext --target es2023 --strict --types node --outDir dist/client
	@esbuild console=rpc/console/main.tsx --bundle --minify --platform=browser --target=es2022 --format=esm --outdir=dist/console \
	  --jsx=automatic --jsx-import-source=preact --log-level=warning
	@esbuild console=rpc/console/console.css --minify --outdir=dist/console --log-level=warning
	@cp rpc/console/index.html rpc/console/console.svg dist/console/
	@tsx docs/generate/charts.ts > dist/console/charts.json
	@tsx commands/launch/makeCode.ts dist

dev: build ## run from the sources; restart on every change
	@CAMERA_SERVICE_SIMULATION_DEMO_CAMERA=$${CAMERA_SERVICE_SIMULATION_DEMO_CAMERA:-true} tsx watch --clear-screen=false main.ts serve --guide

run: build ## start the service, with a demonstration camera if there is no other
	@CAMERA_SERVICE_SIMULATION_DEMO_CAMERA=$${CAMERA_SERVICE_SIMULATION_DEMO_CAMERA:-true} exec node dist/main.js serve --guide

demo: build ## run a demonstration client: list, stream, snapshot, recording; JSON=1: all replies
	@tsx test/demo/demo.ts $(if $(JSON),--json)

test: setup ## run all checks and all tests
	@$(MAKE) --no-print-directory --output-sync=target -j 3 build typecheck lint
	@rm -rf .cache/test && mkdir -p .cache/test
	@status=0; $(mocha) $(tests) 2>&1 | tee .cache/test/mocha.log || status=$$?; \
	awk '/^ +[0-9]+ passing/{p=$$1} /^ +[0-9]+ failing/{f=$$1} END{printf "%d passed, %d failed\n", p, f}' .cache/test/mocha.log; \
	exit $$status

unit: setup ## run some tests: make unit T=test/machines/recording.test.ts
	@$(mocha) $(or $(T),$(tests))

typecheck: setup ## check the types
	@$(tsc) -p .
	@$(tsc) -p rpc/console

lint: setup ## check format, style and dead code
	@biome check --error-on-warnings .
	@knip --no-progress

format: setup ## format the code
	@biome check --write .

docs: setup ## write the generated documents
	@tsx docs/generate/all.ts
	@NODE_OPTIONS='--conditions=development' tsx test/faults/document.ts
	@NODE_OPTIONS='--conditions=development' tsx test/paths/document.ts

bench: build ## measure the service and write docs/benchmarks.md: make bench PARTS="start rates"
	@tsx test/bench/bench.ts $(PARTS)

bench-check: setup ## fail if a ratio of the last make bench is not within test/bench/budget.json
	@tsx test/bench/bench.ts --check

bench-peers: build ## measure the service beside MediaMTX, go2rtc, Motion and ustreamer, if they are on the PATH
	@tsx test/bench/bench.ts peers

profile: build ## CPU profile, heap snapshot and garbage collections of the service under load, in .cache/profile
	@tsx test/bench/profile.ts $(SECONDS)

install: build ## install the service on this host, as root: PREFIX=/usr/local DESTDIR=
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' bash config/package/install.sh install

uninstall: ## remove the installed service; PURGE=1: its configuration and recordings, too
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PURGE='$(PURGE)' bash config/package/install.sh uninstall

deb: build ## build a Debian package in .cache/release (needs debhelper)
	@bash config/package/deb.sh

release: setup ## make a release in .cache/release: make release VERSION=1.2.3
	@VERSION='$(VERSION)' bash config/package/release.sh

mediamtx: build ## download the official MediaMTX for this host into the data directory (needs the internet)
	@node dist/main.js download-mediamtx

test-vm: build ## test USB cameras on a real kernel, in a temporary virtual machine (needs QEMU; takes minutes)
	@bash test/vm/run.sh

test-package: build ## install, upgrade, remove and purge the Debian package in a virtual machine
	@bash test/vm/run.sh package

test-faults: build ## cause every fault on real processes and write docs/reliability.md (takes about 15 minutes)
	@NODE_OPTIONS='--conditions=development' tsx test/faults/run.ts

test-kills: build ## kill -9 service, media server and ffmpeg at random moments: make test-kills KILLS=100 SEED=1
	@KILLS='$(KILLS)' SEED='$(SEED)' SERVER='$(SERVER)' NODE_OPTIONS='--conditions=development' tsx test/faults/runKills.ts

soak: $(if $(DAYS),build,setup) ## cause random faults on a simulated host: make soak SECONDS=60 SEED=1; or a day of use: DAYS=1
	@if [ -n '$(DAYS)' ]; then tsx test/bench/printDay.ts '$(DAYS)'; else \
	  SECONDS='$(or $(SECONDS),60)' SEED='$(SEED)' NODE_OPTIONS='--conditions=development --expose-gc' tsx test/faults/runSoak.ts; fi

test-replays: setup ## replay random runs with faults: make test-replays RUNS=1000 SEED=1
	@RUNS='$(or $(RUNS),1000)' SEED='$(SEED)' $(mocha) 'test/replays/*.test.ts'

replays: setup ## record the incidents of test/replays again, after a change of the statecharts
	@NODE_OPTIONS='--conditions=development' tsx test/replays/make.ts

fuzz: setup ## send random events to the statecharts, and frames to the API: make fuzz RUNS=1000000 MACHINE=recording SEED=1
	@RUNS='$(or $(RUNS),10000)' MACHINE='$(MACHINE)' SEED='$(SEED)' $(mocha) test/paths/random.test.ts --grep leave
	@[ -n '$(MACHINE)' ] || FRAMES='$(or $(FRAMES),100000)' $(mocha) test/rpc/fuzz.test.ts

mutation: setup ## change statecharts in one place each: make mutation FILES=machines/camera*.ts SAMPLE=20 SEED=1
	@SAMPLE='$(SAMPLE)' SEED='$(SEED)' AGAIN='$(AGAIN)' VERBOSE='$(VERBOSE)' nice -n 15 tsx test/mutation/main.ts $(or $(FILES),machines/*.ts machines/domain/*.ts)

test-nodes: setup ## run the tests on Node 24 and 26 as well
	@bash test/nodes.sh

clean: ## remove the build results (keeps var/, the data)
	@rm -rf dist .cache .vm-out
