# make check-fault: storage under failing disks and killed processes.
#
# It counts calls and needs no disk; in memory, syncs take no time.
FAULT_DIR := $(firstword $(wildcard /dev/shm) /tmp)

FAULT_OBJ := $(BUILD)/tests/fault/storage.o $(BUILD)/tests/fault/vfs.o \
	$(BUILD)/tests/fault/disk.o

# The log once more, in segments so small that a life has many of them.
FAULT_LOG := $(patsubst lib/store/%.c,$(BUILD)/tests/fault/small/%.o, \
	$(wildcard lib/store/wal*.c lib/store/segment*.c))
FAULT_OBJ += $(FAULT_LOG)

# And on a disk of sectors, below the calls that change files.
FAULT_SECTORS := $(BUILD)/tests/fault/log.o $(BUILD)/tests/fault/sectors.o
SECTOR_CALLS := -Wl,--wrap=write,--wrap=pwrite,--wrap=pread \
	-Wl,--wrap=fdatasync,--wrap=fsync,--wrap=ftruncate

$(FAULT_LOG): $(BUILD)/tests/fault/small/%.o: lib/store/%.c Makefile
	$(call say,CC,$<)$(make_dir) && $(CC) $(CPPFLAGS) \
		-DSEGMENT_BYTES_MAX=4096U $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/fault/storage: $(FAULT_OBJ) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

$(BUILD)/tests/fault/log: $(FAULT_SECTORS) $(FAULT_LOG) \
		$(BUILD)/tests/sim/dice.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) $(SECTOR_CALLS) -o $@ $^ \
		$(pkg_libs) $(test_libs)

# What a node's files are sealed with.
FAULT_KEYRING := $(BUILD)/tests/fault/keyring.o $(BUILD)/tests/fault/disk.o

$(BUILD)/tests/fault/keyring: $(FAULT_KEYRING) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

# And a key epoch, from its decision to the end of the last one's key.
FAULT_ROTATION := $(BUILD)/tests/fault/rotation.o $(BUILD)/tests/fault/vfs.o \
	$(BUILD)/tests/fault/disk.o

$(BUILD)/tests/fault/rotation: $(FAULT_ROTATION) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

check-fault-rotation: $(BUILD)/tests/fault/rotation ## fail or kill a rotation at every step
	@TMPDIR=$(FAULT_DIR) $<

check-fault-keyring: $(BUILD)/tests/fault/keyring ## fail or kill a keyring at every step
	@TMPDIR=$(FAULT_DIR) $<

check-fault-log: $(BUILD)/tests/fault/log ## the log on a disk that loses and lies
	@TMPDIR=$(FAULT_DIR) $<

check-fault: $(BUILD)/tests/fault/storage ## fail or kill storage at every step
	@TMPDIR=$(FAULT_DIR) $<

CHECKS += check-fault check-fault-log check-fault-keyring check-fault-rotation
PROGRAMS += $(BUILD)/tests/fault/storage $(BUILD)/tests/fault/log \
	$(BUILD)/tests/fault/keyring $(BUILD)/tests/fault/rotation
.PHONY: check-fault check-fault-log check-fault-keyring check-fault-rotation
-include $(FAULT_OBJ:.o=.d) $(FAULT_SECTORS:.o=.d) $(FAULT_KEYRING:.o=.d) \
	$(FAULT_ROTATION:.o=.d)

# The programs themselves, with each of their calls failing or the last.
FAILCALL := $(BUILD)/tests/fault/failcall.so

$(FAILCALL): tests/fault/failcall.c Makefile
	$(call say,CC,$<)$(make_dir) && $(CC) $(CPPFLAGS) $(CFLAGS) \
		-U_FORTIFY_SOURCE -fPIC -shared -o $@ $<

check-fault-programs: $(BUILD)/aegis $(FAILCALL) ## fail or kill node and restore at every call
	@AEGIS=$(BUILD)/aegis FAILCALL=$(FAILCALL) TMPDIR=$(FAULT_DIR) \
		tests/fault/programs.sh

fault: $(BUILD)/aegis $(FAILCALL) ## the same, each call both ways
	@EVERY=1 AEGIS=$(BUILD)/aegis FAILCALL=$(FAILCALL) \
		TMPDIR=$(FAULT_DIR) tests/fault/programs.sh

CHECKS += check-fault-programs
PROGRAMS += $(FAILCALL)
.PHONY: fault check-fault-programs
-include $(FAILCALL:.so=.d)
