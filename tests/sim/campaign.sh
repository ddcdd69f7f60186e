#!/bin/sh
# Many schedules, a slice at a time, over as many sittings as it takes:
# campaign.sh FULL FOCUSED SWARM runs so many of each profile.
#
# The ledger has a line for each slice that ended: profile, first seed, and
# schedules, events, faults, violations and seconds; LEDGER.counts has what was
# counted in those of the swarm, of which each thing must have happened once.
# It is of one simulator: another one begins another ledger.  Nothing else is
# kept: a slice that was cut short is run again.  Histories that were written
# down are judged once more (history.py).  The first violation ends it.
# Environment: SIM, the simulator; LEDGERS, the folder of ledgers.
set -u
sim=${SIM:-build/release/aegis-sim}
folder=${LEDGERS:-build/campaign}
mkdir -p "$folder"
ledger=$folder/$(sha256sum <"$sim" | cut -c 1-16)
touch "$ledger" "$ledger.counts"

# done_of PROFILE: how many the ledger has.
done_of() {
	awk -v profile="$1" '$1 == profile { n += $3 } END { print n + 0 }' \
		"$ledger"
}

# slice PROFILE MOST SIZE: the next one, if there is any; false with violations.
slice() {
	from=$(done_of "$1")
	size=$(($2 - from < $3 ? $2 - from : $3))
	[ $size -gt 0 ] || return 0
	rm -rf "$ledger.histories"
	mkdir "$ledger.histories"
	"$sim" --profile "$1" --from "$from" --count $size --json \
		--histories "$ledger.histories" >"$ledger.said" || {
		grep -v '^{' "$ledger.said"
		return 1
	}
	PYTHONDONTWRITEBYTECODE=1 python3 tests/sim/history.py \
		"$ledger.histories"/*.jsonl || return 1
	if [ "$1" = swarm ]; then
		grep '^{' "$ledger.said" >>"$ledger.counts"
	fi
	awk -v head="$1 $from" '/^[0-9]+ schedules, / {
		print head, $1, $3, $5, $7, $10 }' "$ledger.said" >>"$ledger"
}

# tell: what there is so far.
tell() {
	awk '{ n[$1] += $3; events += $4; faults += $5; bad += $6; s[$1] += $7 }
		END { for (p in n)
			printf "%d %s schedules, %.0f/s\n", n[p], p,
				n[p] / (s[p] + 1)
			printf "%.0f events, %.0f faults, %d violations\n",
				events, faults, bad }' "$ledger"
}

# rotten: what never happened in all of the swarm, and should have.
rotten() {
	awk -F '"' '$12 != "never" { n[$4] += $8 }
		END { for (what in n) if (n[what] == 0) {
				print "never happened: " what
				bad = 1
			}
			exit !bad }' "$ledger.counts"
}

until [ "$(done_of full)" -ge "$1" ] && [ "$(done_of focused)" -ge "$2" ] &&
	[ "$(done_of swarm)" -ge "$3" ]; do
	slice full "$1" 10000 && slice focused "$2" 100000 &&
		slice swarm "$3" 10000 || exit 1
	[ ! -t 1 ] || tell
done
tell
! rotten
