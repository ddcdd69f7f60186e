#!/bin/sh
# The commit that the simulator is of, as a header: the newest that touches
# it or the engines, with a + when there is more than that in the tree.
folders="lib tests/sim"
# shellcheck disable=SC2086
commit=$(git log -1 --format=%h -- $folders 2>/dev/null)
# shellcheck disable=SC2086
[ -z "$commit" ] || git diff --quiet HEAD -- $folders || commit=$commit+
echo "#define COMMIT_ID \"${commit:-unknown}\""
