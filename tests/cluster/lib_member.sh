# Shared by the scripts in which members come and go: nodes that are run one by
# one, clients that write meanwhile, and what the members say of themselves.
# shellcheck shell=bash

# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# member NODE ARGUMENT...: aegis member, asking that node.
member() {
	node=$1
	shift
	"$AEGIS" member "$@" --socket "$dir/c/$node/aegis.sock"
}

# epoch_is NODE NUMBER / health_is NODE WORD / members_are NODE NAMES
status() {
	"$AEGIS" node status --socket "$dir/c/$1/aegis.sock" -o json
}
epoch_is() {
	[ "$(status "$1" | jq -r .epoch)" = "$2" ]
}
health_is() {
	[ "$(status "$1" | jq -r .health)" = "$2" ]
}
serves() {
	health_is "$1" OK || health_is "$1" DEGRADED
}
members_are() {
	[ "$(member "$1" list -o json | jq -r '[.members[].name] | join(" ")')" \
	    = "$2" ]
}

# often NODE...: they take checkpoints often.
often() {
	for node; do
		printf 'consensus:\n  checkpoint_interval: 16\n' \
			>>"c/$node/aegis.yaml"
	done
}

# newcomer NODE: a data directory with keys, a configuration and its own part.
newcomer() {
	address=127.0.0.1:$(ports 1)
	exits 0 "$AEGIS" node init -q -D "$dir/c/$1" -n "$1" -l "$address"
	cat >"c/$1/aegis.yaml" <<-YAML
	node:
	  name: $1
	  data_dir: $dir/c/$1
	net:
	  listen: $address
	api:
	  socket: $dir/c/$1/aegis.sock
	log:
	  file: $dir/c/$1/node.log
	YAML
	often "$1"
}

# run NODE: start it; its process is in $process_NODE.
run() {
	"$AEGIS" node run -c "c/$1/aegis.yaml" >"c/$1/out" 2>&1 &
	eval "process_$1=$!"
	started="$started $!"
}
stop() {
	eval "process=\$process_$1"
	# shellcheck disable=SC2154 # that is what it is called
	kill "-$2" "$process" 2>/dev/null
	wait "$process" 2>/dev/null
}

# signal NAME NODE...: to their processes.
signal() {
	what=$1
	shift
	for node; do
		eval "process=\$process_$node"
		kill "-$what" "$process"
	done
}

# proposed NODE MEMBER: the change that brings this member is in its log.
proposed() {
	wanted=$(sed -n 's/.*node-key //p' "c/$2/member" | tr -d '\n' | xxd -p -c 0)
	for segment in "c/$1"/log/wal-*.log; do
		# shellcheck disable=SC2154 # lib.sh has it
		python3 "$top/tests/cluster/reseal.py" "$segment" find \
			"$wanted" >proposed.out 2>&1 && return 0
	done
	return 1
}

# writer NAME NODE: write NAME-1, NAME-2, ... through NODE until the file stop
# is there; those that were acknowledged are in NAME.done.
writer() {
	i=0
	while [ ! -e stop ]; do
		i=$((i + 1))
		ask "$2" put "$1-$i" "$i" -q -t 20s 2>>"$1.err" &&
			echo "$1-$i $i" >>"$1.done"
		pause 0.2
	done
}

# nothing_lost NODE: every acknowledged write is there.
nothing_lost() {
	ask "$1" list -o json >held || fail "$1 lists nothing"
	cat -- *.done | while read -r key value; do
		printf '{"key":"%s","value":"%s"}\n' "$key" "$value"
	done | jq -s . >acknowledged
	lost=$(jq -r --slurpfile held held \
		'. - ($held[0].entries | map({key, value})) | map(.key) |
		join(" ")' acknowledged)
	[ -z "$lost" ] || fail "lost: $lost"
}
