#!/bin/bash
# Every script passes shellcheck.  What passed is remembered in build/lint by
# its digest and that of all it may source: an old script is not read again.
set -u
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/lint
passed=build/lint/scripts
touch "$passed"

mapfile -t scripts < <(find .ci tests -type f \
	\( -name '*.sh' -o -path '.ci/*' \))
with=$({
	shellcheck --version
	cat tests/*/lib*.sh
} | sha256sum)
sha256sum "${scripts[@]}" | sed "s/^/${with%% *} /" >"$passed.now"
grep -vxFf "$passed" "$passed.now" | sed 's/.*  //' |
	xargs -r shellcheck -x || exit 1
mv "$passed.now" "$passed"
