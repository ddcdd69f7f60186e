#!/bin/sh
# What the simulator prints, and how it exits; SIM names it.
set -u
failed=0

# check SENTENCE STATUS PATTERN ARGUMENT...: it is true when the simulator
# exits so and one of its lines matches.
check() {
	sentence=$1
	expected=$2
	pattern=$3
	shift 3
	said=$("$SIM" "$@" 2>&1)
	status=$?
	if [ $status = "$expected" ] && echo "$said" | grep -q "$pattern"; then
		echo "ok    $sentence"
	else
		echo "FAIL  $sentence: $status, $said" | head -n 5
		failed=1
	fi
}

check 'a schedule is told of in a line' 0 \
	'^SEED=9280 PROFILE=swarm COMMIT=[0-9a-z]*+\{0,1\} events=[0-9]* choices=[0-9]* faults{.*[0-9] messages duplicated.*} coverage{.*[0-9] stable checkpoints.*}$' \
	--seed 9280
check 'so is one of Raft' 0 '^SEED=7 PROFILE=swarm STRATEGY=raft COMMIT=' \
	--seed 7 --strategy raft
check 'it stops before a time' 0 '^at 79982 us, after [0-9]* events, in the storm' \
	--seed 9280 --until 80ms
check 'which has other units' 0 '^at 79982 us' --seed 9280 --until 80000us
check 'it stops after so many events' 0 ' us, after 400 events' \
	--seed 9280 --until 400
check 'and shows the log of every replica' 0 \
	'^    [0-9]*: [a-z]* in view 0, digest ' --seed 9280 --until 400
check 'what comes after its end is the end' 0 'in the calm' \
	--seed 9280 --until 3600s
check 'no time is refused' 2 '^usage: ' --seed 9280 --until 80m
check 'nor is a word' 2 '^usage: ' --seed 9280 --until soon
check 'help is no mistake' 0 '^usage: ' --help
check 'nothing to do is one' 2 '^usage: '
check 'a path is one way through a scene' 0 \
	'^a view change, proposed before: no violation$' --path 2,3,1,0,late
check 'a path that leads nowhere is refused' 2 '^usage: ' --path 0,0,99
check 'so is what is no path' 2 '^usage: ' --path 0,soon
check 'the small scope says how many states there are' 0 \
	'^all orders of 1 arrivals: together: [0-9]* states by [0-9]* arrivals, [0-9]* cut; [0-9]* ends, 0 violations$' \
	--exhaust 1
check 'requests can be fewer than the seed says' 0 ' of 3 requests are answered' \
	--seed 9280 --requests 3 --clients 1 --until 400
[ "$("$SIM" --seed 9280 --members 4 --until 400 | grep -c '^  replica')" = 4 ] || {
	echo 'FAIL  so can members'
	failed=1
}
[ "$("$SIM" --exhaust 1 --jobs 1)" = "$("$SIM" --exhaust 1 --jobs 3)" ] || {
	echo 'FAIL  whoever searches finds the same states'
	failed=1
}
exit $failed
