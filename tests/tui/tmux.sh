#!/bin/bash
# A real terminal shows what --once prints: tmux.sh AEGIS
set -eu
aegis=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
socket=aegis-tui-$$
export LC_ALL=C.UTF-8
tm() {
	tmux -L "$socket" -f /dev/null "$@"
}
trap 'tm kill-server 2>/dev/null || :; rm -rf "$work"' EXIT
failed=0

# A frame has been written; what it shows is compared later.
frame() {
	read -r -t 20 _ <&8 || {
		echo "$session: no frame for $screen"
		exit 1
	}
}

# One that stays: a server that has just lost its last session ends, and a
# client that comes meanwhile is turned away.
tm new-session -d -s stays 'exec cat'
for size in 40x10 60x20 80x24 140x40; do
	for name in degraded hostile n7; do
		run="$aegis tui --fixture $here/fixtures/$name.json --clock 2026-11-24T04:31:07Z"
		mkfifo "$work/frames"
		session=$name-$size
		tm new-session -d -s "$session" -x "${size%x*}" -y "${size#*x}" \
		    "exec $run --frame-fd 9 9>$work/frames"
		exec 8<"$work/frames"
		screen=overview
		frame
		key=1
		for screen in overview nodes consensus alerts logs; do
			if [ $key -gt 1 ]; then
				tm send-keys -t "$session" "$key"
				frame
			fi
			$run --once "$screen" --size "$size" >"$work/want"
			# A frame written is not yet a frame parsed by tmux:
			# a look that differs is repeated for a while.  So
			# it does not matter that a mark may be of a frame
			# before the one that the key asks for.
			for _ in $(seq 100); do
				tm capture-pane -t "$session" -p >"$work/have"
				cmp -s "$work/want" "$work/have" && break
				tm run-shell -t "$session" -d 0.05 'true'
			done
			if ! diff "$work/want" "$work/have"; then
				echo "$name $size $screen differs"
				failed=1
			fi
			key=$((key + 1))
		done
		tm send-keys -t "$session" q
		cat <&8 >/dev/null
		exec 8<&-
		rm "$work/frames"
	done
done
[ "$failed" = 0 ] && echo "tmux shows what --once prints"
exit "$failed"
