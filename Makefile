# The front door. Everything real is in Meson and in the scripts it calls.
#
#   make demo      calls in both directions, with speech, before your eyes
#   make check     all tests, under address and undefined-behaviour sanitizers
#   make bench     CPU and memory per call, against the floor
#   make fuzz      every parser of foreign bytes (FUZZ_SECONDS each, 60)
#   make interop   runs against other people's software (QUICK=1: a part)
#   make tidy      clang-tidy over src and sim
#   make errors    docs/errors.md from the table of causes
#   make format    clang-format over the tree

.PHONY: all demo check bench fuzz interop tidy errors format clean
FUZZ_SECONDS ?= 60
QUICK ?=
PYTHON = /usr/bin/python3

all: build/build.ninja
	ninja -C build

build/build.ninja:
	packaging/install-packages
	meson setup build --buildtype=release

build/check/build.ninja: build/build.ninja
	meson setup build/check -Db_sanitize=address,undefined

demo: all
	$(PYTHON) demo/demo.py

check: all build/check/build.ninja
	packaging/install-packages
	ninja -C build/check
	$(PYTHON) tests/run.py

bench: all
	$(PYTHON) bench/bench.py $(if $(QUICK),--quick)

fuzz:
	packaging/install-packages fuzz
	$(PYTHON) fuzz/run.py --seconds $(FUZZ_SECONDS)

interop: all
	packaging/install-packages interop
	$(PYTHON) interop/run.py $(if $(QUICK),--quick)

tidy:
	packaging/install-packages tidy
	[ -f build/tidy/build.ninja ] || \
		CC=clang meson setup build/tidy -Db_lundef=false
	ninja -C build/tidy
	run-clang-tidy -quiet -p build/tidy '/(src|sim)/.*(?<!_test)\.c$$'

errors: all
	build/src/base/cause_print >docs/errors.md

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build
