# AEGIS: one flat makefile.  `make help` lists what it can do.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.SUFFIXES:
SHELL := /bin/sh

VERSION := 0.1.0
MODE    ?= release
BUILD   ?= build/$(MODE)
PREFIX  ?= /usr/local
ifeq ($(origin CC),default)
CC      := $(if $(filter asan msan,$(MODE)),clang,gcc)
endif
comma := ,
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1))

PACKAGES := libuv jansson yaml-0.1 libcbor libsodium libzstd sqlite3
# Loaded when they are first used (lib/base/late.h): not linked.
LATE_PACKAGES := libmicrohttpd libssh libcurl libcrypto
# Of these a header alone.
HEADER_PACKAGES := p11-kit-1
TUI_PACKAGES  := ncursesw
TEST_PACKAGES := cmocka

pkg_cflags := $(shell pkg-config --cflags $(PACKAGES) $(LATE_PACKAGES) \
	$(HEADER_PACKAGES) $(TUI_PACKAGES) 2>/dev/null)
pkg_libs   := $(shell pkg-config --libs $(PACKAGES) $(TUI_PACKAGES) 2>/dev/null)
test_libs  := $(shell pkg-config --libs $(TEST_PACKAGES) $(LATE_PACKAGES) \
	2>/dev/null)

WARN := -Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion \
	-Wsign-conversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wundef -Wcast-qual -Wwrite-strings -Wvla \
	-Walloca -Wnull-dereference -Wdouble-promotion -Wpointer-arith \
	-Wredundant-decls -Wnested-externs -Wdate-time -Wswitch-enum \
	-Wunused-macros -Wframe-larger-than=16384
ifeq ($(IS_CLANG),)
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	-Wjump-misses-init -Wcast-align=strict -Wformat-signedness \
	-Wimplicit-fallthrough=5 -Wtrampolines
endif

HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection=full -fno-common -fPIE \
	-fno-delete-null-pointer-checks -fno-strict-overflow
FLAGS_release := -O2 -g $(HARDEN)
# Without optimization, which takes longer than these builds are run.
FLAGS_asan    := -O0 -g1 -fno-omit-frame-pointer -fPIE -fno-common \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-Wno-frame-larger-than \
	$(if $(IS_CLANG),-D__SANITIZE_ADDRESS__=1,-Wno-maybe-uninitialized)
FLAGS_tsan    := -O1 -g1 -fno-omit-frame-pointer -fPIE -fno-common \
	-fsanitize=thread
FLAGS_msan    := -O1 -g -fno-omit-frame-pointer -fPIE -fno-common \
	-fsanitize=memory
FLAGS_cover   := -O0 -g --coverage -fPIE -fno-common -Wno-frame-larger-than
# Without optimization gcc doubts what a function behind a const pointer reads.
FLAGS_O0      := -O0 -g -fPIE -fno-common -Wno-frame-larger-than \
	$(if $(IS_CLANG),,-Wno-maybe-uninitialized)
FLAGS_O3      := -O3 -g -fPIE -fno-common
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
# One runtime for all programs, as gcc does it unasked.
LDFLAGS_asan     = -pie -fsanitize=address,undefined -fuse-ld=gold \
	$(if $(IS_CLANG),-shared-libasan \
	-Wl$(comma)-rpath$(comma)$(shell $(CC) -print-runtime-dir))
LDFLAGS_tsan    := -pie -fsanitize=thread -fuse-ld=gold
LDFLAGS_msan    := -pie -fsanitize=memory
LDFLAGS_cover   := -pie --coverage
LDFLAGS_O0      := -pie
LDFLAGS_O3      := -pie
ifeq ($(FLAGS_$(MODE)),)
$(error MODE=$(MODE) is unknown; use release, asan, tsan, msan, cover, O0 or O3)
endif

CPPFLAGS = -D_GNU_SOURCE -Ilib -I. $(soname_flag)
CFLAGS   := -std=c17 $(WARN) $(FLAGS_$(MODE)) $(pkg_cflags) \
	-ffile-prefix-map=$(CURDIR)=. -MMD -MP
LDFLAGS  := $(LDFLAGS_$(MODE))

# What all specifications spend their time in, there, too.
ifeq ($(MODE),asan)
$(BUILD)/lib/crypto/bcrypt.o $(BUILD)/lib/codec/%.o: CFLAGS += -O1
endif

# A library that is loaded late goes by the name that the linker would note.
soname_flag = $(if $(late),-DLATE_SONAME='"$(shell objdump -p \
	$$($(CC) -print-file-name=lib$(late).so) | awk '/SONAME/ { print $$2 }')"')
%/api/late_http.o: late := microhttpd
%/client/late_curl.o: late := curl
%/crypto/late_crypto.o: late := crypto
%/crypto/late_ssh.o: late := ssh

LIB_SRC := $(sort $(wildcard lib/*/*.c))
CMD_SRC := $(sort $(wildcard cmd/*.c))
TUI_SRC := $(sort $(wildcard tui/*.c))
obj      = $(1:%.c=$(BUILD)/%.o)

ifeq ($(V),)
say = @printf '  %-4s %s\n' "$(1)" "$(2)";
else
say =
endif

make_dir = { [ -d $(@D) ] || mkdir -p $(@D); }

# One unit specification is one program, so that a crash names its file.
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
UNITS    := $(UNIT_SRC:%.c=$(BUILD)/%)

all: $(BUILD)/aegis ## build the aegis binary (MODE=release|asan|tsan|cover)

$(BUILD)/libaegis.a: $(call obj,$(LIB_SRC))
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/aegis: $(call obj,$(CMD_SRC) $(TUI_SRC)) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

# Everything else is the same in all versions: tests link the next one.
%/base/version.o: CPPFLAGS += -DAEGIS_VERSION='"$(VERSION)"'
$(BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)$(make_dir) && $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(UNITS): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    $(pkg_libs) $(test_libs)

# Tests share fixtures and worlds by folder: "fixture/x.h", "sim/x.h".
$(BUILD)/tests/%.o: CPPFLAGS += -Itests

units: $(UNITS) ## build and run the unit specifications
	@for t in $(UNITS); do echo "== $$t"; $$t || exit 1; done

unit-programs: $(UNITS)

# Build and run one: make unit-wal
unit-%: $(BUILD)/tests/unit/%
	$<

# A folder of tests may bring its own rules.  What it adds to CHECKS is run by
# `make check` as `make NAME`, after what it adds to PROGRAMS is built;
# anything it describes with ## is in the help.
CHECKS :=
PROGRAMS :=
-include $(sort $(wildcard tests/*/*.mk))

check-programs: $(PROGRAMS)

test-programs: $(UNITS) $(PROGRAMS)

check: ## everything that must pass: builds, units, lint, cli, cluster
	+@.ci/check $(CHECKS)

lint: ## layers, symbols, purity, format, banned calls, manual, parity
	+@.ci/lint

deps: ## install the packages to build and run (apt, only what is missing)
	@.ci/deps build

deps-test: ## install what `make check` needs besides
	@.ci/deps build test

demo: ## four nodes, a killed primary, and back: works from a fresh clone
	@.ci/deps build
	+@$(MAKE) --no-print-directory all
	@AEGIS=$(BUILD)/aegis tests/cluster/demo.sh

# Completions come from the option tables and are kept; lint compares the two.
completions: $(BUILD)/aegis ## write completions/ again from the option tables
	@$< completion bash >$(BUILD)/aegis.bash
	@$< completion zsh >$(BUILD)/_aegis
	@$< completion fish >$(BUILD)/aegis.fish
	@mkdir -p completions && cd $(BUILD) && \
		mv aegis.bash _aegis aegis.fish $(CURDIR)/completions/

MAN_PAGES  := $(sort $(wildcard man/*.[1-8]))
BIN_DIR     = $(DESTDIR)$(PREFIX)/bin
MAN_DIR     = $(DESTDIR)$(PREFIX)/share/man
DOC_DIR     = $(DESTDIR)$(PREFIX)/share/doc/aegis
BASH_DIR    = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_DIR     = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_DIR    = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
UNIT_DIR    = $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSTEMD    := aegis.service aegis@.service

install: all ## install below DESTDIR and PREFIX (/usr/local)
	install -d $(BIN_DIR) $(DOC_DIR) $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR) \
		$(UNIT_DIR)
	install -m 0755 $(BUILD)/aegis $(BIN_DIR)/aegis
	for name in $$($(BUILD)/aegis --list-full); do \
		ln -sf aegis $(BIN_DIR)/$$name || exit 1; done
	for page in $(MAN_PAGES); do dir=$(MAN_DIR)/man$${page##*.}; \
		install -d $$dir && install -m 0644 $$page $$dir || exit 1; done
	install -m 0644 completions/aegis.bash $(BASH_DIR)/aegis
	for name in $$($(BUILD)/aegis --list-full); do \
		ln -sf aegis $(BASH_DIR)/$$name || exit 1; done
	install -m 0644 completions/_aegis $(ZSH_DIR)/_aegis
	install -m 0644 completions/aegis.fish $(FISH_DIR)/aegis.fish
	install -m 0644 config/aegis.yaml $(DOC_DIR)/aegis.yaml
	for unit in $(SYSTEMD); do \
		sed 's|/usr/local/bin|$(PREFIX)/bin|' config/$$unit \
		>$(UNIT_DIR)/$$unit && chmod 0644 $(UNIT_DIR)/$$unit \
		|| exit 1; done

uninstall: all ## remove what install put there
	for name in aegis $$($(BUILD)/aegis --list-full); do \
		rm -f $(BIN_DIR)/$$name $(BASH_DIR)/$$name; done
	for page in $(notdir $(MAN_PAGES)); do \
		rm -f $(MAN_DIR)/man$${page##*.}/$$page; done
	rm -f $(ZSH_DIR)/_aegis $(FISH_DIR)/aegis.fish
	rm -f $(DOC_DIR)/aegis.yaml $(addprefix $(UNIT_DIR)/,$(SYSTEMD))
	-rmdir $(DOC_DIR)

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-20s %s\n", $$1, $$2}' \
		$(filter-out %.d,$(MAKEFILE_LIST))
	@echo 'Variables: MODE=release|asan|tsan|cover  CC=gcc|clang  BUILD=DIR'
	@echo '           PREFIX=/usr/local  DESTDIR=  V=1 shows commands'

.PHONY: all units unit-programs check-programs test-programs check lint deps deps-test demo completions \
	install uninstall clean help
.SECONDARY:

-include $(patsubst %.o,%.d,$(call obj,$(LIB_SRC) $(CMD_SRC) $(TUI_SRC) $(UNIT_SRC)))
