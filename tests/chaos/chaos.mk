# Real nodes, and what real machines do to them: tests/chaos/chaos.py says what
# is demanded.

CHAOS_ROUNDS ?= 200
CHAOS_WRITES ?= 10000000
CHAOS_LEDGERS ?= build/chaos

NEXT_AEGIS  := $(BUILD)/next/aegis
CHAOS_DIR   := $(BUILD)/tests/chaos
CHAOS_TOOLS := $(CHAOS_DIR)/relay $(CHAOS_DIR)/crowd $(CHAOS_DIR)/seam.so
TRAITOR     := $(CHAOS_DIR)/traitor

CHAOS := PYTHONDONTWRITEBYTECODE=1 tests/chaos/chaos.py --aegis $(BUILD)/aegis \
	--next $(NEXT_AEGIS) --tools $(CHAOS_DIR) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

$(CHAOS_DIR)/relay: $(CHAOS_DIR)/relay_pipe.o
$(CHAOS_DIR)/relay $(CHAOS_DIR)/crowd $(TRAITOR): %: %.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(pkg_libs)

# It goes into any program, so no sanitizer may come with it.
$(CHAOS_DIR)/seam.so: $(addprefix tests/chaos/,seam.c seam_rough.c seam.h) \
	Makefile
	$(call say,CC,$@)$(make_dir) && $(CC) $(CPPFLAGS) -Itests \
		$(filter-out -fsanitize% -fno-sanitize% -MMD -MP,$(CFLAGS)) \
		-U_FORTIFY_SOURCE -fPIC -shared -o $@ $(filter %.c,$^)

chaos: $(BUILD)/aegis $(NEXT_AEGIS) $(CHAOS_TOOLS) ## break real clusters: CHAOS_ROUNDS (200), CHAOS_WRITES (10 M)
	$(CHAOS) --rounds $(CHAOS_ROUNDS) --writes $(CHAOS_WRITES) \
		--crowd 64 --verbose --ledgers $(CHAOS_LEDGERS)

check-chaos: check-chaos-parts $(BUILD)/aegis $(NEXT_AEGIS) $(CHAOS_TOOLS) ## the same, short
	$(CHAOS) --short --keys 20000 --crowd 4

check-chaos-parts: $(CHAOS_TOOLS) ## the judges of histories, and what makes networks bad
	@for test in linear serial faults ledger tools; do PYTHONDONTWRITEBYTECODE=1 \
		CHAOS_DIR=$(CHAOS_DIR) python3 tests/chaos/$${test}_test.py \
		|| exit 1; done

FIGURES := PYTHONDONTWRITEBYTECODE=1 tests/chaos/figures.py \
	--aegis $(BUILD)/aegis --tools $(CHAOS_DIR) --load $(BENCH_LOAD)
FIGURES_NEED := $(BUILD)/aegis $(CHAOS_TOOLS) $(TRAITOR) $(BENCH_LOAD)

bench-faults: $(FIGURES_NEED) ## what faults cost; see build/faults.jsonl
	@$(FIGURES) build/faults.jsonl

# Whether the figures come out at all; what they are is not judged here.
check-bench-faults: $(FIGURES_NEED)
	@$(FIGURES) --short $(BUILD)/faults-short.jsonl

CHECKS += check-chaos check-bench-faults
PROGRAMS += $(CHAOS_TOOLS) $(TRAITOR)
.PHONY: chaos check-chaos check-chaos-parts bench-faults check-bench-faults
-include $(patsubst %,$(CHAOS_DIR)/%.d,relay relay_pipe crowd traitor)
