# make check-secrets: what commands and nodes leave of secrets.
SECRET_SEARCH := $(BUILD)/tests/secret/search.so

# It goes into Python, so no sanitizer may come with it.
$(SECRET_SEARCH): tests/secret/search.c Makefile
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(CPPFLAGS) \
		$(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS)) -fPIC \
		-shared -o $@ $<

check-secrets: $(BUILD)/aegis $(SECRET_SEARCH) ## secrets leave nothing in files, output and memory
	@for test in keys nodes; do PYTHONDONTWRITEBYTECODE=1 AEGIS=$(BUILD)/aegis \
		SEARCH=$(SECRET_SEARCH) python3 tests/secret/$${test}_test.py \
		|| exit 1; done

CHECKS += check-secrets
PROGRAMS += $(SECRET_SEARCH)
.PHONY: check-secrets
-include $(SECRET_SEARCH:.so=.d)
