# Aceso. `make help` tells the targets.

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec

# The store that a shell may name is not for samples, tests and measurements.
unexport ACESO_STORE

# One release build of what runs and is measured, and one for the tests, which see inside: they are many and work hard.
SWIFT_BUILD_RELEASE = swift build -c release --static-swift-stdlib
RELEASE = .build/release
PORT ?= 8080
DATA_DIR ?= aceso-data
KILL_CYCLES ?= 50
TESTS = .build/tests
TESTED = $(TESTS)/release
SWIFT_BUILD_TESTS = swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path $(TESTS)
SWIFT_TEST = swift test -c release --skip-build --disable-xctest --scratch-path $(TESTS)
# So many tests at a time: each of them waits for a disk now and then, and none should starve.
AT_A_TIME = --experimental-maximum-parallelization-width 6
FAILOVER_ROUNDS ?= 3
# Joins with a bound on their time, which other tests at once would take from them on PostgreSQL.
DEEP_TESTS = ^FHIRServiceTests\.DeepJoinTests
# What is run again with the stores on PostgreSQL.
STORE_TESTS = ^(IssuerTests|FHIRStoreTests|SearchOracleTests|DICOMStoreTests|DICOMServiceTests|FHIRServiceTests)\.
# Tests of time limits need the machine for themselves: they run one by one, after the others.
TIMED_TESTS = ^(HTTPServerTests|ServerTests)\.|^StorageTests\.SQLiteDatabaseTests|^FHIRServiceTests\.ReindexCourseTests
WITHOUT_CHATTER = grep --line-buffered -vE '^(◇|✔ Test case|✔ Test [^r]|✔ Suite)'
# Another maker's bundle for the JSON core to parse, if the data set is there.
BENCH_JSON = $(firstword $(wildcard .conformance-data/patients-synthea-r4/dev/Rich_*.json))
TABLES = r4 r4b r5 stu3
# What the server answered in the tests over HTTP, for a strict parser of others to read.
BODIES = $(CURDIR)/.build/test-bodies

.DEFAULT_GOAL := help
.PHONY: help install build build-bench run demo-cluster failover-test data test test-swift test-postgresql test-outside bench bench-devices bench-dicom bench-search format check tables clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install the Debian packages the build needs, if any is missing
	@scripts/install

build: install ## build the server: .build/release/aceso, one file with the Swift runtime inside
	@echo "Building the server (the first time takes a few minutes) …"
	$(SWIFT_BUILD_RELEASE) --product aceso

build-bench: install
	$(SWIFT_BUILD_RELEASE) --product bench

run: build ## build the server and start it, with 100 synthetic patients in a new store
	@echo "Starting the server; its data is in $(DATA_DIR)/, Ctrl-C stops it. What to try comes below and in README.md."
	@exec $(RELEASE)/aceso serve --sample-patients 100 --device-service devices=vitals --port $(PORT) --data-dir $(DATA_DIR)

demo-cluster: build ## two nodes on a PostgreSQL primary with a standby: one node and the primary are killed under load
	@scripts/demo-cluster

failover-test: build ## kill the primary of a PostgreSQL pair ten times under load, and look whether anything is lost
	scripts/failover-test

data: install ## lay out the data sets that tests read, if they are to be had
	@scripts/conformance-data

# The package's tests first; then those from outside, against the program of the same build, in processes of its own.
test: test-swift test-postgresql test-outside ## run all tests: the package's own, then those from outside (kill test, failovers, Python clients)
	@echo "All tests passed: the package's, on both engines, kill-test, failover-test, example-test, client-test, dicomweb-client-test, smart-launch-test, and smoke runs of the benches."

test-swift: data
	@scripts/install --tests
	scripts/dicom-reference || [ $$? -eq 77 ]
	scripts/dicom-frames || [ $$? -eq 77 ]
	@echo "Building the tests …"
	$(SWIFT_BUILD_TESTS)
	@echo "Running the tests; what each of them says is in .build/swift-test*.log …"
	$(SWIFT_TEST) $(AT_A_TIME) --skip '$(TIMED_TESTS)' 2>&1 | tee .build/swift-test.log | $(WITHOUT_CHATTER)
	rm -rf $(BODIES)
	ACESO_BODIES=$(BODIES) $(SWIFT_TEST) --no-parallel --filter '$(TIMED_TESTS)' 2>&1 | tee .build/swift-test-timed.log | $(WITHOUT_CHATTER)

test-postgresql: data ## run the tests of stores and services once more, on PostgreSQL
	@scripts/install --tests
	$(SWIFT_BUILD_TESTS)
	ACESO_TEST_STORE=postgresql $(SWIFT_TEST) $(AT_A_TIME) --skip '$(TIMED_TESTS)|$(DEEP_TESTS)' --filter '$(STORE_TESTS)' 2>&1 \
	  | tee .build/swift-test-postgresql.log | $(WITHOUT_CHATTER)
	ACESO_TEST_STORE=postgresql $(SWIFT_TEST) --no-parallel --filter '$(DEEP_TESTS)' 2>&1 | $(WITHOUT_CHATTER)

test-outside: export ACESO = $(CURDIR)/$(TESTED)/aceso
test-outside: data
	$(SWIFT_BUILD_TESTS)
	scripts/device-kill-test --kills 5 --messages 10000
	scripts/kill-test --cycles $(KILL_CYCLES) --canary all
	scripts/failover-test --rounds $(FAILOVER_ROUNDS) || [ $$? -eq 77 ]
	scripts/example-test
	scripts/strict-parse $(BODIES) || [ $$? -eq 77 ]
	scripts/client-test
	scripts/dicomweb-client-test
	scripts/smart-launch-test || [ $$? -eq 77 ]
	$(TESTED)/bench $(TESTED)/aceso --quick
	$(TESTED)/bench $(TESTED)/aceso --dicom --quick

bench: build build-bench ## measure a release build and record the table in docs/performance.md
	$(RELEASE)/bench $(RELEASE)/aceso --record docs/performance.md $(addprefix --json ,$(BENCH_JSON)) \
	  --label "$$(git describe --always --dirty 2>/dev/null || echo unknown)"

bench-dicom: build build-bench ## measure the DICOM service, and record the table in docs/performance-dicom.md
	$(RELEASE)/bench $(RELEASE)/aceso --dicom --record docs/performance-dicom.md

bench-devices: build build-bench ## measure a device service, and record the table in docs/performance-devices.md
	$(RELEASE)/bench $(RELEASE)/aceso --devices --record docs/performance-devices.md

bench-search: build build-bench ## measure search on 100,000 and 1,000,000 resources (some ten minutes, 2.5 GB on the disk)
	$(RELEASE)/bench $(RELEASE)/aceso --search-shapes --record docs/performance.md \
	  --label "$$(git describe --always --dirty 2>/dev/null || echo unknown)"

format: ## format all Swift sources
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

check: ## check format and house rules
	swift format lint --strict -r --configuration .swift-format Package.swift Sources Tests
	@scripts/tidy

tables: data ## make the tables of the FHIR releases again from their official packages
	@set -e; for release in $(TABLES); do \
	  swift run -c release --static-swift-stdlib generate-tables \
	    .conformance-data/fhir-$$release-core/package Sources/CFHIRTables/$$release.table; done

clean: ## remove what was built (the data stays)
	rm -rf .build scripts/__pycache__
