#!/bin/sh
# Every C file is as clang-format leaves it.
set -eu
cd "$(dirname "$0")/../.."
find lib cmd tui tests -name '*.[ch]' -print0 2>/dev/null |
	xargs -0 clang-format --dry-run -Werror
