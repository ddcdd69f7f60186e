# What a listening net shows to the outside.  Part of check.

NET_LISTENER := $(BUILD)/tests/net/listener

$(NET_LISTENER): %: %.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs)

check-ssh-audit: $(NET_LISTENER) ## what ssh-audit says of a peer port
	@NET_LISTENER=$(NET_LISTENER) tests/net/ssh_audit.sh

CHECKS += check-ssh-audit
PROGRAMS += $(NET_LISTENER)
.PHONY: check-ssh-audit
