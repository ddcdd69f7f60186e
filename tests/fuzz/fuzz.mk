# Fuzz targets: tests/fuzz/NAME.c with its corpus in tests/fuzz/corpus/NAME.
#
# `make fuzz` looks for new inputs with clang's libFuzzer; `make fuzz-corpus`
# replays the kept ones under gcc's sanitizers and is part of check.

FUZZ_SECONDS ?= 60
FUZZ_SRC     := $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
FUZZ_NAMES   := $(sort $(notdir $(basename $(FUZZ_SRC))))
FUZZ_SCRIPTS := state_transfer
FUZZ_BUILD   := build/fuzz
FUZZ_FLAGS   := -std=c17 -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_OBJ     := $(LIB_SRC:%.c=$(FUZZ_BUILD)/%.o)
FUZZ_REPLAYS := $(FUZZ_NAMES:%=build/asan/tests/fuzz/%-replay)

fuzz: $(FUZZ_NAMES:%=fuzz-%) ## run each fuzz target (FUZZ_SECONDS=60)

$(FUZZ_BUILD)/tests/%.o: CPPFLAGS += -Itests
$(FUZZ_BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)$(make_dir) && clang $(CPPFLAGS) $(FUZZ_FLAGS) \
		$(pkg_cflags) -MMD -MP -c -o $@ $<

$(FUZZ_BUILD)/libaegis.a: $(FUZZ_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(FUZZ_NAMES:%=$(FUZZ_BUILD)/%): $(FUZZ_BUILD)/%: \
		$(FUZZ_BUILD)/tests/fuzz/%.o $(FUZZ_BUILD)/libaegis.a
	$(call say,LINK,$@)clang -fsanitize=fuzzer,address,undefined \
		$(FUZZ_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(pkg_libs)

# New inputs go to build/fuzz/corpus; crashes are left as build/fuzz/NAME-*.
$(FUZZ_NAMES:%=fuzz-%): fuzz-%: $(FUZZ_BUILD)/%
	mkdir -p $(FUZZ_BUILD)/corpus/$* tests/fuzz/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix=$(FUZZ_BUILD)/$*- \
		$(FUZZ_BUILD)/corpus/$* tests/fuzz/corpus/$*

ifeq ($(MODE),asan)
$(FUZZ_REPLAYS): build/asan/tests/fuzz/%-replay: build/asan/tests/fuzz/%.o \
		build/asan/tests/fuzz/replay.o build/asan/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) $(FUZZ_LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(pkg_libs)

fuzz-replays: $(FUZZ_REPLAYS)
	@for name in $(filter-out $(FUZZ_SCRIPTS),$(FUZZ_NAMES)); do \
		build/asan/tests/fuzz/$$name-replay \
			tests/fuzz/corpus/$$name || exit 1; done
	@for name in $(FUZZ_SCRIPTS); do \
		build/asan/tests/fuzz/$$name-replay --whole \
			tests/fuzz/corpus/$$name || exit 1; done
endif

fuzz-corpus: ## replay every kept fuzz input under the sanitizers
	+@$(MAKE) --no-print-directory MODE=asan fuzz-replays

# The API is fuzzed over the fake node of tests/fixture.
FUZZ_FIXTURES := tests/fixture/fake_node.o tests/fixture/api_fixture.o
$(FUZZ_FIXTURES:%=$(FUZZ_BUILD)/%) $(FUZZ_BUILD)/tests/fuzz/http_request.o \
	build/asan/tests/fuzz/http_request.o: CPPFLAGS += -Itests
$(FUZZ_BUILD)/http_request: $(FUZZ_FIXTURES:%=$(FUZZ_BUILD)/%)
build/asan/tests/fuzz/http_request-replay: $(FUZZ_FIXTURES:%=build/asan/%)

# State transfer is fuzzed in virtual time.
FUZZ_TRANSFER := tests/fixture/virtual_loop.o tests/fixture/transfer.o
$(FUZZ_BUILD)/state_transfer: $(FUZZ_TRANSFER:%=$(FUZZ_BUILD)/%)
build/asan/tests/fuzz/state_transfer-replay: $(FUZZ_TRANSFER:%=build/asan/%)

# Where states are opened for each input, their session tables are small.
FUZZ_STATES   := snapshot backup
FUZZ_SESSIONS := tests/fixture/small_sessions.o
$(FUZZ_STATES:%=$(FUZZ_BUILD)/%): $(FUZZ_BUILD)/$(FUZZ_SESSIONS)
$(FUZZ_STATES:%=build/asan/tests/fuzz/%-replay): build/asan/$(FUZZ_SESSIONS)
$(FUZZ_STATES:%=$(FUZZ_BUILD)/%) \
	$(FUZZ_STATES:%=build/asan/tests/fuzz/%-replay): FUZZ_LDFLAGS := \
	-Wl,--wrap=session_size,--wrap=session_init

# Where secrets are held and passphrases tried, both are cheap.
FUZZ_CRYPTO   := age_file age_header age_armor openssh_key key_format sshsig \
	minisign
FUZZ_CHEAP    := tests/fixture/cheap_crypto.o
FUZZ_SECRETS  := age_file openssh_key key_format sshsig minisign
$(FUZZ_SECRETS:%=$(FUZZ_BUILD)/%): $(FUZZ_BUILD)/$(FUZZ_CHEAP)
$(FUZZ_SECRETS:%=build/asan/tests/fuzz/%-replay): build/asan/$(FUZZ_CHEAP)
$(FUZZ_SECRETS:%=$(FUZZ_BUILD)/%) \
	$(FUZZ_SECRETS:%=build/asan/tests/fuzz/%-replay): FUZZ_LDFLAGS := \
	-Wl,--wrap=sodium_malloc,--wrap=sodium_free,--wrap=crypto_pwhash \
	-Wl,--wrap=crypto_pwhash_scryptsalsa208sha256_ll \
	-Wl,--wrap=crypto_pwhash_scryptsalsa208sha256,--wrap=bcrypt_pbkdf

FUZZ_RUNS ?= 10000000
fuzz-crypto: $(FUZZ_CRYPTO:%=$(FUZZ_BUILD)/%) ## what reads keys and age files, FUZZ_RUNS each, over sittings
	@FUZZ=$(FUZZ_BUILD) SECONDS_EACH=$(FUZZ_SECONDS) \
		tests/fuzz/campaign.sh $(FUZZ_RUNS) $(FUZZ_CRYPTO)

CHECKS += fuzz-corpus
.PHONY: fuzz fuzz-crypto fuzz-corpus fuzz-replays $(FUZZ_NAMES:%=fuzz-%)
-include $(FUZZ_OBJ:.o=.d) $(FUZZ_NAMES:%=$(FUZZ_BUILD)/tests/fuzz/%.d) \
	$(FUZZ_NAMES:%=build/asan/tests/fuzz/%.d)
