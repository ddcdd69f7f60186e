# Real nodes, killed under load: tests/chaos/chaos.py says what is demanded.

CHAOS_ROUNDS ?= 200
CHAOS := PYTHONDONTWRITEBYTECODE=1 tests/chaos/chaos.py --aegis $(BUILD)/aegis \
	$(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

chaos: $(BUILD)/aegis ## kill real nodes under load, CHAOS_ROUNDS (200) times
	$(CHAOS) --rounds $(CHAOS_ROUNDS)

check-chaos: $(BUILD)/aegis ## the same 20 times, and the judges of histories
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/chaos/linear_test.py
	$(CHAOS) --rounds 20

CHECKS += check-chaos
.PHONY: chaos check-chaos
