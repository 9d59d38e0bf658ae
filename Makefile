# The targets that people type. CMake does the building; this file knows the packages and the order of things.
BUILD := build
JOBS := $(shell nproc)
FUZZ_SECONDS := 60

PACKAGES_DEMO := g++ cmake ninja-build pkg-config libpcap-dev libcli11-dev nlohmann-json3-dev libsimdjson-dev \
  libssl-dev libarchive-dev libpcre2-dev zlib1g-dev libtomlplusplus-dev netbase
# A machine with another Node.js has its own npm, with which Debian's package conflicts.
PACKAGES_NPM := $(shell command -v npm >/dev/null || echo npm)
PACKAGES_BUILD := $(PACKAGES_DEMO) libboost-dev libjq-dev libsodium-dev libhiredis-dev libsoci-dev libsqlite3-dev $(PACKAGES_NPM)
PACKAGES_TEST := catch2 clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19 mandoc tshark tcpdump jq \
  python3 python3-jsonschema iproute2 procps zstd lz4 xz-utils python3-websockets nodejs node-ws redis-server postgresql mariadb-server \
  prometheus chromium chromium-driver python3-selenium
PACKAGES_BENCH := tcpdump tshark nfdump miller iproute2 nginx wrk websocketd python3-fastapi uvicorn nodejs

CONFIGURE := cmake -G Ninja -S .
NINJA := ninja -j $(JOBS)
# Said each time: `make demo` builds less in the same directory.
ALL := -DWIRELINE_BRIDGE=ON -DWIRELINE_STORE=ON
CTEST := ctest -j 2 --output-on-failure
CLANG := -DCMAKE_CXX_COMPILER=clang++-19
SOURCES := git ls-files 'libcommon/*.h' 'libcommon/*.cpp' 'tools/*.h' 'tools/*.cpp' 'tests/*.h' 'tests/*.cpp'

.PHONY: help deps deps-test deps-bench deps-spectral deps-clickhouse build demo test lint fmt docs fuzz sanitize bench bench-live bench-store bench-bridge soak install clean

help:
	@sed -n 's/^## //p' Makefile

## make deps        install what building needs (Debian's packages, and DuckDB from npm's registry)
deps:
	@sh cmake/packages.sh $(PACKAGES_BUILD)
	@[ -n "$$DUCKDB_ROOT" ] || sh cmake/fetch_duckdb.sh .deps/duckdb
	@sh tools/wsbridge/web/fetch_docs.sh .deps/docs || true

## make deps-test   install what testing needs too
deps-test: deps
	@sh cmake/packages.sh $(PACKAGES_TEST)

## make deps-bench  install the programs that the benchmark compares with
deps-bench: deps
	@sh cmake/packages.sh $(PACKAGES_BENCH)
	@sh tests/bench/bridge/fetch_ws.sh .deps/ws || true

## make deps-spectral  fetch the linter of OpenAPI documents for the test of /openapi.json (93 MB on disk)
deps-spectral: deps
	@sh tests/e2e/fetch_spectral.sh .deps/spectral

## make deps-clickhouse  install ClickHouse's library for the tests that load records into it (178 MB)
deps-clickhouse: deps-bench
	@sh tests/e2e/fetch_clickhouse.sh .deps/clickhouse

## make build       build all tools into build/bin
build: deps
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD)

## make demo        packets in, windows out, on a capture made here
demo:
	@sh cmake/packages.sh $(PACKAGES_DEMO)
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF -DWIRELINE_BRIDGE=OFF -DWIRELINE_STORE=OFF >/dev/null
	@$(NINJA) -C $(BUILD) netsniff netwindow make_capture
	@sh tests/bench/demo.sh $(BUILD)

## make test        build and run the tests (under ten minutes on two cores)
test: deps-test
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=ON $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD)
	@cd $(BUILD) && $(CTEST)

## make lint        formatting, clang-tidy, and the house's own rules
lint: deps-test
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=ON $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD)
	@$(SOURCES) | xargs clang-format-19 --dry-run --Werror
	@/usr/bin/python3 tests/lint/tidy.py $(BUILD) $(JOBS)
	@cd $(BUILD) && $(CTEST) -L lint

## make fmt         format the sources
fmt:
	@$(SOURCES) | xargs clang-format-19 -i

## make docs        write man/ and completions/ anew
docs: build
	@WIRELINE_BIN=$(BUILD)/bin python3 tests/lint/docs.py --write

## make sanitize    unit, golden and fault tests and the fuzz corpora under ASan and UBSan
sanitize: deps-test
	@$(CONFIGURE) -B $(BUILD)/sanitize $(CLANG) -DWIRELINE_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=Debug \
	  -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' >/dev/null
	@$(NINJA) -C $(BUILD)/sanitize
	@cd $(BUILD)/sanitize && $(CTEST) -L 'unit|golden|faults|fuzz'

## make fuzz        each libFuzzer target for FUZZ_SECONDS (60)
fuzz: deps-test
	@$(CONFIGURE) -B $(BUILD)/libfuzzer $(CLANG) -DWIRELINE_FUZZ=ON >/dev/null
	@$(NINJA) -C $(BUILD)/libfuzzer
	@sh tests/fuzz/run.sh $(BUILD)/libfuzzer/fuzz $(FUZZ_SECONDS)

## make bench       the benchmark's table
bench: deps-bench
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD) all bench_programs
	@/usr/bin/python3 tests/bench/run.py

## make bench-live  capture without loss beside tcpdump, and delays (root)
bench-live: deps-bench
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD) all bench_programs
	@/usr/bin/python3 tests/bench/live.py

## make bench-store  pcapingest and pcapquery beside tshark and DuckDB (LONG=--long: 50 million packets too)
bench-store: deps-bench
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD) all bench_programs
	@/usr/bin/python3 tests/bench/store.py $(LONG)

## make bench-bridge  wsbridge beside Node, FastAPI, websocketd and nginx
bench-bridge: deps-bench
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=OFF $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD) all bench_programs
	@/usr/bin/python3 tests/bench/bridge.py

## make soak        the long loops: fuzzing for hours, wsbridge under load for one, every test ten times
soak: deps-test
	@$(MAKE) fuzz FUZZ_SECONDS=1800
	@$(CONFIGURE) -B $(BUILD) -DWIRELINE_TESTS=ON $(ALL) >/dev/null
	@$(NINJA) -C $(BUILD)
	@/usr/bin/python3 tests/soak/bridge.py
	@cd $(BUILD) && $(CTEST) --repeat until-fail:10

## make install     into PREFIX (/usr/local), under DESTDIR
install: build
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)

## make clean       remove what was built
clean:
	rm -rf $(BUILD)
