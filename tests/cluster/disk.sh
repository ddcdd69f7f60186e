#!/bin/bash
# Disks that are full, fill up under writes, or are read-only.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u

# The disks are mounts that only this script and its children see.
if [ -z "${TRIAL_NAMESPACE:-}" ]; then
	own="unshare --mount"
	[ "$(id -u)" = 0 ] || own="$own --map-root-user"
	$own true 2>/dev/null || {
		echo "${0##*/}: SKIPPED: no private mounts here: $own failed"
		exit 0
	}
	# shellcheck disable=SC2086 # it is words
	exec env TRIAL_NAMESPACE=1 $own "$0"
fi
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# disk SIZE FOLDER: what is in the folder, on a disk of that size.
disk() {
	cp -a "$2" moved
	mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" || fail "mount $2"
	mounted="$mounted $dir/$2"
	cp -a moved/. "$2"
	rm -r moved
}

# run_n3: its node, with what it says in n3.err.
run_n3() {
	"$AEGIS" node run -c c/n3/aegis.yaml 2>n3.err &
	n3=$!
	started="$started $n3"
}

exits 0 "$AEGIS" cluster init -q c
# What n3 says must not be on the disk that is full.
sed -i "s|file: .*|file: $dir/n3.log|" c/n3/aegis.yaml
disk 4m c/n3
exits 0 "$AEGIS" cluster up c

# It fills up under writes: that node ends, all of them are acknowledged.
exits 0 "$AEGIS" cluster down c n3
run_n3
within 30 "n3 takes part" "$AEGIS" node status --socket c/n1/aegis.sock
head -c 60000 /dev/urandom | base64 -w 0 >value
writes=0
while [ "$writes" -lt 60 ]; do
	writes=$((writes + 1))
	exits 0 ask n1 put "k$writes" --file value
done
code=0
wait "$n3" || code=$?
[ "$code" = 3 ] || fail "with a full disk n3 exited $code: $(cat n3.err)"
grep -q "^aegis node run: .*$dir/c/n3/.*No space left on device" n3.err ||
	fail "n3 does not name the disk: $(cat n3.err)"
[ "$(wc -l <n3.err)" = 1 ] || fail "not one line: $(cat n3.err)"
grep -q 'level=error .*No space left on device' n3.log ||
	fail "n3's log has no word of it"
exits 1 "$AEGIS" node status --socket c/n1/aegis.sock
says DEGRADED

# With no space at all it does not start, and harms nothing.
dd if=/dev/zero of=c/n3/fill bs=4k 2>/dev/null
exits 3 timeout 60 "$AEGIS" node run -c c/n3/aegis.yaml
complains "No space left on device"
complains "$dir/c/n3/"

# With space again it comes back with everything.
rm c/n3/fill
mount -o remount,size=64m "$dir/c/n3"
run_n3
within 20 "n3 catches up" has n3 "k$writes" "$(cat value)"
i=0
while [ "$i" -lt "$writes" ]; do
	i=$((i + 1))
	has n3 "k$i" "$(cat value)" || fail "n3 lost k$i"
done
exits 0 ask n3 put after "with space"
within 30 "all is well" "$AEGIS" node status --socket c/n1/aegis.sock

# Read-only: an error with the file, from the node and from every maker.
exits 0 "$AEGIS" cluster down c n4
exits 0 mount --bind c/n4 c/n4
mounted="$mounted $dir/c/n4"
exits 0 mount -o remount,bind,ro "$dir/c/n4"
exits 3 timeout 60 "$AEGIS" node run -c c/n4/aegis.yaml
complains "$dir/c/n4/"
complains "Read-only file system"
ro=c/n4
exits 3 "$AEGIS" keygen -o "$ro/key"
complains "$ro/key: Read-only file system"
exits 3 "$AEGIS" node init -D "$ro/new" -n n1 -l 127.0.0.1:1
complains "$ro/new: Read-only file system"
exits 3 "$AEGIS" cluster init "$ro/new"
complains "$ro/new: Read-only file system"
exits 3 "$AEGIS" roster member -n n1 -a 127.0.0.1:1 -d c/n1 -o "$ro/member"
complains "$ro/member: Read-only file system"
exits 0 "$AEGIS" keygen -T backup -o backup
exits 3 "$AEGIS" backup create -R "$ro/repo" -r backup.pub --roster c/roster \
	--socket c/n1/aegis.sock
complains "Read-only file system"
exits 0 "$AEGIS" backup create -R repo -r backup.pub --roster c/roster \
	--socket c/n1/aegis.sock
exits 3 "$AEGIS" backup restore -R repo latest -i backup --to "$ro/new"
complains "Read-only file system"
exits 0 umount "$dir/c/n4"

# Makers with a disk that fills leave nothing half made.
mkdir small
disk 40k small
dd if=/dev/zero of=small/fill bs=1k count=28 2>/dev/null
exits 3 "$AEGIS" cluster init small/c
complains "No space left on device"
exits 3 "$AEGIS" backup restore -R repo latest -i backup --to small/new
complains "No space left on device"
[ "$(ls small)" = fill ] || fail "left behind: $(find small)"
exits 3 "$AEGIS" backup create -R small/repo -r backup.pub \
	--roster c/roster --socket c/n1/aegis.sock
complains "No space left on device"
left=$(find small/repo -type f ! -name config)
[ -z "$left" ] || fail "left behind: $left"
dd if=/dev/zero of=small/fill bs=1k oflag=append conv=notrunc 2>/dev/null
exits 3 "$AEGIS" keygen -o small/key
complains "No space left on device"
[ ! -e small/key ] || fail "left half a key behind"
exits 0 mount -o remount,size=64m "$dir/small"
exits 0 "$AEGIS" backup create -R small/repo -r backup.pub \
	--roster c/roster --socket c/n1/aegis.sock
exits 0 "$AEGIS" backup verify -R small/repo --all

# An ordinary user's node, in a place that is root's.
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	echo "$name: SKIPPED in part: only root can become another user"
	exit 0
fi
kill "$n3"
wait "$n3" || fail "n3 exited $?: $(cat n3.err)"
chmod 755 "$dir" c
cp "$AEGIS" aegis
chown -R nobody c/n4
chown root c/n4
chmod 755 c/n4
rm -f c/n4/lock
exits 3 timeout 60 setpriv --reuid=nobody --clear-groups ./aegis node run \
	-c c/n4/aegis.yaml
complains "$dir/c/n4/lock: Permission denied"
