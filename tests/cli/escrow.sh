#!/bin/sh
# aegis escrow: whole ceremonies with files alone; what needs a cluster is in
# tests/cluster/escrow.sh.  Packages are judged by a second implementation too.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

judge=$top/tests/cli/escrow_check.py
known=$top/tests/fuzz/corpus/escrow_package

misused "$AEGIS" escrow
misused "$AEGIS" escrow init
misused "$AEGIS" escrow init -k 1 -c a.pub -c b.pub -s s -o p
misused "$AEGIS" escrow init -k 3 -c a.pub -c b.pub -s s -o p
misused "$AEGIS" escrow init -k 2 -n 3 -c a.pub -c b.pub -s s -o p
complains "-n says 3 custodians, and there are 2"
misused "$AEGIS" escrow init -k 2 -c a.pub -c b.pub -s s
misused "$AEGIS" escrow init -k 2 -c a.pub -c b.pub -o p
misused "$AEGIS" escrow init -k 2 -c a.pub -c b.pub -s s -o p -d soon
misused "$AEGIS" escrow check
misused "$AEGIS" escrow refresh p
misused "$AEGIS" escrow request p --reason x -o r
misused "$AEGIS" escrow request p --reason x --to y -o -
misused "$AEGIS" escrow approve r
misused "$AEGIS" escrow submit r -i k
misused "$AEGIS" escrow recover r s -i k

# with_pass COMMAND...: with the passphrase of every key here.
with_pass() {
	"$@" --passphrase-fd 7 7<pass
}

# Custodians' keys are sealed, have names, and prove that they are possessed.
echo 'correct horse' >pass
for who in alice bob carol dave; do
	exits 0 with_pass "$AEGIS" keygen -q -t ristretto255 -C "$who" -o "$who"
done
exits 0 with_pass "$AEGIS" keygen -q -t ristretto255 -o nameless
exits 2 with_pass "$AEGIS" keygen -t ristretto255 -T node -o none
exits 2 with_pass "$AEGIS" keygen -t ristretto255 -F openssh -o none
complains 'kept sealed'
exits 0 "$AEGIS" keygen show alice
says '(RISTRETTO255)'
cp out shown
exits 0 "$AEGIS" keygen show alice.pub
cmp -s out shown || fail "a key is shown otherwise than its public half"
exits 0 "$AEGIS" keygen public alice
cmp -s out alice.pub || fail "a key has two public lines"
exits 0 with_pass "$AEGIS" keygen check alice
grep -q 'BEGIN AEGIS SEALED KEY' alice ||
	fail "a custodian's key is not sealed"
exits 3 with_pass "$AEGIS" sign -i alice pass
complains 'for escrow'
exits 0 "$AEGIS" keygen -q -t x25519 -o dora
exits 0 "$AEGIS" keygen -q -o ssh
(umask 077 && head -c 3000 /dev/urandom >secret)

# Somebody else's proof of possession makes no key.
python3 - <<'END'
import base64
def blob(name):
    return base64.b64decode(open(name + ".pub").read().split()[1])
alice, bob = blob("alice"), blob("bob")
rogue = base64.b64encode(alice[:-64] + bob[-64:]).decode()
open("rogue.pub", "w").write("aegis-ristretto255 %s mallory\n" % rogue)
END
exits 11 "$AEGIS" escrow init -k 2 -c bob.pub -c rogue.pub -s secret -o no
complains 'rogue.pub: public key is refused: nothing proves'

# What can not be put into escrow.
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c alice.pub -s secret -o no
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c ssh.pub -s secret -o no
complains 'keygen -t ristretto255'
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c nameless.pub -s secret -o no
complains 'no name behind the key'
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c gone.pub -s secret -o no
sed 's/ alice$/ bob/' alice.pub >also_bob.pub
exits 3 "$AEGIS" escrow init -k 2 -c bob.pub -c also_bob.pub -s secret -o no
complains 'two custodians have the name bob'
: >empty && chmod 600 empty
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c bob.pub -s empty -o no
head -c 65537 /dev/zero >large && chmod 600 large
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c bob.pub -s large -o no
cp secret shared && chmod 644 shared
exits 4 "$AEGIS" escrow init -k 2 -c alice.pub -c bob.pub -s shared -o no
[ ! -e no ] || fail "what was refused was written"

# deal K FILE OPTION...: a package of all four, without a cluster.
deal() {
	k=$1 file=$2
	shift 2
	exits 0 "$AEGIS" escrow init -k "$k" -n 4 -c alice.pub -c bob.pub \
		-c carol.pub -c dave.pub -s secret -d 1s -o "$file" "$@"
}
deal 2 p
complains 'a secret of 3000 bytes: any 2 of 4 custodians bring it back'
exits 3 "$AEGIS" escrow init -k 2 -c alice.pub -c bob.pub -s secret -o p
complains '--force replaces it'

# Anybody checks it, and so does who has read nothing but the manual.
exits 0 "$AEGIS" escrow check p
says 'secret    3000 bytes, back with 2 of 4 custodians'
says 'delay     1 s at least'
says 'none: the custodians alone decide'
exits 0 "$AEGIS" escrow check p -o json
jq -e '.k == 2 and .n == 4 and .delay_ms == "1000" and
	.cluster_id == null and .rehearsal_of == null and .refreshes == 0 and
	[.custodians[].name] == ["alice", "bob", "carol", "dave"] and
	all(.custodians[]; .share == "verified")' out >/dev/null ||
	fail "check: $(cat out)"
exits 0 python3 "$judge" p
says ' 2 alice,bob,carol,dave'
exits 0 "$AEGIS" escrow check p -o csv
[ "$(wc -l <out)" = 5 ] || fail "csv: $(cat out)"
exits 0 with_pass "$AEGIS" escrow check p -i carol -o json
[ "$(jq -r '.custodians[] | select(.share == "opens").name' out)" = carol ] ||
	fail "carol's own: $(cat out)"
exits 1 with_pass "$AEGIS" escrow check p -i nameless
exits 3 "$AEGIS" escrow check p -i dora
complains 'it is of type x25519'

# A package that was made long ago, with keys that are known.
exits 0 "$AEGIS" escrow check "$known/dealt" -o value
[ "$(paste -sd ' ' out)" = 'a b c' ] || fail "known: $(cat out)"
exits 0 "$AEGIS" escrow check "$known/refreshed"
says 'back with 2 of 2 custodians'
says 'removed'
key_of() {
	python3 -c 'print((1000 + int("'"$1"'")).to_bytes(32, "little").hex())'
}
exits 0 python3 "$judge" "$known/refreshed" "1:$(key_of 1)" "2:$(key_of 2)"
says opens

# Damage is told; each half of it by the other implementation, too.
size=$(wc -c <p)
for at in 40 400 700 $((size - 1)); do
	python3 - "$at" <<'END'
import sys
data = bytearray(open("p", "rb").read())
data[int(sys.argv[1])] ^= 1
open("bad", "wb").write(data)
END
	exits 8 "$AEGIS" escrow check bad
	! python3 "$judge" bad >/dev/null 2>&1 ||
		fail "damage at $at is noticed by us alone"
done
head -c 500 p >short
exits 8 "$AEGIS" escrow check short
exits 8 "$AEGIS" escrow check secret
complains 'it is no escrow package'
exits 3 "$AEGIS" escrow check nowhere

# Asked for, offline: nobody is alerted, and it says so.
exits 11 "$AEGIS" escrow request p --reason 'n2 burnt' --to dora.pub -o ask
complains 'names no cluster; make the request with --offline'
exits 11 "$AEGIS" escrow request p --reason x --to dora.pub -o ask -d 10ms \
	--offline
exits 3 "$AEGIS" escrow request p --reason x --to ssh.pub -o ask --offline
exits 2 "$AEGIS" escrow request p --reason '' --to dora.pub -o ask --offline
exits 0 "$AEGIS" escrow request p --reason 'n2 burnt' --to dora.pub -o ask \
	-d 1h --offline
complains "each custodian's own clock decides"
exits 11 "$AEGIS" escrow prove ask
exits 11 "$AEGIS" escrow approve ask -i ssh
complains 'nobody approves'
exits 0 "$AEGIS" escrow show ask --output json
jq -e '.reason == "n2 burnt" and .delay_s == "3600" and .offline and
	(.ready | not) and .rehearsal == false' out >/dev/null ||
	fail "show: $(cat out)"
exits 11 with_pass "$AEGIS" escrow submit ask -i alice -o s
complains "--offline takes this machine's clock"
exits 11 with_pass "$AEGIS" escrow submit ask -i alice -o s --offline
complains 'still to wait'
[ ! -e s ] || fail "a share was made too early"

# ask FILE PACKAGE: a request that has waited.
ask() {
	exits 0 "$AEGIS" escrow request "$2" --reason 'n2 burnt' \
		--to "$(cat dora.pub)" -o "$1" -f --offline
	deadline=$(($(date +%s) + 30))
	until "$AEGIS" escrow show "$1" --offline -o json |
		jq -e .ready >/dev/null; do
		[ "$(date +%s)" -lt "$deadline" ] || fail "it waits for ever"
		sleep 0.1
	done
}

# answer REQUEST WHO SHARE
answer() {
	exits 0 with_pass "$AEGIS" escrow submit "$1" -i "$2" -o "$3" --offline
}
ask ask p
exits 11 with_pass "$AEGIS" escrow submit ask -i nameless -o s --offline
exits 3 with_pass "$AEGIS" escrow submit ask -i ssh -o s --offline
deal 2 other
exits 11 with_pass "$AEGIS" escrow submit ask -i alice -o s -p other --offline
complains 'for another package than other'
exits 0 with_pass "$AEGIS" escrow submit ask -i alice -o a -p p --offline
complains 'for: n2 burnt'
answer ask dave d
exits 3 with_pass "$AEGIS" escrow submit ask -i alice -o a --offline

# Too few, the same twice, somebody else's key, and then enough.
exits 11 "$AEGIS" escrow recover ask a a -i dora -o back
complains '1 good shares of different custodians, and it takes 2'
exits 0 "$AEGIS" keygen -q -t x25519 -o eve
exits 11 "$AEGIS" escrow recover ask a d -i eve -o back
complains 'the share of alice does not open with this key'
[ ! -e back ] || fail "something came out"
exits 0 "$AEGIS" escrow recover ask a d -i dora -o back
cmp -s back secret || fail "it is not what was put in"
[ "$(stat -c %a back)" = 600 ] || fail "back has mode $(stat -c %a back)"
exits 3 "$AEGIS" escrow recover ask a d -i dora -o back
"$AEGIS" escrow recover -q ask a d -i dora -o - >printed ||
	fail "nothing is printed"
cmp -s printed secret || fail "what is printed is something else"

# Bad shares are named and left out.
python3 - <<'END'
data = bytearray(open("a", "rb").read())
data[-3] ^= 1
open("forged", "wb").write(data)
END
exits 0 "$AEGIS" escrow recover ask forged secret a d -i dora -o back -f
complains "forged left out: it is said to be alice's, who has not signed it"
complains 'secret left out'
cmp -s back secret || fail "with a forged share it is something else"
exits 11 "$AEGIS" escrow recover ask forged d -i dora -o none
[ ! -e none ] || fail "something came out of too few"
ask again p
exits 11 "$AEGIS" escrow recover again a d -i dora -o none
complains 'a left out: it answers another request'

# New shares; who is removed has none, and old ones do not go with new ones.
exits 1 "$AEGIS" escrow refresh p --remove erin -o new
exits 11 "$AEGIS" escrow refresh p --remove alice --remove bob \
	--remove carol -o new
complains '1 custodians would be left'
exits 0 "$AEGIS" escrow refresh p --remove dave -o new
exits 0 "$AEGIS" escrow check new
says 'refreshed 1 times'
exits 0 python3 "$judge" new
says ' 2 alice,bob,carol'
exits 1 with_pass "$AEGIS" escrow check new -i dave
ask newask new
exits 11 with_pass "$AEGIS" escrow submit newask -i dave -o d2 --offline
answer newask alice a2
answer newask carol c2
exits 11 "$AEGIS" escrow recover newask a2 d -i dora -o none
exits 0 "$AEGIS" escrow recover newask a2 c2 -i dora -o back -f
cmp -s back secret || fail "a refresh changed the secret"

# A rehearsal says that it is one, and needs no secret.
rm secret
exits 0 "$AEGIS" escrow rehearse new -o drill
complains 'a rehearsal of'
exits 0 "$AEGIS" escrow check drill -o json
exits 0 "$AEGIS" escrow check drill
says 'REHEARSAL of package'
ask drillask drill
exits 0 "$AEGIS" escrow show drillask --offline
says 'rehearsal    true'
answer drillask alice ra
complains 'rehearsal: share made'
answer drillask bob rb
exits 0 "$AEGIS" escrow recover drillask ra rb -i dora -o canary
complains 'no secret was touched'
grep -q 'this is no secret' canary || fail "canary: $(cat canary)"
exits 11 "$AEGIS" escrow recover newask ra rb -i dora -o none

# Killed at any moment, a file is whole or not there.
mv back secret
for moment in 2 4 8 12 16 20 30; do
	rm -f k
	timeout -s KILL "0.0$(printf %02d $moment)" "$AEGIS" escrow init -q \
		-k 2 -c alice.pub -c bob.pub -s secret -o k 2>/dev/null
	[ ! -e k ] || exits 0 "$AEGIS" escrow check k
	cp p k2
	timeout -s KILL "0.0$(printf %02d $moment)" \
		"$AEGIS" escrow refresh -q p -f -o k2 2>/dev/null
	exits 0 "$AEGIS" escrow check k2
done
