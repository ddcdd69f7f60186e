# shellcheck shell=bash
# Shared by the scripts of tests/cluster: a trial cluster at $dir/c, and claims
# about it on top of those of tests/cli/lib.sh.  Everything the script started
# is stopped at its end, and killed if that takes 20 s.
# A script to which bytes matter and not how fast a disk syncs them says first,
# in $room, how many KiB it takes: it is in memory if there are as many that no
# other script may still take.
# Environment: AEGIS, the binary.
# shellcheck shell=sh

# One after the other looks, and says what it takes.
if [ -n "${room:=}" ] && [ -d /dev/shm ]; then
	exec 9</dev/shm
	flock 9
	free=$(df --output=avail -k /dev/shm | tail -n 1)
	taken=$(cat /dev/shm/tmp.*/room 2>/dev/null | paste -sd +)
	[ $((free - (${taken:-0}))) -lt "$room" ] || export TMPDIR=/dev/shm
fi 2>/dev/null

# shellcheck source=tests/cli/lib.sh
. "${0%/*}/../cli/lib.sh"

if [ -n "$room" ]; then
	echo "$room" >room
	exec 9<&-
fi

# Others are busy on this machine too: an answer may take its time.
export AEGIS_TIMEOUT=20s

started=
mounted=
# shellcheck disable=SC2317,SC2329 # called by the trap
finish() {
	# shellcheck disable=SC2086 # a list; who is stopped sees no TERM
	{
		kill $started
		kill -CONT $started
	} 2>/dev/null
	patience=200
	for process in $started; do
		until ended "$process" || [ "$patience" = 0 ]; do
			patience=$((patience - 1))
			pause 0.1
		done
		kill -9 "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	"$AEGIS" cluster down "$dir/c" -q 2>/dev/null ||
		for node in "$dir"/c/*/; do
			"$AEGIS" cluster kill "$dir/c" -q "$(basename "$node")"
		done 2>/dev/null
	for place in $mounted; do
		umount -l "$place" 2>/dev/null
	done
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Say why nothing is claimed here, and leave.
skip() {
	echo "$name: SKIPPED: $*"
	exit 0
}

# pause SECONDS: without a program, of which this machine has enough.
exec {never}<> <(:)
pause() {
	read -rt "$1" -u "$never" || true
}

# within SECONDS WHAT COMMAND...: the command succeeds before long.
within() {
	local deadline=$((SECONDS + $1)) what=$2 tenths=1
	shift 2
	until "$@" >out 2>err; do
		[ "$SECONDS" -le "$deadline" ] ||
			fail "$what: $* still fails: $(cat out err)"
		pause "0.$tenths"
		tenths=$((tenths < 4 ? tenths + 1 : 4))
	done
}

# ended PROCESS: it does nothing any more, whether waited for or not.
ended() {
	! kill -0 "$1" 2>/dev/null ||
		grep -qs '^State:.Z' "/proc/$1/status"
}

# gone PROCESS: it is no more, and has let go of all it had.
gone() {
	! kill -0 "$1" 2>/dev/null
}

# ports COUNT: the first of so many in a row that nobody listens on; not of
# those that the kernel gives to connections.
ports() {
	python3 -c '
import random, socket, sys
while True:
    first = random.randrange(10000, 32000)
    held = [socket.socket() for i in range(int(sys.argv[1]))]
    try:
        for i, one in enumerate(held):
            one.bind(("127.0.0.1", first + i))
        break
    except OSError:
        continue
print(first)' "$1"
}

# ask NODE ARGUMENT...: aegis kv through that node.
ask() {
	node=$1
	shift
	"$AEGIS" kv --socket "$dir/c/$node/aegis.sock" "$@"
}

# has NODE KEY VALUE: the node itself holds it, whatever the others do.
has() {
	[ "$(ask "$1" get "$2" --consistency local -o value)" = "$3" ]
}

# find_liar: the program that lies, in $liar.  The Makefile builds it.
find_liar() {
	liar=${LIAR:-$top/build/release/tests/fixture/liar}
	[ -x "$liar" ] || fail "there is no $liar: make fake-programs"
}

# hurry NODE ...: windows are short, and the log is cut soon.
hurry() {
	for node; do
		cat >>"c/$node/aegis.yaml" <<-YAML
		consensus:
		  checkpoint_interval: 8
		  pipeline: 16
		store:
		  log_retain: 1MiB
		YAML
	done
}

# is_cut NODE ...: the beginning is in their logs no more.
is_cut() {
	for node; do
		[ ! -e "c/$node/log/wal-0000000000000001.log" ] || return 1
	done
}

# fill_until_cut LEAST NODE ...: with large values, through the first of them,
# so many, and then until their logs are cut.
fill_until_cut() {
	least=$1
	shift
	head -c 1048576 /dev/urandom >value
	for i in $(seq 200); do
		exits 0 ask "$1" put "large$i" --file value -q
		[ "$i" -lt "$least" ] || ! is_cut "$@" || return 0
	done
	fail "the logs of $* are not cut"
}

# files FOLDER: what is in its files, but for those every start moves on.
files() {
	find "$1" -type f ! -name lock ! -name request-number \
		! -name node.log -exec sha256sum {} + | sort
}
