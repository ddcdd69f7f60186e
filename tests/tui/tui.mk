# The dashboard: specifications of its parts, and its screens as goldens.

TUI_UNITS := $(filter $(BUILD)/tests/unit/tui_%,$(UNITS))
$(TUI_UNITS): $(call obj,$(TUI_SRC))

check-tui: $(BUILD)/aegis $(TUI_UNITS) ## check the dashboard's screens and keys
	@for t in $(TUI_UNITS); do $$t || exit 1; done
	@tests/tui/golden.sh $(BUILD)/aegis
	@tests/tui/tmux.sh $(BUILD)/aegis
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/tui/behaviour.py \
	    $(BUILD)/aegis tests/tui/fixtures

check-tui-bars: $(BUILD)/aegis ## how fast the dashboard is, and how small
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/tui/bars.py \
	    $(BUILD)/aegis tests/tui/fixtures

CHECKS += check-tui check-tui-bars
.PHONY: check-tui check-tui-bars
