# The verbs; each says what it does and does no set-up twice. More in CONTRIBUTING.md.
.PHONY: all setup build test test-long fuzz check format demo bench tidy clean
all: build

# System packages (apt, sudo when not root), pinned libraries with hashes, the tests' Python environment.
setup:
	@tools/setup

# The program: build/bin/martlet.
build: setup
	@tools/build release

# Unit and property tests, black-box tests, the demo.
test: build
	@tools/test

# The same with higher counts, by hand: a million expressions, 20,000 kills, ten minutes for each fuzzer; prints its figures.
test-long: build
	@tools/test_long

# Each fuzzer for some seconds on its corpus.
fuzz: setup
	@tools/fuzz

# Layers, headers, banned calls, the tree, the format, clang-tidy.
check: setup
	@tools/check

format: setup
	@tools/check_format --fix

# The whole example, from raw flights to a model that keeps itself good.
demo: build
	@tools/demo

# Benchmarks, each beside the peer it is measured against.
bench: setup
	@tools/bench

# clang-tidy over every source, without the time budget that `make check` gives it.
tidy: setup
	@tools/check_tidy --all

clean:
	rm -rf build
