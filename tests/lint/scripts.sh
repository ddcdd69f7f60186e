#!/bin/sh
# Every script passes shellcheck.
set -eu
cd "$(dirname "$0")/../.."
find .ci tests -type f \( -name '*.sh' -o -path '.ci/*' \) -print0 |
	xargs -0 shellcheck -x
