# Shared by the scripts that ask a fake node: the real API over it, at
# $AEGIS_SOCKET.
# Environment: FAKE_SERVER.
# shellcheck shell=sh

server=${FAKE_SERVER:-$top/build/release/tests/cli/fake_server}
[ -x "$server" ] ||
	make -s -C "$top" build/release/tests/cli/fake_server >/dev/null ||
	fail "cannot build $server"

# serve OUTCOME...: a fresh node at $AEGIS_SOCKET.
# shellcheck disable=SC2154 # lib.sh makes it
export AEGIS_SOCKET="$dir/s"
pid=
stop() {
	[ -z "$pid" ] || kill "$pid"
	[ -z "$pid" ] || wait "$pid"
	pid=
}
serve() {
	stop
	rm -f ready
	mkfifo ready
	"$server" "$AEGIS_SOCKET" "$@" >ready &
	pid=$!
	read -r _ <ready
}
trap 'stop; rm -rf "$dir"' EXIT
