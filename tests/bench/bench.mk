# What AEGIS is measured by.  `make bench` is the whole cluster beside etcd's;
# bench-storage and bench-api look at parts alone.

BENCH_LOAD := $(BUILD)/tests/bench/load
LOAD_SRC   := $(sort $(wildcard tests/bench/load*.c))
BENCH_KEYS ?= 100000

$(BUILD)/tests/bench/storage: $(BUILD)/tests/bench/storage.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

$(BENCH_LOAD): $(call obj,$(LOAD_SRC)) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ \
	    $$(pkg-config --libs libnghttp2) $(pkg_libs)

bench-storage: $(BUILD)/tests/bench/storage ## rates of the log and the store
	@dir=$$(mktemp -d) && $< $$dir $(BENCH_KEYS); code=$$?; \
		rm -rf $$dir; exit $$code

# Requests a second of the API alone, at 1, 64 and 1000 connections.
bench-api: $(BUILD)/tests/cli/fake_server $(BENCH_LOAD) ## load the API over a fake node
	tests/bench/api.sh $^

bench: $(BUILD)/aegis $(BENCH_LOAD) ## writes beside etcd's; see build/bench.jsonl
	@AEGIS=$(BUILD)/aegis LOAD=$(BENCH_LOAD) tests/bench/bench.sh \
		build/bench.jsonl

# A member that lost its disk, level again: TRANSFER_MIB, TRANSFER_BYTES.
bench-transfer: $(BUILD)/aegis ## how long 1 GiB of state takes to fetch
	@AEGIS=$(BUILD)/aegis tests/bench/transfer.sh build/bench-transfer.jsonl

# Files encrypted and decrypted, beside age: CRYPT_MIB, CRYPT_PAIRS.
bench-crypto: $(BUILD)/aegis ## encrypt, sign and hash 1 GiB beside others
	@AEGIS=$(BUILD)/aegis tests/bench/crypto.sh build/bench-crypto.jsonl

# Whether the figures come out at all; what they are is not judged here.
check-bench: $(BUILD)/aegis $(BENCH_LOAD)
	@AEGIS=$(BUILD)/aegis LOAD=$(BENCH_LOAD) tests/bench/bench.sh --short \
		$(BUILD)/bench-short.jsonl
	@AEGIS=$(BUILD)/aegis TRANSFER_MIB=2 TRANSFER_SECONDS=600 \
		tests/bench/transfer.sh $(BUILD)/bench-short.jsonl

CHECKS += check-bench
PROGRAMS += $(BENCH_LOAD)
.PHONY: bench bench-storage bench-api bench-transfer \
	bench-crypto check-bench
-include $(patsubst %.o,%.d,$(call obj,$(LOAD_SRC)))
