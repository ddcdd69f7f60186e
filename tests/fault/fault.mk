# make check-fault: storage under failing disks and killed processes.
#
# It counts calls and needs no disk; in memory, syncs take no time.
FAULT_DIR := $(firstword $(wildcard /dev/shm) /tmp)

FAULT_OBJ := $(BUILD)/tests/fault/storage.o $(BUILD)/tests/fault/vfs.o

$(BUILD)/tests/fault/storage: $(FAULT_OBJ) $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

check-fault: $(BUILD)/tests/fault/storage ## fail or kill storage at every step
	@TMPDIR=$(FAULT_DIR) $<

CHECKS += check-fault
.PHONY: check-fault
-include $(FAULT_OBJ:.o=.d)
