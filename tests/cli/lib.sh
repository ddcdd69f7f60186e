# Shared by the scripts of tests/cli: a folder of their own, and claims.
# Environment: AEGIS, the binary.
# shellcheck shell=sh

AEGIS=${AEGIS:-build/release/aegis}
case $AEGIS in
*/*) AEGIS=$(realpath "$AEGIS") ;;
*) AEGIS=$(command -v "$AEGIS") ;;
esac
# shellcheck disable=SC2034 # for the scripts that need it
top=$PWD
name=${0##*/}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset AEGIS_CONFIG AEGIS_SOCKET AEGIS_OUTPUT AEGIS_TIMEOUT NO_COLOR
export HOME="$dir" XDG_CONFIG_HOME="$dir/config" XDG_RUNTIME_DIR="$dir"

fail() {
	echo "$name: $*" >&2
	exit 1
}

# exits CODE COMMAND...: ends with that code; leaves files out and err.
exits() {
	want=$1
	shift
	"$@" >out 2>err </dev/null
	code=$?
	[ "$code" = "$want" ] || fail "$* exited $code, not $want: $(cat err)"
}

# Claims on the last command's output.
says() {
	grep -qF -- "$1" out || fail "stdout lacks '$1': $(cat out)"
}

complains() {
	grep -qF -- "$1" err || fail "stderr lacks '$1': $(cat err)"
}

silent() {
	[ ! -s out ] || fail "stdout is not empty: $(cat out)"
}

unmoved() {
	[ ! -s err ] || fail "stderr is not empty: $(cat err)"
}

# A usage error: exit 2, nothing on stdout, two lines on stderr.
misused() {
	exits 2 "$@"
	silent
	[ "$(wc -l <err)" = 2 ] || fail "$*: not two lines: $(cat err)"
}
