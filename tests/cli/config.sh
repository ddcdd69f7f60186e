#!/bin/sh
# aegis config: what it accepts, what it refuses, and in which words.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

# All problems at once, each with its place; exit 3.
cat >bad.yaml <<'YAML'
node:
  nme: n1
net:
  heartbeat: 30
  heartbeat: 1s
log: {level: warning}
YAML
exits 3 "$AEGIS" config check bad.yaml
silent
cat >wanted <<'TEXT'
bad.yaml:2:8: node.nme: unknown key, did you mean node.name?
bad.yaml:4:14: net.heartbeat: '30' is not a duration such as 500ms or 30s
bad.yaml:5:3: net.heartbeat: is given a second time
bad.yaml:6:14: log.level: 'warning' is not one of debug|info|warn|error
TEXT
cmp -s err wanted || fail "not the problems expected: $(cat err)"
exits 3 "$AEGIS" config check -o json bad.yaml
if command -v jq >/dev/null; then
	jq -e '.v == 1 and .valid == false and (.problems | length) == 4' \
		<out >/dev/null || fail "not the object expected: $(cat out)"
fi
exits 3 "$AEGIS" config show -c bad.yaml
silent

# What is no configuration at all.
exits 3 "$AEGIS" config check nothing.yaml
complains "open nothing.yaml: No such file or directory"
exits 3 "$AEGIS" config check .
complains "not a regular file"
head -c 2000000 /dev/zero >large.yaml
exits 3 "$AEGIS" config check large.yaml
printf 'log: {level: \377}\n' >bytes.yaml
exits 3 "$AEGIS" config check bytes.yaml
complains "bytes.yaml:1:14: "
printf 'a: &a [*a, *a]\nb: *a\n' >alias.yaml
exits 3 "$AEGIS" config check alias.yaml
: >empty.yaml
exits 0 "$AEGIS" config check empty.yaml
says "empty.yaml: valid"

# The example in the tree is the table's, and valid.
exits 0 "$AEGIS" config example
cmp -s out "$top/config/aegis.yaml" || fail "config/aegis.yaml is not current"
exits 0 "$AEGIS" config check "$top/config/aegis.yaml"

# Layers: default, file, environment, flag.
mkdir -p config/aegis
printf 'log:\n  level: warn\napi:\n  socket: s\n' >config/aegis/aegis.yaml
exits 0 "$AEGIS" config show log.format
[ "$(cat out)" = logfmt ] || fail "default: $(cat out)"
exits 0 "$AEGIS" config show log.level
[ "$(cat out)" = warn ] || fail "file: $(cat out)"
exits 0 "$AEGIS" config show api.socket
[ "$(cat out)" = "$dir/config/aegis/s" ] || fail "relative: $(cat out)"
exits 0 "$AEGIS" config show --origin -o csv log.level
says "$dir/config/aegis/aegis.yaml:2"
AEGIS_LOG_LEVEL=error exits 0 "$AEGIS" config show log.level
[ "$(cat out)" = error ] || fail "environment: $(cat out)"
AEGIS_SOCKET=/e exits 0 "$AEGIS" config show -s /f api.socket
[ "$(cat out)" = /f ] || fail "flag: $(cat out)"
AEGIS_LOG_LEVEL=loud exits 3 "$AEGIS" config show
complains "AEGIS_LOG_LEVEL: 'loud' is not one of"
printf 'log: {level: debug}\n' >other.yaml
exits 0 "$AEGIS" config show -c other.yaml log.level
[ "$(cat out)" = debug ] || fail "-c: $(cat out)"
AEGIS_CONFIG=other.yaml exits 0 "$AEGIS" config show log.level
[ "$(cat out)" = debug ] || fail "AEGIS_CONFIG: $(cat out)"

# The reference names every key that show does, in every form.
exits 0 "$AEGIS" config keys -o value
cp out keys
exits 0 "$AEGIS" config show -o csv
sed 1d out | cut -d , -f 1 >shown
cmp -s keys shown || fail "keys and show differ"
while read -r key; do
	exits 0 "$AEGIS" config explain "$key"
	says "$key"
done <keys
misused "$AEGIS" config explain log.levle
complains "did you mean log.level?"
exits 0 "$AEGIS" config keys -o jsonl
[ "$(grep -c '^{"v":1,' out)" = "$(wc -l <keys)" ] || fail "jsonl: $(cat out)"
exit 0
