# The simulator: aegis-sim, its campaigns and the planted bugs it must find.

SIM_SRC := $(filter-out tests/sim/planted.c,$(sort $(wildcard tests/sim/*.c)))

# The engine again, counting the places it was at (consensus/reach.h).  What
# measures coverage counts otherwise.
SIM_ENGINE := $(if $(filter cover,$(MODE)),,$(patsubst %.c,$(BUILD)/tests/sim/engine/%.o,\
	$(notdir $(wildcard lib/consensus/*.c))))

$(BUILD)/tests/sim/engine/%.o: lib/consensus/%.c Makefile
	$(call say,CC,$< with its places)$(make_dir) && \
		$(CC) $(CPPFLAGS) -DAEGIS_REACH $(CFLAGS) -c -o $@ $<

# Who says of which commit it is; written when that is another.
$(BUILD)/tests/sim/commit_id.h: FORCE
	@$(make_dir) && tests/sim/commit.sh >$@.new && \
		{ cmp -s $@.new $@ && rm $@.new || mv $@.new $@; }
$(BUILD)/tests/sim/account.o: CPPFLAGS += -include $(BUILD)/tests/sim/commit_id.h
$(BUILD)/tests/sim/account.o: $(BUILD)/tests/sim/commit_id.h
FORCE:

# What the core stands on, which is all else of the library that is in it.
CORE_SRC := $(foreach folder,base codec trust resource, \
	$(sort $(wildcard lib/$(folder)/*.c))) \
	$(patsubst %,lib/crypto/%.c,public_key secret secret_arena secret_crash \
		sign signer ssh_wire) \
	lib/node/feed.c
$(BUILD)/libcore.a: $(call obj,$(CORE_SRC))
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/aegis-sim: $(call obj,$(SIM_SRC)) $(SIM_ENGINE) $(BUILD)/libcore.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

SIM_SECONDS ?= $(or $(SECONDS),600)

sim: $(BUILD)/aegis-sim ## schedules for SECONDS (600) from a random seed
	$< --seconds $(SIM_SECONDS) --from $$(od -An -N4 -tu4 /dev/urandom)

# So many of each profile, in slices: what was done is not done again when
# it is called once more.
CAMPAIGN ?= 2000000 20000000 1000000
campaign: $(BUILD)/aegis-sim ## 2 M full, 20 M focused and 1 M swarm schedules, over as many runs as it takes
	@SIM=$< LEDGERS=$(BUILD)/campaign tests/sim/campaign.sh $(CAMPAIGN)

# Every state that the engines come to by so many arrivals.
ARRIVALS ?= 6
sim-exhaust: $(BUILD)/aegis-sim ## all orders of ARRIVALS (6) messages in small scenes
	$< --exhaust $(ARRIVALS)

# Six thousand schedules, and three of Raft, always the same, and every seed
# that found a bug; some with more culprits than are tolerated, and the small
# scope.  What clients saw in some of them is judged by another judge, and so
# is he.
HISTORIES := $(BUILD)/histories
HISTORY := PYTHONDONTWRITEBYTECODE=1 python3 tests/sim/history
check-sim: $(BUILD)/aegis-sim
	@while read -r seed rest; do case $$seed in \#*|'') ;; \
		raft) $< --strategy raft --profile classic \
			--seed $${rest%% *} >/dev/null || exit 1 ;; \
		raft-epochs|raft-deep) $< --strategy raft \
			--profile $${seed#raft-} --seed $${rest%% *} \
			>/dev/null || exit 1 ;; \
		full|deep|epochs|beyond|unfair) $< --profile $$seed --seed $${rest%% *} >/dev/null || \
			exit 1 ;; \
		*) $< --profile classic --seed $$seed >/dev/null || exit 1 ;; esac; \
		done <tests/sim/regressions.txt
	rm -rf $(HISTORIES) && mkdir $(HISTORIES)
	$< --count 6000 --from 10000 --histories $(HISTORIES)
	$< --strategy raft --count 3000 --from 10000 --histories $(HISTORIES)
	$(HISTORY).py $(HISTORIES)/*.jsonl
	$(HISTORY)_test.py $(HISTORIES)/*.jsonl
	$< --profile beyond --count 800 --from 10000
	$< --exhaust 3

# What it says, and how it exits.
check-sim-words: $(BUILD)/aegis-sim
	@SIM=$< tests/sim/words.sh

# The same schedules, built by the other compiler: what happens must not depend
# on who compiled it how, nor on anything but the seed.
check-sim-compilers: $(BUILD)/aegis-sim
	+@$(MAKE) --no-print-directory CC=clang MODE=O0 BUILD=build/clang-O0 \
		build/clang-O0/aegis-sim
	@tests/sim/compare.sh 6 $< build/clang-O0/aegis-sim

# And by each of them otherwise.
SIM_BUILDS := MODE=release,CC=clang,BUILD=build/clang \
	MODE=O0,CC=gcc,BUILD=build/gcc-O0 MODE=O3,CC=clang,BUILD=build/clang-O3
OTHER_SIMS := $(foreach how,$(SIM_BUILDS),$(lastword $(subst =, ,$(how)))/aegis-sim)
sim-compilers: $(BUILD)/aegis-sim ## the same schedules by gcc and clang at -O0, -O2, -O3
	+@for how in $(SIM_BUILDS); do $(MAKE) --no-print-directory \
		$$(echo $$how | tr , ' ') $${how##*=}/aegis-sim || exit 1; done
	@tests/sim/compare.sh 100 $< $(OTHER_SIMS)

# And with memory that knows whether it was ever written.
MSAN_UNITS := $(addprefix $(BUILD)/msan/,bytes metric pages batch decoder frame \
	operation text certificate horizon \
	$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/consensus_*.c)))
$(MSAN_UNITS): $(BUILD)/msan/%: $(BUILD)/tests/unit/%.o \
		$(call obj,$(wildcard lib/consensus/*.c)) $(BUILD)/libcore.a
	$(call say,LINK,$@)$(make_dir) && $(CC) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(pkg_libs) $(test_libs)

$(BUILD)/aegis-sim $(MSAN_UNITS): $(MSAN)

sim-msan: $(BUILD)/aegis-sim msan-programs ## the simulator and the core's units under MemorySanitizer
	@for unit in $(MSAN_UNITS:$(BUILD)/%=build/msan/%); do \
		$$unit >/dev/null || exit 1; done
	@tests/sim/compare.sh 10 $< build/msan/aegis-sim

msan-programs:
	+@$(MAKE) --no-print-directory MODE=msan CC=clang BUILD=build/msan \
		build/msan/aegis-sim $(MSAN_UNITS:$(BUILD)/%=build/msan/%)

# The engine and the state machine once more, with bugs planted in them, of
# which $PLANT says at run time which one is there; and the units of the core
# with such an engine.
PLANTED := $(patsubst %.c,$(BUILD)/planted/%.o,$(wildcard lib/consensus/*.c) \
	tests/sim/planted.c)
PLANTED_SIM := $(patsubst %,$(BUILD)/planted/tests/sim/%.o,machine membership \
	succession)
CORE_UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/consensus_*.c))
PLANTED_UNITS := $(CORE_UNITS:$(BUILD)/%=$(BUILD)/planted/%)

$(BUILD)/planted/%.o: %.c Makefile
	$(call say,CC,$< with plants)$(make_dir) && \
		$(CC) $(CPPFLAGS) -Itests -DPLANTED $(CFLAGS) -c -o $@ $<

$(BUILD)/planted/aegis-sim: $(PLANTED_SIM) $(PLANTED) \
		$(filter-out $(PLANTED_SIM:$(BUILD)/planted/%=$(BUILD)/%), \
		$(call obj,$(SIM_SRC))) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

$(PLANTED_UNITS): $(BUILD)/planted/%: $(BUILD)/%.o $(PLANTED) \
		$(BUILD)/libaegis.a
	$(call say,LINK,$@)$(make_dir) && \
		$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs) $(test_libs)

# Whatever is there to be planted is.
PLANTS := $(shell sed -n 's/^\#define PLANT_.* PLANT(\([0-9]*\))$$/\1/p' \
	lib/consensus/plant.h)
# Of each kind some that a second finds and reduces.
PLANTS_QUICK := 1 4 7 8 10 22 26 28 31 34 36 44 53 63 72 81 120 122 101 \
	104 105
# Those that two arrivals, of messages that matter, are enough for.
PLANTS_SMALL := 1 2 4 8 10 11 20 21 22 23 24 25 26 27 28 31 33 44 53 58 62 64 \
	101 104 105 106
PLANTS_SMALL_QUICK := 1 23 44 104
exhaust_plants = for plant in $(1); do \
	PLANT=$$plant $< --exhaust 2 >$(BUILD)/planted/log 2>&1; \
	test $$? = 1 && grep -q '^VIOLATION' $(BUILD)/planted/log || \
		{ echo "plant $$plant: not in the small scope"; exit 1; }; done
check-plants: $(BUILD)/planted/aegis-sim
	@BUILD=$(BUILD) tests/sim/plants.sh 120 $(PLANTS_QUICK)
	@$(call exhaust_plants,$(PLANTS_SMALL_QUICK))

# All of them, and the table of what they took.
PLANTS_SECONDS ?= 600
plants: $(BUILD)/planted/aegis-sim $(PLANTED_UNITS) ## the simulator finds planted bugs: plants.md
	@BUILD=$(BUILD) TABLE=tests/sim/plants.md \
		tests/sim/plants.sh $(PLANTS_SECONDS) $(PLANTS)
	@$(call exhaust_plants,$(PLANTS_SMALL))

# Branches of the core that units and simulator take: tests/sim/coverage.md.
COVER_UNITS := $(CORE_UNITS:$(BUILD)/%=build/cover/%)
cover: ## branch coverage of the core, by units and simulator
	+@$(MAKE) --no-print-directory MODE=cover BUILD=build/cover \
		$(COVER_UNITS) build/cover/aegis-sim
	@tests/sim/cover.sh build/cover $(COVER_UNITS)

CHECKS += check-sim check-sim-words check-sim-compilers check-plants
PROGRAMS += $(BUILD)/aegis-sim
.PHONY: FORCE campaign cover sim sim-exhaust plants check-sim \
	check-sim-words check-sim-compilers sim-compilers sim-msan \
	msan-programs check-plants
-include $(patsubst %.o,%.d,$(call obj,$(SIM_SRC)) $(SIM_ENGINE) $(PLANTED) \
	$(PLANTED_SIM))
