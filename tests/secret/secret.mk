# What commands and nodes leave of secrets, and how long secrets take.

SECRET_DIR    := $(BUILD)/tests/secret
SECRET_SEARCH := $(SECRET_DIR)/search.so
SECRET_TESTS  := $(SECRET_DIR)/constant $(SECRET_DIR)/timing

# It goes into Python, so no sanitizer may come with it.
$(SECRET_SEARCH): tests/secret/search.c Makefile
	$(call say,CC,$<)$(make_dir) && $(CC) $(CPPFLAGS) \
		$(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS)) -fPIC \
		-shared -o $@ $<

$(SECRET_TESTS): %: %.o $(BUILD)/libaegis.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(pkg_libs) -lm

check-secrets: $(BUILD)/aegis $(SECRET_SEARCH) $(TOKEN_MODULE) ## secrets leave nothing in files, output and memory
	@for test in keys keyring nodes; do PYTHONDONTWRITEBYTECODE=1 \
		AEGIS=$(BUILD)/aegis SEARCH=$(SECRET_SEARCH) \
		TOKEN_MODULE=$(TOKEN_MODULE) \
		python3 tests/secret/$${test}_test.py || exit 1; done

check-constant: $(SECRET_DIR)/constant ## nothing branches on a secret, or looks up by one
	@valgrind --log-file=$<.log --suppressions=tests/secret/constant.supp \
		$< || { cat $<.log; exit 1; }

ct: $(SECRET_DIR)/timing ## how long secrets take, by statistics: a minute or more
	@$<

CHECKS += check-secrets check-constant
PROGRAMS += $(SECRET_SEARCH) $(SECRET_TESTS)
.PHONY: check-secrets check-constant ct
-include $(SECRET_SEARCH:.so=.d) $(SECRET_TESTS:=.d)
