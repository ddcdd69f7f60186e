#!/bin/bash
# Search the models: run.sh short|long [PATTERN]
#
# The true models must hold, searched through to the end, and each mutant must
# be refuted.  A case of cases.txt is run when its line matches PATTERN.  What
# it needs is in build/models/CASE; `spin -t` replays a trail that is there.
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/tests/models

# Within so many seconds of the processor: others may be using the machine.
run_pan() {
	(ulimit -t "$limit" && exec ./pan -E -m20000 "-w$slots") >pan.log 2>&1
}

# search CASE: one line of cases.txt.
search() {
	local dir defines=() word log=pan.log
	set -f
	# shellcheck disable=SC2086 # a case is words
	set -- $1
	dir=build/models/$(IFS=.; echo "${*:2}")
	local model=$2 mutant='' optimized=-O1
	for word in "${@:3}"; do
		defines+=("-D$word")
		# A mutant is refuted sooner than it is compiled well.
		case $word in MUTANT_*) mutant=$word optimized=-O0 ;; esac
	done
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir" || return 1
	if ! spin "${defines[@]}" -a "$here/$model.pml" >spin.log 2>&1 ||
		! gcc -w $optimized -DSAFETY -DNOFAIR -DCOLLAPSE \
			-DMEMLIM="$memory" -o pan pan.c >>spin.log 2>&1; then
		echo "FAIL  ${*:2}: does not build"
		cat spin.log
		return 1
	fi
	local states TIMEFORMAT=%1U
	{ time run_pan; } 2>seconds
	states=$(awk '/states, stored/ { print $1 }' "$log")
	if [ -n "$mutant" ]; then
		grep -q 'assertion violated' "$log" && {
			echo "ok    ${*:2}: refuted after $states states"
			return 0
		}
		echo "FAIL  ${*:2}: not refuted"
	else
		if grep -q 'errors: 0$' "$log" &&
			! grep -qE 'not completed|too small' "$log"; then
			echo "ok    ${*:2}: holds in $states states," \
				"$(tail -n 1 seconds) s," \
				"$(awk '/total actual/ { print $1 }' "$log") MB"
			return 0
		fi
		echo "FAIL  ${*:2}: does not hold, or took too much"
	fi
	tail -n 30 "$log"
	return 1
}

length=${1:-short}
pattern=${2:-.}
case $length in
short) limit=60 memory=2000 slots=20 jobs=$(nproc) ;;
long) limit=600 memory=8000 slots=24 jobs=1 ;;
*)
	echo "usage: $0 short|long [PATTERN]" >&2
	exit 2
	;;
esac
export -f search run_pan
export here limit memory slots

# shellcheck disable=SC2016 # the inner shell expands it
grep "^$length " "$here/cases.txt" | grep -e "$pattern" |
	xargs -d '\n' -P "$jobs" -I '{}' bash -c 'search "$1"' search '{}'
