#!/bin/sh
# aegis consensus-inspect over the files of a development cluster of one that
# was killed, and over whatever else it is given.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

inspect() {
	"$AEGIS" consensus-inspect "$@"
}

# What is on the disk, to see that looking changes nothing.
print_of() {
	(cd "$1" && find . -printf '%p %s %T@\n' | sort &&
		find . -type f -exec cksum {} + | sort)
}

# Usage.
misused inspect
misused inspect voets
complains 'did you mean votes?'
misused inspect votes
misused inspect votes 0
misused inspect votes -- -1
misused inspect votes 99999999999999999999
misused inspect cert seven
misused inspect rounds --limit 0
misused inspect rounds --from x
misused inspect views --limit many
misused inspect views --follow
misused inspect rounds --follow --data d
complains '--follow needs a running node'
misused inspect rounds --follow --limit 0
misused inspect rounds --follow --from x
misused inspect status extra
misused inspect trace
misused inspect trace 17
complains "REQUEST-ID '17' is none"
none=$(printf '%064d' 0).7
misused inspect trace "${none}x"
misused inspect trace "$none" d --data e
misused inspect diff
misused inspect diff d
misused inspect diff d e --at 0
misused inspect diff d e --data f
misused inspect replay
misused inspect replay d --data e
misused inspect replay d --from 0
misused inspect replay d --limit none
misused inspect verify
misused inspect verify file
complains '--roster FILE is needed'
misused inspect verify file --data d --roster r

# No node, no directory, no file.
export AEGIS_SOCKET="$dir/none"
for command in status rounds 'rounds --follow' views 'votes 1' 'cert 1'; do
	# shellcheck disable=SC2086 # a command and its operand
	exits 5 inspect $command
	silent
done
exits 3 inspect status --data nowhere
complains 'nowhere/log'
mkdir -p empty/log
exits 3 inspect status --data empty
complains 'no log is there'
[ "$(find empty | wc -l)" = 2 ] || fail "looking made files in empty"

exits 5 inspect trace "$none"
exits 3 inspect replay nowhere
complains 'replay nowhere'
exits 3 inspect replay /dev/null
complains 'is named wal-'
exits 3 inspect diff nowhere /dev/null
complains 'find node nowhere'
exits 3 inspect trace "$none" nowhere
complains 'find node nowhere'
exits 3 inspect trace "$none" /dev/null
complains "neither a node's socket nor its data"

# Two clusters of one; the first gets a history and is killed.
for cluster in a b; do
	"$AEGIS" cluster init -q --nodes 1 $cluster || fail 'cluster init'
done
trap '"$AEGIS" cluster down -q a >/dev/null 2>&1; rm -rf "$dir"' EXIT
"$AEGIS" cluster up -q a || fail 'cluster up'
i=0
while [ $i -lt 6 ]; do
	i=$((i + 1))
	"$AEGIS" kv put -q -s a/n1/aegis.sock "key$i" "value $i" ||
		fail 'kv put'
done

# While it runs its files are not for us, but it can be asked.
for place in a/n1 a/n1/log a/n1/log/wal-0000000000000001.log; do
	exits 10 inspect replay $place --roster a/roster
	complains 'a running node uses it'
	silent
done
exits 10 inspect status --data a/n1
complains 'a running node uses it'
silent
export AEGIS_SOCKET="$dir/a/n1/aegis.sock"
exits 0 inspect status
says 'primary        n1'
exits 0 inspect rounds --limit 2 -o value
[ "$(tr '\n' ' ' <out)" = '6 5 ' ] || fail "rounds: $(cat out)"
exits 0 inspect rounds --from 3 -o value
[ "$(tr '\n' ' ' <out)" = '3 2 1 ' ] || fail "rounds: $(cat out)"
exits 0 inspect rounds --follow --from 2 --limit 3 -o value
[ "$(tr '\n' ' ' <out)" = '2 3 4 ' ] || fail "followed: $(cat out)"
exits 0 inspect rounds --follow --from 5 --limit 2 -o json
[ "$(grep -c '^{"v":1,"seq":"[56]".*"phase":"EXECUTED"' out)" = 2 ] ||
	fail "followed: $(cat out)"
exits 0 inspect rounds --follow --from 1 --limit 1
says 'TOOK US'
unmoved
exits 2 inspect rounds --follow -o cbor
# Nobody reads on: it ends, although nothing happens.  Stopped, it is cut
# between lines.
(
	timeout 20 "$AEGIS" consensus-inspect rounds --follow --from 6 -o value
	echo $? >code
) | head -n 1 >out
[ "$(cat out)" = 6 ] || fail "followed: $(cat out)"
[ "$(cat code)" = 141 ] || fail "a reader that left: exit $(cat code)"
# What a shell starts behind it would not hear INT.
env --default-signal=INT "$AEGIS" consensus-inspect rounds --follow --from 5 \
	-o value >followed &
follower=$!
for _ in $(seq 200); do
	[ "$(wc -l <followed)" -lt 2 ] || break
	sleep 0.1
done
kill -INT $follower
wait $follower
code=$?
[ "$code" = 130 ] || fail "interrupted: exit $code"
[ "$(tr '\n' ' ' <followed)" = '5 6 ' ] || fail "interrupted: $(cat followed)"
exits 0 inspect votes 4 -o csv
says 'n1,true,false,4,0,'
exits 1 inspect votes 400
exits 0 inspect views -o value
[ "$(cat out)" = 0 ] || fail "views: $(cat out)"
exits 1 inspect cert 99
exits 8 inspect cert 5 --roster b/roster
complains 'another cluster'
silent
exits 0 inspect cert 5 -o cbor
cp out 5.live
exits 0 inspect verify 5.live --roster a/roster
says 'kind        prepare'
says 'seq         5'
says 'signers     n1'
exits 2 inspect status -o cbor
complains 'no such form'

# Dead, it is read; nothing there changes, and the socket is not needed.
"$AEGIS" cluster kill a n1 >/dev/null || fail 'cluster kill'
export AEGIS_SOCKET="$dir/none"
before=$(print_of a/n1)
exits 0 inspect status --data a/n1 --roster a/roster
says 'node           n1'
says 'executed       6'
says 'committed      6'
exits 0 inspect status --data a/n1
says 'members        -'
exits 0 inspect rounds --data a/n1 -o jsonl --roster a/roster
[ "$(grep -c '"phase":"EXECUTED"' out)" = 6 ] || fail "rounds: $(cat out)"
says '"prepares":["n1"]'
exits 0 inspect rounds --data a/n1 --from 4 --limit 2 -o value
[ "$(tr '\n' ' ' <out)" = '4 3 ' ] || fail "rounds: $(cat out)"
exits 0 inspect votes 3 --data a/n1 -o csv
says '#0,true,false,3,0,'
exits 1 inspect votes 7 --data a/n1
complains 'nothing is kept of round 7'
exits 0 inspect views --data a/n1 -o json --roster a/roster
says '"views":[{"view":"0","primary":"n1","state":"ENTERED"'
exits 2 inspect cert 5 --data a/n1 -o json
silent
complains 'give --roster FILE'
exits 1 inspect cert 7 --data a/n1 --roster a/roster
exits 1 inspect cert 1 --checkpoint --data a/n1 --roster a/roster
exits 0 inspect cert 5 --data a/n1 --roster a/roster -o cbor
cp out 5.dead
cmp -s 5.live 5.dead || fail 'the dead certificate differs from the live one'
exits 0 inspect verify --data a/n1 --roster a/roster
says 'commit_certificates      6'
says 'batches                  6'
says 'problems                 0'
unmoved
exits 0 inspect verify --data a/n1 --roster a/roster -q
silent
exits 0 inspect verify --data a/n1 --roster a/roster -o json
says '"problem_count":"0","problems":[]'
misused inspect verify --data a/n1

# The engine steps through it as at a start: six rounds, and nothing to do.
exits 3 inspect replay a/n1
complains 'give --roster FILE'
exits 10 inspect replay a/n1 --roster b/roster
complains 'another cluster'
exits 0 inspect replay a/n1 --roster a/roster -o jsonl
unmoved
[ "$(grep -c '"kind":"committed".*"phase":"COMMITTED"' out)" = 6 ] ||
	fail "replayed: $(cat out)"
tail -n 1 out | grep -q '"kind":"start","seq":"6".*"executes nothing' ||
	fail "started: $(tail -n 1 out)"
exits 0 inspect replay a/n1 --roster a/roster --from 2 --limit 2 -o value
[ "$(head -n 2 out | tr '\n' ' ')" = '2 3 ' ] || fail "from 2: $(cat out)"
exits 0 inspect replay a/n1/log --roster a/roster --limit 1 -o value
[ "$(cat out)" = 1 ] || fail "a log: $(cat out)"
exits 0 inspect replay a/n1/log/wal-0000000000000001.log \
	--roster a/roster --limit 1 -o csv
says ',1,96'
misused inspect replay a/n1 --roster a/roster --interval 9999
exits 0 inspect replay a/n1 --roster a/roster -q
silent
[ "$before" = "$(print_of a/n1)" ] || fail 'looking changed the directory'

# The roster beside the data is found.
cp a/roster a/n1/roster
exits 0 inspect verify --data a/n1
rm a/n1/roster

# Another cluster's roster, one not all have signed, one that is none.
exits 8 inspect verify 5.live --roster b/roster
complains 'it is of another cluster'
exits 8 inspect verify --data a/n1 --roster b/roster
complains 'its log belongs to another cluster'
exits 10 inspect rounds --data a/n1 --roster b/roster
sed '/^[[:blank:]]*signature/d' a/roster >unsigned
exits 8 inspect verify 5.live --roster unsigned
complains 'not every member has signed'
exits 3 inspect verify 5.live --roster 5.live
exits 3 inspect verify 5.live --roster nowhere

# Files that are no certificate; a good one beside them is still told.
exits 3 inspect verify nowhere --roster a/roster
complains 'open nowhere'
exits 3 inspect verify a --roster a/roster
complains 'not a regular file'
: >nothing
exits 8 inspect verify nothing --roster a/roster
complains 'ends at byte 0'
exits 8 inspect verify a/roster --roster a/roster
complains 'not an exported certificate'
head -c 200000 /dev/zero >zeros
exits 8 inspect verify zeros --roster a/roster
complains 'longer than any'
exits 8 inspect verify nothing 5.live --roster a/roster -o value
says 5
[ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
exits 8 inspect verify nothing --roster a/roster -o json
says '"certificates":[]'
grep -q '"exit":8' err || fail "no error object: $(cat err)"

# Cut anywhere it says where; changed anywhere it does not pass.  Each seventh
# place: it is starting a program twice that takes long.
size=$(wc -c <5.live)
i=0
while [ "$i" -lt "$size" ]; do
	head -c $i 5.live >short
	exits 8 inspect verify short --roster a/roster
	complains "ends at byte $i"
	{
		head -c $i 5.live
		tail -c +$((i + 1)) 5.live | head -c 1 | tr '\000-\377' \
			'\200-\377\000-\177'
		tail -c +$((i + 2)) 5.live
	} >flipped
	inspect verify flipped --roster a/roster >out 2>err
	code=$?
	# A newer format is not for us to judge.
	[ $code = 8 ] || [ $code = 3 ] || fail "byte $i changed: exit $code"
	[ "$(wc -l <err)" = 1 ] || fail "byte $i changed: $(cat err)"
	i=$((i + 7))
done
{
	cat 5.live
	echo
} >longer
exits 8 inspect verify longer --roster a/roster
complains '1 bytes too many'

# A damaged log: what is before is shown, file and offset are named.
cp -r a/n1 damaged
log=damaged/log/wal-0000000000000001.log
printf 'XXXX' | dd of=$log bs=1 seek=200 conv=notrunc 2>/dev/null
exits 8 inspect status --data damaged --roster a/roster
says 'last_record'
complains "$log: record"
complains 'at offset'
exits 8 inspect verify --data damaged --roster a/roster -o json
grep -q 'is damaged' out || fail "no problem told: $(cat out)"
printf 'XXXX' | dd of=$log bs=1 seek=20 conv=notrunc 2>/dev/null
exits 8 inspect replay damaged --roster a/roster
complains 'its head is damaged'
exits 8 inspect rounds --data damaged
complains 'its head is damaged'
rm damaged/log/*
exits 3 inspect verify --data damaged --roster a/roster

# What no engine writes is refused with the record and the place.
reseal() {
	rm -rf damaged
	cp -r a/n1 damaged
	python3 "$top/tests/cluster/reseal.py" $log append "$1" ||
		fail "reseal $1"
}
reseal 840999f4f6
exits 8 inspect replay damaged --roster a/roster -o jsonl
says '"kind":"committed"'
grep -q 'wal-0000000000000001.log: record [0-9]* at offset [0-9]*: ' err ||
	fail "no place: $(cat err)"
# A view begun by what is no NEW_VIEW, and by one with nothing inside.
for new_view in 4100 "584985140981810180$(printf '5840%0128d' 0)"; do
	reseal "840409f4$new_view"
	exits 8 inspect replay damaged --roster a/roster
	says 'stops: the log holds a new view that cannot be read'
	complains 'at offset'
done
rm -rf damaged
mkdir damaged damaged/log

# A state that is gone or damaged is told, and the log still shown.
rm -rf damaged
cp -r a/n1 damaged
rm -rf damaged/state
exits 3 inspect status --data damaged --roster a/roster
says 'committed      6'
says 'executed       -'
complains 'damaged/state'
exits 8 inspect verify --data damaged --roster a/roster
mkdir damaged/state
head -c 8192 /dev/urandom >damaged/state/state.db
exits 8 inspect status --data damaged --roster a/roster
complains 'state.db'
exit 0
