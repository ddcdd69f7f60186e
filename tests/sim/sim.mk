# The simulator: aegis-sim, its campaigns and the planted bugs it must find.

SIM_SRC := $(sort $(wildcard tests/sim/*.c))

# The engine again, counting the places it was at (consensus/reach.h).  What
# measures coverage counts otherwise.
SIM_ENGINE := $(if $(filter cover,$(MODE)),,$(patsubst %.c,$(BUILD)/tests/sim/engine/%.o,\
	$(notdir $(wildcard lib/consensus/*.c))))

$(BUILD)/tests/sim/engine/%.o: lib/consensus/%.c Makefile
	$(call say,CC,$< with its places)mkdir -p $(@D) && \
		$(CC) $(CPPFLAGS) -DAEGIS_REACH $(CFLAGS) -c -o $@ $<

$(BUILD)/aegis-sim: $(call obj,$(SIM_SRC)) $(SIM_ENGINE) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

SIM_SECONDS ?= 600

sim: $(BUILD)/aegis-sim ## schedules for SIM_SECONDS (600) from a random seed
	$< --seconds $(SIM_SECONDS) --from $$(od -An -N4 -tu4 /dev/urandom)

# Ten thousand schedules, and four of Raft, always the same, and every seed
# that found a bug.
check-sim: $(BUILD)/aegis-sim
	@while read -r seed rest; do case $$seed in \#*|'') ;; \
		raft) $< --strategy raft --seed $${rest%% *} >/dev/null || exit 1 ;; \
		*) $< --profile classic --seed $$seed >/dev/null || exit 1 ;; esac; \
		done <tests/sim/regressions.txt
	$< --count 10000 --from 10000
	$< --strategy raft --count 4000 --from 10000
	$< --exhaust 5

# The same schedules, built by the other compiler: what happens must not
# depend on who compiled it, nor on anything but the seed.
check-sim-compilers: $(BUILD)/aegis-sim
	+@$(MAKE) --no-print-directory CC=clang BUILD=build/clang \
		build/clang/aegis-sim
	for strategy in pbft raft; do \
		$< --strategy $$strategy --hashes --count 500 --from 50000 \
			>$(BUILD)/sim.hashes; \
		build/clang/aegis-sim --strategy $$strategy --hashes \
			--count 500 --from 50000 | \
			diff $(BUILD)/sim.hashes - || exit 1; done

CORE_UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/consensus_*.c))

# Each planted bug is a build of its own, of what holds it.
PLANTS := $(shell seq 1 12) $(shell seq 20 49) $(shell seq 53 64) 71 \
	$(shell seq 101 111)
PLANTS_QUICK := 1 2 3 4 5 6 7 8 10 44 58 101 104 110
check-plants: $(BUILD)/aegis-sim $(CORE_UNITS)
	@BUILD=$(BUILD) tests/sim/plants.sh 120 $(PLANTS_QUICK)

# All of them, and the table of what they took.
PLANTS_SECONDS ?= 600
plants: $(BUILD)/aegis-sim $(CORE_UNITS) ## the simulator finds planted bugs: plants.md
	@BUILD=$(BUILD) TABLE=tests/sim/plants.md \
		tests/sim/plants.sh $(PLANTS_SECONDS) $(PLANTS)

# Branches of the core that units and simulator take: tests/sim/coverage.md.
COVER_UNITS := $(CORE_UNITS:$(BUILD)/%=build/cover/%)
cover: ## branch coverage of the core, by units and simulator
	+@$(MAKE) --no-print-directory MODE=cover BUILD=build/cover \
		$(COVER_UNITS) build/cover/aegis-sim
	@tests/sim/cover.sh build/cover $(COVER_UNITS)

CHECKS += check-sim check-sim-compilers check-plants
PROGRAMS += $(BUILD)/aegis-sim
.PHONY: cover sim plants check-sim check-sim-compilers check-plants
-include $(patsubst %.o,%.d,$(call obj,$(SIM_SRC)) $(SIM_ENGINE))
