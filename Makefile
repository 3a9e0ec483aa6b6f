# The project's only interface; `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help typecheck lint format unit
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

typecheck: ## check the types
	tsc -p .

lint: ## check format, style and dead code
	biome check .

format: ## put the format right
	biome check --write .

unit: ## run the tests named by T (default: all of test/)
	NODE_OPTIONS='--conditions=development' mocha --import=tsx --recursive --extension ts $(or $(T),'test/**/*.test.ts')
