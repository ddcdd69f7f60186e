#!/bin/sh
# make install puts everything below DESTDIR, and uninstall takes it back.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"
unset MAKEFLAGS MAKELEVEL

exits 0 make -C "$top" install DESTDIR="$dir/root" PREFIX=/usr
usr=$dir/root/usr
exits 0 "$usr/bin/aegis-config" keys
[ -e "$usr/share/bash-completion/completions/aegis" ] || fail "no completion"
# It is looked for by the name that is typed, before it was ever read.
bash --norc -c '
	COMP_WORDS=(aegis-config) COMP_CWORD=1
	. "$1/aegis-config" && complete -p aegis-config' \
	- "$usr/share/bash-completion/completions" >out 2>err ||
	fail "no completion for aegis-config: $(cat err)"
[ -e "$usr/share/zsh/site-functions/_aegis" ] || fail "no zsh completion"
[ -e "$usr/share/doc/aegis/aegis.yaml" ] || fail "no example"
grep -q '^ExecStart=/usr/bin/aegis ' "$usr/lib/systemd/system/aegis.service" ||
	fail "the unit does not start what is installed"
for page in "$top"/man/*.[1-8]; do
	[ -e "$page" ] || continue
	[ -e "$usr/share/man/man${page##*.}/${page##*/}" ] ||
		fail "$page is not installed"
done
if command -v systemd-analyze >/dev/null; then
	mkdir units
	for unit in aegis.service aegis@.service; do
		sed 's|=/usr/bin/aegis|=/bin/true|' \
			"$usr/lib/systemd/system/$unit" >"units/$unit"
	done
	exits 0 systemd-analyze verify --man=no units/aegis.service \
		units/aegis@n1.service
fi
exits 0 make -C "$top" uninstall DESTDIR="$dir/root" PREFIX=/usr
left=$(find root ! -type d)
[ -z "$left" ] || fail "uninstall left $left"
exit 0
