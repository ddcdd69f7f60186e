# make bench-storage [BENCH_KEYS=1000000]: figures of the log and the store.

BENCH_KEYS ?= 100000

$(BUILD)/tests/bench/storage: $(BUILD)/tests/bench/storage.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

bench-storage: $(BUILD)/tests/bench/storage ## rates of the log and the store
	@dir=$$(mktemp -d) && $< $$dir $(BENCH_KEYS); code=$$?; \
		rm -rf $$dir; exit $$code

.PHONY: bench-storage
