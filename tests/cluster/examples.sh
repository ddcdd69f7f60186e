#!/bin/bash
# The EXAMPLES of every manual page, run as they stand there, against a trial
# cluster.  What fails fails the page.
#
# FORMAT   A comment in a page's source, before a literal block, may say:
#          .\" given: COMMAND        what the reader has; $TRIAL is the trial
#          .\" file: PATH            the block is this file's contents
#          .\" background: COMMAND   the block goes on; until this succeeds
#          .\" not run: REASON       and is told here
#
# Pages name the places of a real installation; here each of those is below a
# folder of this script.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

root=$dir/root
mkdir bin
ln -s "$AEGIS" bin/aegis
PATH=$dir/bin:$PATH
export TRIAL=$dir/c BACKGROUND=$dir/background

# The page's examples as one script, on stdout.
script_of() {
	awk '
	/^\.Sh / { inside = $2 == "EXAMPLES"; next }
	!inside { next }
	/^\.\\" [a-z ]+: / {
		word = $0
		sub(/^\.\\" /, "", word)
		what = word
		sub(/: .*/, "", what)
		sub(/^[a-z ]+: /, "", word)
		if (what == "given")
			print word
		else if (what ~ /^(file|background|not run)$/)
			how = what
		else {
			print "page: unknown directive: " what >"/dev/stderr"
			exit 1
		}
		argument = word
		next
	}
	/^\.Bd -literal/ {
		literal = 1
		if (how == "file")
			print "cat >" argument " <<\"END OF FILE\""
		else if (how == "background")
			print "("
		else if (how == "not run")
			print "printf \"\\nnot run: " argument "\\n\""
		next
	}
	/^\.Ed/ {
		literal = 0
		if (how == "file")
			print "END OF FILE"
		else if (how == "background") {
			print ") & echo $! >>\"$BACKGROUND\""
			print "until_it " argument
		}
		if (how != "not run" && how != "file")
			print ": an example has been run"
		how = ""
		next
	}
	literal && how != "not run" {
		gsub(/\\e/, "\\")
		gsub(/\\\(dq/, "\"")
		gsub(/\\\(aq/, "\047")
		gsub(/\\[&]/, "")
		gsub(/\\-/, "-")
		print
	}' "$1" | sed -E \
		-e "s#(^|[^.[:alnum:]/])/(var/lib/aegis|etc/aegis|run/aegis|backup|tmp/trial)#\1$root/\2#g" \
		-e "s#127\.0\.0\.1:7422#127.0.0.1:$port#g" \
		-e "s#-p 7422 127\.0\.0\.1#-p $peer_port 127.0.0.1#g"
}

cat >prelude <<'E2'
set -eu -o pipefail
trap 'echo "failed, exit $?: $BASH_COMMAND" >&2' ERR
until_it() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "does not come true: $*" >&2
	return 1
}
E2

# A fresh home, and the places of an installation.
fresh() {
	rm -rf home "$root"
	mkdir -p home "$root/etc/aegis" "$root/run" "$root/var/lib" "$root/tmp"
	cp c/n1/aegis.yaml "$root/etc/aegis/aegis.yaml"
	ln -s "$dir/c/n1" "$root/run/aegis"
	mkdir -p "$root/var/lib/aegis"
	cp -r c/n1/keys c/n1/keyring c/roster "$root/var/lib/aegis"
}

gone() {
	for _ in $(seq 200); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

# run_page PAGE: its examples, in a home of their own.
run_page() {
	local page=$1 code=0 process
	fresh
	: >background
	{
		cat prelude
		script_of "$page"
	} >script
	if [ "${PIPESTATUS[0]}" != 0 ]; then
		fail "$page: its directives"
	fi
	grep -q '^: an example' script || case $page in
	*.[18]) fail "$page: no example is run" ;;
	esac
	(
		cd home || exit 1
		export HOME=$dir/home XDG_CONFIG_HOME=$dir/home/.config
		export AEGIS_SOCKET=$dir/c/n1/aegis.sock
		export AEGIS_CONFIG=$root/etc/aegis/aegis.yaml
		exec timeout 240 bash "$dir/script"
	) >page.out 2>page.err </dev/null || code=$?
	while read -r process; do
		# Bash may have become the one command of the block.
		pkill -TERM -P "$process" || kill "$process"
		gone "$process" || fail "$page: process $process goes on"
	done <background
	[ ! -d "$root/tmp/trial" ] ||
		"$AEGIS" cluster down -q "$root/tmp/trial" 2>/dev/null
	[ "$code" = 0 ] || fail "${page##*/}, exit $code: $(cat page.err)"
	sed -n "s/^not run: /${page##*/}: &/p" page.out
}

port=$(ports 1)
exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
peer_port=$(sed -n 's/.*listen: 127.0.0.1://p' c/n1/aegis.yaml)
for page in "$top"/man/*.[1-8]; do
	[ "${page##*/}" = aegis-bench.1 ] || run_page "$page"
done
# After it, rounds that others show are kept no more.
run_page "$top/man/aegis-bench.1"

# What fails is noticed.
printf '.Sh EXAMPLES\n.Bd -literal\naegis kv get no-such-key\n.Ed\n' >bad.1
if (run_page bad.1) 2>err; then
	fail "an example that fails passed"
fi
complains "failed, exit 1: aegis kv get no-such-key"
