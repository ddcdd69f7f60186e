#!/bin/bash
# A cluster of four nodes beside etcd's three: durable agreed writes, and what
# each costs at rest and after a loss.  Both stand on the same disk for the
# whole run and are loaded in turn, ours then theirs, so that whatever else
# the machine does meets both.
#
# Usage: bench.sh [--short] OUT
#
# OUT gets a line of JSON per figure: name, unit, ours, peer, ratio (ours to
# peer), runs.  Of several pairs the one with the median ratio is told, and
# the range of all with it.  Ends with 1 when a put failed, an acknowledged
# key is missing, or a floor is missed.
#
# --short        a moment of each, and no floors: only that it works
# BENCH_DIR      where the clusters live (/var/tmp); not on tmpfs
# BENCH_PAIRS    pairs for each figure (3); odd, so that there is a median
# BENCH_SECONDS  measured in each run (5), after a second of warming up
#
# shellcheck disable=SC2317 # functions are called by trap and by name
set -euo pipefail

aegis=${AEGIS:-build/release/aegis}
load=${LOAD:-build/release/tests/bench/load}
aegis=$(realpath "$aegis")
load=$(realpath "$load")
is_short=
if [ "${1:-}" = --short ]; then
	is_short=1
	shift
fi
out=${1:?usage: bench.sh [--short] OUT}
pairs=${BENCH_PAIRS:-${is_short:+1}}
pairs=${pairs:-3}
seconds=${BENCH_SECONDS:-${is_short:+1}}
seconds=${seconds:-5}
warm_ms=1000
[ -z "$is_short" ] || warm_ms=200

dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/aegis-bench.XXXXXX")
trial=$dir/trial
etcd_pids=()
code=0

finish() {
	"$aegis" cluster down -q "$trial" >"$dir/down" 2>&1 || :
	[ ${#etcd_pids[@]} = 0 ] || etcd_kill "${etcd_pids[@]}"
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
	echo "bench: $*" >&2
	exit 1
}

[ $((pairs % 2)) = 1 ] || fail "BENCH_PAIRS=$pairs: an odd number has a median"
case $(stat -f -c %T "$dir") in
tmpfs | ramfs) fail "$dir is in memory: set BENCH_DIR to a folder on a disk" ;;
esac
for program in etcd etcdctl jq; do
	command -v "$program" >/dev/null ||
		fail "$program is missing: make deps-test installs it"
done
export ETCDCTL_API=3

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	echo $((us / 1000))
}

# until_true SECONDS COMMAND...: try every 20 ms.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >"$dir/tried" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			cat "$dir/tried" >&2
			return 1
		fi
		sleep 0.02
	done
}

# --- the two clusters ---

# Six ports nobody listens on.
free_ports() {
	local first port taken
	taken=" $(ss -ltnH | awk '{ sub(/.*:/, "", $4); print $4 }' |
		tr '\n' ' ')"
	for ((first = 20000 + RANDOM % 9000; ; first += 6)); do
		for ((port = first; port < first + 6; port++)); do
			[[ $taken != *" $port "* ]] || continue 2
		done
		break
	done
	ports=()
	for ((port = first; port < first + 6; port++)); do
		ports+=("$port")
	done
}

etcd_start() {
	local i=$1 at=http://127.0.0.1 members
	members=e0=$at:${ports[3]},e1=$at:${ports[4]},e2=$at:${ports[5]}
	etcd --name "e$i" --data-dir "$dir/etcd/e$i" \
		--listen-client-urls "$at:${ports[i]}" \
		--advertise-client-urls "$at:${ports[i]}" \
		--listen-peer-urls "$at:${ports[i + 3]}" \
		--initial-advertise-peer-urls "$at:${ports[i + 3]}" \
		--initial-cluster "$members" --logger zap --log-level error \
		>>"$dir/etcd/e$i.log" 2>&1 &
	etcd_pids[i]=$!
}

# etcd_put ENDPOINTS KEY: once, and not for long: it is tried again.
etcd_put() {
	etcdctl --endpoints "$1" --command-timeout=500ms put "$2" x
}

# The shell tells of a child's violent end when it waits.
etcd_kill() {
	kill -9 "$@"
	wait "$@" 2>/dev/null || :
}

etcd_healthy() {
	etcdctl --endpoints "$endpoints" endpoint health
}

# The member that leads, 0 to 2.
etcd_leader() {
	etcdctl --endpoints "$endpoints" endpoint status -w json | jq -r \
		'[.[].Status | .leader == .header.member_id] | index(true)'
}

start_clusters() {
	local i
	free_ports
	endpoints=127.0.0.1:${ports[0]},127.0.0.1:${ports[1]},127.0.0.1:${ports[2]}
	mkdir "$dir/etcd"
	for i in 0 1 2; do
		etcd_start "$i"
	done
	"$aegis" cluster init -q --nodes 4 "$trial"
	"$aegis" cluster up -q "$trial"
	until_true 20 etcd_healthy || fail "etcd does not come up"
}

aegis_pids() {
	cat "$trial"/n[1-4]/pid
}

aegis_primary() {
	"$aegis" node status -s "$trial/$1/aegis.sock" -o json |
		jq -r .primary
}

# --- figures ---

# figure NAME UNIT < one "OURS PEER" a line; PEER - when there is none.
figure() {
	jq -Rcn --arg name "$1" --arg unit "$2" '
		def short: if . == null then null else
			(. * 10000 | round) / 10000 end;
		[inputs | split(" ") | map(if . == "-" then null else
			tonumber end) | { ours: .[0], peer: .[1],
			ratio: (if .[1] == null or .[1] == 0 then null
			else .[0] / .[1] end) }] |
		(sort_by(.ratio, .ours) | .[length / 2 | floor]) as $median |
		{ name: $name, unit: $unit, ours: $median.ours,
		  peer: $median.peer, ratio: ($median.ratio | short),
		  runs: length,
		  ratio_min: (map(.ratio) | min | short),
		  ratio_max: (map(.ratio) | max | short),
		  ours_min: (map(.ours) | min), ours_max: (map(.ours) | max),
		  peer_min: (map(.peer) | min), peer_max: (map(.peer) | max) }' \
		>>"$out.new"
}

# rows FIELD SCALE: a field of each pair of the last run_pairs.
rows() {
	jq -rn --arg field "$1" --argjson scale "$2" \
		'[inputs] | _nwise(2) | map(.[$field] * $scale * 1000 | round / 1000) | @text
		"\(.[0]) \(.[1])"' "$dir/results"
}

run_load() {
	local target=$1 clients=$2
	shift 2
	"$load" --target "$target" --clients "$clients" --seconds "$seconds" \
		--warm-ms "$warm_ms" --bytes 128 --seen "$dir/seen.$target" \
		"$@" >>"$dir/results" || fail "$target: a put failed"
}

# run_pairs CLIENTS OUR_NODES PEER_NODES: results, ours and theirs in turn.
run_pairs() {
	local i
	: >"$dir/results"
	for ((i = 0; i < pairs; i++)); do
		# shellcheck disable=SC2086 # words are endpoints
		run_load aegis "$1" $2
		# shellcheck disable=SC2086
		run_load etcd "$1" $3
	done
}

bench_puts() {
	local clients ours=
	for i in 1 2 3 4; do
		ours="$ours $trial/n$i/aegis.sock"
	done
	for clients in 1 64 1000; do
		echo "puts with $clients clients" >&2
		run_pairs "$clients" "$ours" "${endpoints//,/ }"
		rows p50_us 0.001 | figure "put_${clients}_p50_vs_etcd" ms
		rows p99_us 0.001 | figure "put_${clients}_p99_vs_etcd" ms
		rows rate 1 | figure "put_${clients}_vs_etcd" puts/s
	done
}

# One client that knows whom to ask.
bench_at_leader() {
	local primary leader
	echo "puts with 1 client, at the primary and at the leader" >&2
	primary=$(aegis_primary n1)
	leader=$(etcd_leader)
	run_pairs 1 "$trial/$primary/aegis.sock" "127.0.0.1:${ports[leader]}"
	rows p50_us 0.001 | figure put_1_at_leader_p50_vs_etcd ms
}

# Every acknowledged key is there, and none besides.
check_keys() {
	local ours theirs
	ours=$("$aegis" kv list -k bench/ -s "$trial/n4/aegis.sock" -o jsonl |
		wc -l)
	theirs=$(etcdctl --endpoints "$endpoints" get bench/ --prefix \
		--keys-only | grep -c .)
	jq -en --argjson ours "$ours" --argjson theirs "$theirs" '
		reduce inputs as $run ({}; .[$run.target] = $run.keys) |
		.aegis == $ours and .etcd == $theirs' "$dir/results" >/dev/null ||
		fail "keys acknowledged are $(tail -n 2 "$dir/results" |
			jq -c '[.target, .keys]' | tr '\n' ' ');" \
			"found are aegis $ours, etcd $theirs"
	echo "every key acknowledged is there: aegis $ours, etcd $theirs" >&2
}

# rss PID...: the largest, in MB.
rss() {
	local pid
	for pid; do
		awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

# ticks PID...: processor time of all.
ticks() {
	local pid
	for pid; do
		awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"
	done | awk '{ sum += $1 } END { print sum }'
}

# Nobody asks anything: memory of the largest, percent of a core of the mean.
bench_idle() {
	local ours theirs before_ours before_theirs wait=5
	[ -z "$is_short" ] || wait=1
	echo "at rest" >&2
	mapfile -t ours < <(aegis_pids)
	theirs=("${etcd_pids[@]}")
	before_ours=$(ticks "${ours[@]}")
	before_theirs=$(ticks "${theirs[@]}")
	sleep "$wait"
	awk -v o="$(($(ticks "${ours[@]}") - before_ours))" \
		-v t="$(($(ticks "${theirs[@]}") - before_theirs))" \
		-v w="$wait" -v hz="$(getconf CLK_TCK)" \
		'BEGIN { print 100 * o / hz / w / 4, 100 * t / hz / w / 3 }' |
		figure node_idle_cpu_percent percent
	echo "$(rss "${ours[@]}") $(rss "${theirs[@]}")" |
		figure node_idle_rss_mb MB
}

bench_loaded_rss() {
	local ours
	mapfile -t ours < <(aegis_pids)
	echo "$(rss "${ours[@]}") $(rss "${etcd_pids[@]}")" |
		figure node_loaded_rss_mb MB
}

# From the leader's death to the next put acknowledged by another.
lose_primary() {
	local primary other began
	primary=$(aegis_primary n1)
	other=n1
	[ "$primary" != n1 ] || other=n2
	began=$(now_ms)
	"$aegis" cluster kill "$trial" "$primary"
	until_true 30 "$aegis" kv put -q after-loss x \
		-s "$trial/$other/aegis.sock" -t 20s || fail "no put after a loss"
	lost_ms=$(($(now_ms) - began))
	"$aegis" cluster up -q "$trial"
}

lose_leader() {
	local leader other began
	leader=$(etcd_leader)
	other=$(((leader + 1) % 3))
	began=$(now_ms)
	etcd_kill "${etcd_pids[leader]}"
	until_true 30 etcd_put "127.0.0.1:${ports[other]}" after-loss ||
		fail "etcd: no put after a loss"
	lost_ms=$(($(now_ms) - began))
	etcd_start "$leader"
	until_true 30 etcd_healthy || fail "etcd does not come back"
}

bench_losses() {
	local i ours
	echo "the next put after the primary's death" >&2
	for ((i = 0; i < pairs; i++)); do
		lose_primary
		ours=$lost_ms
		lose_leader
		echo "$ours $lost_ms"
	done >"$dir/losses"
	figure primary_loss_ms ms <"$dir/losses"
}

# All die at once, and come back with all those keys.
bench_recovery() {
	local began ours
	echo "all nodes killed, and back" >&2
	"$aegis" cluster kill "$trial"
	began=$(now_ms)
	"$aegis" cluster up -q "$trial"
	"$aegis" kv put -q after-recovery x -s "$trial/n1/aegis.sock" -t 20s
	ours=$(($(now_ms) - began))
	etcd_kill "${etcd_pids[@]}"
	began=$(now_ms)
	for i in 0 1 2; do
		etcd_start "$i"
	done
	until_true 30 etcd_put "127.0.0.1:${ports[0]}" after-recovery ||
		fail "etcd does not come back"
	echo "$ours $(($(now_ms) - began))" | figure all_killed_recovery_ms ms
}

# The dashboard has its own judge; here are its figures.
bench_tui() {
	echo "the dashboard" >&2
	PYTHONDONTWRITEBYTECODE=1 python3 tests/tui/bars.py "$aegis" \
		tests/tui/fixtures >"$dir/tui" || code=1
	sed -n 's/^first paint .* best, \([0-9.]*\) ms median.*/\1 -/p' \
		"$dir/tui" | figure tui_first_paint_ms ms
	sed -n 's/^cpu \([0-9.]*\) %.*/\1 -/p' "$dir/tui" |
		figure tui_cpu_percent percent
	sed -n 's/^rss \([0-9.]*\) MB.*/\1 -/p' "$dir/tui" |
		figure tui_rss_mb MB
}

print_table() {
	jq -r '[.name, .unit, .ours, .peer // "-", .ratio // "-",
		if .ratio == null then "-" else
		"\(.ratio_min)..\(.ratio_max)" end, .runs] | @tsv' "$out" |
		{
			printf 'FIGURE\tUNIT\tOURS\tETCD\tRATIO\tRANGE\tRUNS\n'
			cat
		} | column -t -s "$(printf '\t')"
}

# floor NAME JQ_CONDITION WORDS
floor() {
	if ! jq -es --arg name "$1" \
		"map(select(.name == \$name)) | length == 1 and (.[0] | $2)" \
		"$out" >/dev/null; then
		echo "bench: $1 misses its floor: $3" >&2
		code=1
	fi
}

check_floors() {
	floor put_1_p50_vs_etcd '.ratio <= 2' \
		'at most twice the median latency of etcd with one client'
	floor put_64_vs_etcd '.ratio >= 0.7' \
		"at least 0.7 of etcd's writes with 64 clients"
	floor node_idle_rss_mb '.ours <= 40' 'at most 40 MB at rest'
}

# Every line is a figure, and the names that others rely on are there.
check_form() {
	jq -es 'all(.[]; (.name | type == "string") and
		(.unit | type == "string") and (.ours | type == "number") and
		(.runs >= 1) and has("peer") and has("ratio")) and
		([.[].name] | contains(["put_1_p50_vs_etcd", "put_64_vs_etcd",
		"put_1000_vs_etcd"])) and
		all(.[] | select(.name | test("^put_")); .ours > 0 and
		.peer > 0 and .ratio > 0)' "$out" >/dev/null ||
		fail "$out is not what it should be"
}

mkdir -p "$(dirname "$out")"
: >"$out.new"
start_clusters
bench_idle
bench_puts
bench_at_leader
check_keys
bench_loaded_rss
if [ -z "$is_short" ]; then
	bench_losses
	bench_recovery
	bench_tui
fi
mv "$out.new" "$out"
check_form
print_table
[ -n "$is_short" ] || check_floors
exit "$code"
