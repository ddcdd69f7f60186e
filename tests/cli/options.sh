#!/bin/sh
# How command lines are read, and what is said when they are wrong.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

# Usage errors are two lines, the second says where help is.
misused "$AEGIS" config
complains "missing command"
complains "Try 'aegis config --help'."
misused "$AEGIS" config shwo
complains "did you mean show?"
misused "$AEGIS" config show --orgin
complains "did you mean --origin?"
misused "$AEGIS" config show --ori
complains "unknown option --ori"
misused "$AEGIS" config show -z
complains "unknown option -z"
misused "$AEGIS" config show --origin=yes
complains "takes no value"
misused "$AEGIS" config show -o
complains "option -o needs a FORMAT"
misused "$AEGIS" config show --output
complains "option --output needs a FORMAT"
misused "$AEGIS" config show -o yaml
complains "output 'yaml' is not one of"
misused "$AEGIS" config show -t 5
complains "'5' is not a duration"
misused "$AEGIS" config show --color blue
complains "auto, always, never"
misused "$AEGIS" config explain
complains "missing KEY"
misused "$AEGIS" config explain log.level log.file
complains "unexpected operand 'log.file'"
misused "$AEGIS" config keys now
misused "$AEGIS" --nonsense

# Every way to write an option means the same.
exits 0 "$AEGIS" config keys -o json
cp out wanted
for words in '-ojson config keys' '--output json config keys' \
	'config --output=json keys' 'config -o json keys' \
	'config keys -qojson' 'config keys -o table -o json'; do
	# shellcheck disable=SC2086 # words are words
	exits 0 "$AEGIS" $words
	cmp -s out wanted || fail "$words: differs"
done
AEGIS_OUTPUT=json exits 0 "$AEGIS" config keys
cmp -s out wanted || fail "AEGIS_OUTPUT is not heard"
AEGIS_OUTPUT=csv exits 0 "$AEGIS" config keys -o json
cmp -s out wanted || fail "the flag does not beat the environment"
AEGIS_OUTPUT=x exits 2 "$AEGIS" config keys

# Options may follow operands, and -- ends them.
exits 0 "$AEGIS" config explain log.level -o json
misused "$AEGIS" config explain -- -o
complains "unknown key '-o'"

# Under -o json an error is one object.
exits 2 "$AEGIS" config explain nothing.here -o json
silent
[ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
if command -v jq >/dev/null; then
	jq -e '.error | .code == "INVALID" and .exit == 2' <err >/dev/null ||
		fail "not the object expected: $(cat err)"
fi

# Names from elsewhere cannot move the cursor.
exits 127 "$AEGIS" "$(printf 'a\033[2Jb\342\200\256c\377')"
complains 'a\x1b[2Jb\xe2\x80\xaec\xff'
LC_ALL=C grep -q "$(printf '\033')" err && fail "an escape got through"
exit 0
