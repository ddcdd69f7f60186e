#!/bin/sh
# One binary, many names: applets, links, lists, help and mistyped words.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

# Names that are no applet.
exits 127 "$AEGIS" confgi
silent
complains "did you mean config?"
exits 127 "$AEGIS" zzzzzz
complains "unknown applet 'zzzzzz'"
ln -s "$AEGIS" aegis-nothing
exits 127 ./aegis-nothing
complains "unknown applet 'nothing'"
exits 2 "$AEGIS"
silent
complains "Usage: aegis"

# Lists.
exits 0 "$AEGIS" --list
unmoved
says config
sort -c out || fail "--list is not sorted"
sed 's/^/aegis-/' out >wanted
exits 0 "$AEGIS" --list-full
cmp -s out wanted || fail "--list-full is not --list with a prefix"

# Links, hard and symbolic, replaced when there; each is its applet.
mkdir bin
cp "$AEGIS" aegis
exits 0 ./aegis --install bin
exits 0 ./aegis --install -s bin
exits 0 ./aegis --install bin
[ "$(find bin -name 'aegis-*' | wc -l)" = "$(wc -l <wanted)" ] ||
	fail "not one link an applet"
[ "$(stat -c %i bin/aegis-config)" = "$(stat -c %i aegis)" ] ||
	fail "the link is not to the binary"
exits 0 bin/aegis-config keys
says log.level
misused "$AEGIS" --install
misused "$AEGIS" --install -x
misused "$AEGIS" --install -s
exits 3 "$AEGIS" --install /nowhere
complains /nowhere
unlink bin/aegis-config
mkdir bin/aegis-config
exits 3 ./aegis --install bin
complains "bin/aegis-config: what is there is no program"
rmdir bin/aegis-config

# What is no link of ours is left alone, and a failure leaves what there was.
echo mine >bin/aegis-config
exits 3 ./aegis --install bin
[ "$(cat bin/aegis-config)" = mine ] || fail "a file was replaced"
rm bin/aegis-config
exits 0 ./aegis --install bin
if [ "$(stat -c %d .)" != "$(stat -c %d /dev/shm)" ]; then
	other=$(mktemp -d /dev/shm/aegis.XXXXXX) || fail "no other file system"
	./aegis --install -s "$other" && ./aegis --install "$other" 2>err
	code=$?
	"$other/aegis-config" keys >out 2>&1
	works=$?
	rm -r "$other"
	[ "$code" = 3 ] || fail "a hard link to another file system: $code"
	complains "takes -s"
	[ "$works" = 0 ] || fail "the older links are gone"
fi
find bin -name '*.new' | grep . && fail "something half-made was left"

# Help: asked for, it is on stdout, at most 80 columns wide, and exit 0.
exits 0 "$AEGIS" --help
unmoved
says config
"$AEGIS" --list | while read -r applet; do
	exits 0 "$AEGIS" "$applet" --help
	unmoved
	says "Usage: aegis $applet"
	awk 'length > 80 { exit 1 }' out || fail "$applet --help is too wide"
	[ "$(wc -l <out)" -le 48 ] || fail "$applet --help is too long"
	cp out help
	exits 0 "$AEGIS" help "$applet"
	cmp -s out help || fail "help $applet differs from --help"
	awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 }
		inside && /^  [a-z]/ { print $1 }' help >commands
	while read -r command; do
		exits 0 "$AEGIS" "$applet" "$command" --help
		says "Usage: aegis $applet $command"
		awk 'length > 80 { exit 1 }' out ||
			fail "$applet $command --help is too wide"
	done <commands
done || exit 1
exits 1 "$AEGIS" help nonsense
complains "no help on 'nonsense'"
exits 0 "$AEGIS" -V
says "aegis "
exits 0 "$AEGIS" config -V
exits 0 "$AEGIS" -h config
says "Usage: aegis config"

# The dump: five fields a line, no option twice in one place.
exits 0 "$AEGIS" --dump-options
awk -F '\t' 'NF != 5 || /  / { exit 1 }' out || fail "a line is not 5 fields"
cut -f 1,2,4 out | sort | uniq -d | grep . && fail "an option is there twice"
cut -f 1-3 out | grep -v -- '-$' | sort | uniq -d | grep . &&
	fail "a letter is used twice in one table"

# A full disk is told.
if [ -e /dev/full ]; then
	"$AEGIS" --list >/dev/full 2>err
	[ $? = 3 ] || fail "a failed write is not exit 3"
	complains "No space left on device"
	for words in "config --help" "config -V" "config show --help"; do
		# shellcheck disable=SC2086 # words
		"$AEGIS" $words >/dev/full 2>err
		[ $? = 3 ] || fail "$words: a failed write is not exit 3"
	done
fi
exit 0
