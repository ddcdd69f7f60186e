#!/bin/bash
# A cluster of which one member's key is in a token that can be told what to do
# (tests/fixture/token_module.c), and another's in SoftHSM.  The token hangs,
# lies, is taken away and comes back; the cluster goes on, and so does it.  The
# keyring of a third is opened by the first token when it starts, and only then.
# Environment: AEGIS, TOKEN_MODULE.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

module=${TOKEN_MODULE:-$top/build/release/tests/fixture/token_module.so}
[ -e "$module" ] || fail "there is no $module: make fake-programs"
softhsm=$(find /usr/lib -name libsofthsm2.so | head -n 1)
if [ -z "$softhsm" ] || ! command -v softhsm2-util >/dev/null; then
	skip "no SoftHSM"
fi

mkdir fake hsm
export TOKEN_TEST_DIR=$dir/fake SOFTHSM2_CONF=$dir/hsm.conf
echo "directories.tokendir = $dir/hsm" >hsm.conf
softhsm2-util --init-token --free --label ops --so-pin 87654321 --pin 1234 \
	>out 2>&1 || fail "softhsm2-util: $(cat out)"
(umask 077 && echo 1234 >pin && echo 4321 >wrong)
fake="pkcs11:token=fake;object=node?module-path=$module&pin-source=file:$dir/pin"
ring="pkcs11:token=fake;object=node;type=secret-key?${fake#*\?}"
ops="pkcs11:token=ops;object=n3?module-path=$softhsm&pin-source=file:$dir/pin"

# told WORD: what the token does from now on; nothing: what it should.
told() {
	echo "$1" >fake/fault.new
	mv fake/fault.new fake/fault
}

# Keys are made in the tokens; one that is there is not taken.
port=$(($(ports 4) - 1))
told ''
mkdir c
for n in 1 3 4 2; do
	set -- node init -q -D "c/n$n" -n "n$n" -l "127.0.0.1:$((port + n))"
	case $n in
	2) set -- "$@" --keyring-token "$ring" ;;
	3) set -- "$@" --token "$ops" ;;
	4) set -- "$@" --token "$fake" ;;
	esac
	exits 0 "$AEGIS" "$@"
done
exits 3 "$AEGIS" node init -D c/n5 -n n5 -l 127.0.0.1:1 --token "$fake"
complains 'there is a key node with that label already'
[ ! -e c/n5 ] || fail "what was made for it is left"
grep -q '^ssh-ed25519 .* n4 node key$' c/n4/keys/node.pub ||
	fail "its public half is not in c/n4/keys/node.pub"
[ ! -e c/n4/keys/node ] || fail "n4 has a node key in a file"

exits 0 "$AEGIS" roster create -n demo -o roster c/n?/member
exits 0 "$AEGIS" roster sign -d c/n1 roster
exits 0 "$AEGIS" roster sign -d c/n2 roster
exits 0 "$AEGIS" roster sign -i "$ops" roster
exits 0 "$AEGIS" roster sign -i "$fake" roster
exits 0 "$AEGIS" roster verify roster

n1='' n2='' n3='' n4=''

# start MEMBER: and what it says goes to MEMBER.err.
start() {
	"$AEGIS" node run -c "c/$1/aegis.yaml" 2>>"$1.err" &
	eval "$1=$!"
	started="$started $!"
}

# shows MEMBER WORDS: its status does.
shows() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" 2>&1 | grep -qF -- "$2"
}

# alerts MEMBER NAME: it raises that one.
alerts() {
	curl -sf --unix-socket "c/$1/aegis.sock" http://node/v1/alerts |
		jq -e --arg name "$2" '.alerts | any(.name == $name)' \
			>/dev/null
}

quiet() {
	! alerts "$@"
}

# A wrong PIN ends the start, and is tried once.
for n in 1 2 3 4; do
	cp roster "c/n$n/roster"
done
sed -i 's|file:.*/pin|file:'"$dir"'/wrong|' c/n4/aegis.yaml
exits 4 "$AEGIS" node run -c c/n4/aegis.yaml
complains 'token fake: wrong PIN, and few tries are left'
[ "$(cat fake/tries)" = 1 ] || fail "it was tried $(cat fake/tries) times"
sed -i 's|file:.*/wrong|file:'"$dir"'/pin|' c/n4/aegis.yaml
told removed
exits 3 "$AEGIS" node run -c c/n4/aegis.yaml
complains 'there is no token fake'
[ ! -e c/n2/keys/storage ] || fail "n2 has a key file, too"
exits 3 "$AEGIS" node run -c c/n2/aegis.yaml
complains 'keyring.token: '
complains 'there is no token fake'
told hang
exits 124 "$AEGIS" node run -c c/n2/aegis.yaml -t 500ms
complains 'no answer within 500 ms'
told ''

for n in n1 n2 n3 n4; do
	start "$n"
done
for n in n1 n2 n3 n4; do
	within 20 "$n" shows "$n" "OK"
	has_all() { ask "$n" put "$n" there -q; }
	within 20 "a write at $n" has_all
done
grep -q 'key="key node in token fake (tests, serial 1)"' n4.err ||
	fail "n4 does not say which key it has: $(cat n4.err)"
shows n4 'node key: key node in token fake' || fail "nor in its status"
shows n3 'node key: key n3 in token ops' || fail "n3 does not say"

# gone_and_back FAULT WORDS: n4 says so, gives no votes and serves what it has;
# the others go on, and it comes back when the token does.
round=0
gone_and_back() {
	round=$((round + 1))
	told "$1"
	within 20 "a write without n4's votes" ask n1 put "away$round" "$1"
	within 20 "n4's alert" alerts n4 key_away
	shows n4 "not voting: the key is away: " || fail "n4 does not say so"
	within 20 "why" shows n4 "$2"
	within 20 "others that see that n4 is gone" shows n1 DEGRADED
	exits 0 ask n4 get n4 --consistency local -o value
	[ "$(cat out)" = there ] || fail "n4 has forgotten: $(cat out)"
	exits 5 ask n4 put "no$round" more
	complains 'its key is away'
	within 20 "more writes" ask n2 put "more$round" "$1"
	told ''
	within 20 "n4 as a member" shows n1 OK
	within 20 "n4 itself" shows n4 OK
	within 20 "n4's alert to end" quiet n4 key_away
	within 20 "n4 has what was written meanwhile" \
		has n4 "more$round" "$1"
	within 20 "a write at n4" ask n4 put "back$round" "$1"
}
gone_and_back removed 'there is no token fake'
gone_and_back hang 'it has not answered'
gone_and_back wrong-signature 'does not verify'

# Its votes count: with n2 down nothing is decided without them.
kill "$n2"
within 20 "a write that takes n4's vote" ask n1 put alone no
told removed
within 20 "n4's alert" alerts n4 key_away
if AEGIS_TIMEOUT=2s ask n1 put lost no >out 2>err; then
	fail "two members did what takes three"
fi
told ''
within 20 "n4's vote again" ask n1 put again yes
start n2
within 20 "all of them" shows n1 OK

# A PIN that is not taken any more is not tried again and again.
told removed
within 20 "n4's alert" alerts n4 key_away
echo 2 >fake/tries
told ''
within 20 "n4 that does not try" shows n4 'one more wrong PIN locks it'
# It would have been tried every second.
sleep 2.5
[ "$(cat fake/tries)" = 2 ] || fail "the last try was spent"
# Somebody gives the right one, and it is back without a restart.
echo 0 >fake/tries
within 20 "n4 again" shows n4 OK
grep -q 'signed what no correct' n?.err && fail "evidence: $(cat n?.err)"
kill "$n1" "$n3" "$n4"
wait "$n4" || fail "n4 exited $?: $(tail -n 3 n4.err)"
