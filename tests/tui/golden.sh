#!/bin/sh
# Golden screens: golden.sh AEGIS [--update]
#
# Every fixture at every size, in both tiers, as --once prints them.  tmux.sh
# holds that a terminal shows the same.
set -eu
aegis=$1
update=${2:-}
here=$(dirname "$0")
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
failed=0

for fixture in "$here"/fixtures/*.json; do
	name=$(basename "$fixture" .json)
	for size in 40x10 60x20 80x24 140x40; do
		for tier in utf8 ascii; do
			locale=C.UTF-8
			[ "$tier" = utf8 ] || locale=C
			out=$made/$name-$size-$tier.txt
			for screen in overview nodes consensus alerts logs; do
				LC_ALL=$locale "$aegis" tui --once "$screen" \
				    --size "$size" --fixture "$fixture" \
				    --clock 2026-11-24T04:31:07Z
			done >"$out"
			if LC_ALL=C grep -q '[[:cntrl:]]' "$out"; then
				echo "$out: a control byte is shown"
				failed=1
			fi
			if [ "$tier" = ascii ] &&
			    LC_ALL=C grep -q '[^ -~]' "$out"; then
				echo "$out: a byte past ASCII is shown"
				failed=1
			fi
		done
	done
done
if [ "$update" = --update ]; then
	rm -rf "$here/golden"
	cp -R "$made" "$here/golden"
	chmod 755 "$here/golden"
	exit 0
fi
diff -r "$here/golden" "$made" || failed=1
[ "$failed" = 0 ] && echo "golden screens: the same"
exit "$failed"
