#!/bin/sh
# aegis backup with a real cluster: make, list, verify, damage, restore.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

trap '"$AEGIS" cluster down c >/dev/null 2>&1; rm -rf "$dir"' EXIT
backup() {
	"$AEGIS" backup "$@"
}

# Usage and what is not there.
misused backup create
misused backup create -R repo --roster r
misused backup list
misused backup verify -R repo
misused backup verify -R repo --all latest
misused backup verify -R repo --all --roster r
misused backup restore -R repo latest
exits 3 backup list -R nowhere
complains "there is none"
exits 0 "$AEGIS" keygen -T backup -o key
exits 0 "$AEGIS" keygen -T backup -o other

exits 0 "$AEGIS" cluster init c
exits 0 timeout 60 "$AEGIS" cluster up c
export AEGIS_SOCKET="$dir/c/n1/aegis.sock"
exits 0 "$AEGIS" kv put color blue
exits 0 "$AEGIS" kv put shape round

# A repository is made in an empty place only.
mkdir full && : >full/file
exits 11 backup create -R full -r key.pub --roster c/roster
complains "it holds file"
exits 0 backup create -R repo -r key.pub --roster c/roster
says trial-1
exits 0 "$AEGIS" kv put color green
exits 0 backup create -R repo -r key.pub --roster c/roster -q
silent
exits 0 backup create -R repo -r key.pub --roster c/roster -o value
[ "$(wc -c <out)" = 65 ] || fail "not an id: $(cat out)"

# A state that the roster's members did not certify is refused.
exits 0 "$AEGIS" cluster init d
exits 8 backup create -R repo -r key.pub --roster d/roster
complains "another cluster's"

exits 0 backup list -R repo -o json
jq -e '.backups | length == 3 and .[1].number == "2" and
	.[1].previous == .[0].id' out >/dev/null || fail "list: $(cat out)"
exits 0 backup show -R repo latest
says trial-3
exits 1 backup show -R repo trial-4

exits 0 backup verify -R repo --all
says "trial-1: whole"
exits 0 backup verify -R repo --all -i key --roster c/roster
says "trial-2: certified"
exits 4 backup verify -R repo trial-1 -i other
complains "sealed for another key"
exits 8 backup verify -R repo trial-1 -i key --roster d/roster

# Restore, while the cluster is down.
exits 0 "$AEGIS" cluster down c
exits 5 backup create -R repo -r key.pub --roster c/roster
exits 0 backup restore -R repo trial-1 -i key --to new
[ -s new/state/state.db ] || fail "no state restored"
cmp -s new/roster.restored c/roster || fail "not the roster that was"
grep -q '^cluster trial$' new/restored || fail "restored: $(cat new/restored)"
exits 3 backup restore -R repo trial-1 -i key --to new
complains "exists already"

# The next incarnation's roster begins with that state.
exits 0 "$AEGIS" roster member -n n1 -a 127.0.0.1:7001 -d c/n1 -o n1.member
exits 0 "$AEGIS" roster create -n trial --restored new/restored -o next \
	n1.member
grep -q '^incarnation 1$' next || fail "incarnation: $(cat next)"
grep -q "^first-seq $(sed -n 's/^seq //p' new/restored)\$" next ||
	fail "first-seq: $(cat next)"
grep -q "^genesis-state $(sed -n 's/^digest //p' new/restored)\$" next ||
	fail "genesis-state: $(cat next)"
exits 3 "$AEGIS" roster create -n trial --restored next -o bad n1.member

# What is not there can not be verified: not that nothing is there either.
exits 0 backup list -R repo
cp -r repo bare && rm bare/snap/*
exits 1 backup verify -R bare --all
complains "the repository is empty"
exits 1 backup verify -R bare --all -i key
exits 0 backup list -R bare -o json
exits 1 backup restore -R bare latest -i key --to nothing
[ ! -e nothing ] || fail "restored nothing to a directory"

# Damage is found, with the file's name, and leaves nothing restored.
pack=$(find repo/packs -type f | head -n 1)
size=$(wc -c <"$pack")
printf 'XXXX' | dd of="$pack" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
exits 8 backup verify -R repo --all
complains "${pack##*/}"
exits 8 backup verify -R repo --all -i key
complains "${pack##*/}"
rm "$pack"
exits 8 backup verify -R repo --all
complains missing
# Without any key: the one in the middle is missed.
rm repo/snap/trial-2-*
exits 8 backup verify -R repo --all
complains "taken away"
