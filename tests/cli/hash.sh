#!/bin/sh
# aegis hash against sha256sum, sha512sum, b2sum and openssl: the same bytes.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

for program in sha256sum b2sum openssl jq; do
	command -v "$program" >/dev/null || {
		echo "hash.sh: skipped, no $program"
		exit 0
	}
done

mkdir d
printf 'a' >'d/back\slash'
printf 'b' >"d/new
line"
printf 'c' >"$(printf 'd/carriage\rreturn')"
printf 'd' >'d/ blank *star'
: >d/empty
head -c 200001 /dev/urandom >d/random

# as THEIRS OPTION...: aegis hash prints what THEIRS does of every file.
as() {
	theirs=$1 algorithm=$2
	shift 2
	"$theirs" "$@" d/* >want || fail "$theirs $* failed"
	exits 0 "$AEGIS" hash -a "$algorithm" "$@" d/*
	cmp -s want out || fail "$theirs $*: differs: $(diff want out)"
	unmoved
}
for option in -t -b -z --tag; do
	as sha256sum sha-256 "$option"
	as sha512sum SHA512 "$option"
	as b2sum blake2b "$option"
	for bits in 8 160 256 384 504 512; do
		as b2sum blake2b "$option" -l "$bits"
	done
done

# SHA-3 is openssl's; its lines are read, too.
for file in d/empty d/random; do
	openssl dgst -sha3-256 "$file" | sed 's/.*= //' >want
	"$AEGIS" hash -a sha3-256 -o value "$file" >got
	cmp -s want got || fail "SHA3-256 of $file differs"
done
openssl dgst -sha3-256 d/random >list
openssl dgst -sha256 d/random >>list
openssl dgst -blake2b512 d/random >>list
exits 0 "$AEGIS" hash -c list
[ "$(grep -c ': OK$' out)" = 3 ] || fail "openssl's lines: $(cat out)"

# Standard input, asked for in either way.
sha256sum <d/random >want
"$AEGIS" hash <d/random | cmp -s - want || fail "standard input differs"
"$AEGIS" hash - <d/random | cmp -s - want || fail "- differs"

# Lists of either are read by the other.
"$AEGIS" hash d/* >ours
"$AEGIS" hash --tag d/* >ours_tagged
"$AEGIS" hash -a blake2b --tag -l 256 d/* >ours_b2
sha256sum --quiet -c ours || fail "sha256sum does not take ours"
sha256sum --quiet -c ours_tagged || fail "sha256sum does not take our tags"
b2sum --quiet -c ours_b2 || fail "b2sum does not take ours"

# checks OPTION... LIST: what is said of each file, and whether all is well,
# is as sha256sum has it.
checks() {
	sha256sum -c "$@" >want 2>/dev/null
	theirs=$?
	"$AEGIS" hash -c "$@" >got 2>err
	code=$?
	cmp -s want got || fail "-c $*: $(diff want got)"
	if [ "$theirs" = 0 ]; then
		[ "$code" = 0 ] || fail "-c $*: exit $code: $(cat err)"
	elif [ "$code" = 0 ]; then
		fail "-c $*: exit 0, theirs $theirs"
	fi
}
checks ours
checks ours_tagged
exits 0 "$AEGIS" hash -c ours_b2
exits 0 "$AEGIS" hash -c -a blake2b ours_b2
sed 's/$/\r/' ours >dos
checks dos
{ echo '# a comment' && cat ours; } >commented
checks commented
sha256sum d/random | sed 's/  / /' >bsd
checks bsd

# What changed, what is gone, and what never was a line.
sha256sum d/empty d/random >list
echo more >>d/random
checks list
exits 8 "$AEGIS" hash -c list
says 'd/random: FAILED'
complains 'WARNING: 1 computed checksum did NOT match'
checks --quiet list
[ "$(cat got)" = 'd/random: FAILED' ] || fail "--quiet: $(cat got)"
exits 8 "$AEGIS" hash -c --status list
silent
unmoved
rm d/random
checks list
exits 8 "$AEGIS" hash -c list
says 'd/random: FAILED open or read'
complains 'open d/random: No such file'
complains 'WARNING: 1 listed file could not be read'
checks --ignore-missing list
exits 0 "$AEGIS" hash -c --ignore-missing list
grep random list >gone
checks --ignore-missing gone
exits 3 "$AEGIS" hash -c --ignore-missing gone
complains 'no file was verified'
{ echo 'what is this' && sha256sum d/empty; } >list
checks list
checks --strict list
exits 0 "$AEGIS" hash -c list
complains '1 line is improperly formatted'
exits 3 "$AEGIS" hash -c --strict list
exits 0 "$AEGIS" hash -c -w list
complains 'list:1: not a checksum line'
for bad in '' 'abc' "$(printf '%064d' 0)" "$(printf '%064d' 0) " \
	"$(printf '%063d' 0)g  x" \
	"SHA256 (x) = abc" "SHA256 (x) $(printf '%064d' 0)" "SHA256 (x" \
	"MD5 (x) = d41d8cd98f00b204e9800998ecf8427e" \
	"BLAKE2b-7 (x) = 00" "BLAKE2b-520 (x) = $(printf '%0130d' 0)" \
	"\\$(printf '%064d' 0)  x\\" "\\$(printf '%064d' 0)  x\\q"; do
	printf '%s\n' "$bad" >list
	exits 3 "$AEGIS" hash -c list
	complains 'no properly formatted checksum lines found'
done
printf 'MD5 (x) = d41d8cd98f00b204e9800998ecf8427e\n' >list
exits 3 "$AEGIS" hash -c list
complains "hash 'MD5' is refused"
# A first file's spacing binds the others: no name gains a blank.
{ sha256sum d/empty && sha256sum d/empty | sed 's/  / /'; } >list
exits 3 "$AEGIS" hash -c --strict list
# An endless line costs no memory.
head -c 300000 /dev/zero | tr '\0' 0 >list
exits 3 "$AEGIS" hash -c list
exits 3 "$AEGIS" hash -c nowhere
complains 'open nowhere'

# A list of one algorithm is not taken for another.
b2sum d/empty >list
exits 3 "$AEGIS" hash -c list
exits 0 "$AEGIS" hash -a blake2b -c list
sha256sum --tag d/empty >list
exits 3 "$AEGIS" hash -a sha3-256 -c list
complains 'another algorithm'

# For programs.
exits 0 "$AEGIS" hash -o json d/empty
says '"hashes":[{"file":"d/empty","algorithm":"sha-256","bytes":"0","digest":"e3b0c44'
exits 0 "$AEGIS" hash -o jsonl -a blake2b -l 128 d/empty d/empty
[ "$(jq -r .algorithm out | sort -u)" = blake2b-128 ] || fail "$(cat out)"
sha256sum d/empty >list
echo "$(printf '%064d' 0)  d/empty" >>list
exits 8 "$AEGIS" hash -c -o json list
[ "$(jq -r '.files[].result' out | tr '\n' ' ')" = 'ok differs ' ] ||
	fail "$(cat out)"
unmoved

# Files that can not be read, among others that can.
exits 9 "$AEGIS" hash d/empty nowhere d
says 'd/empty'
complains 'open nowhere: No such file'
complains 'read d: Is a directory'
exits 3 "$AEGIS" hash nowhere

# What was asked wrongly.
misused "$AEGIS" hash -a sha-265 d/empty
complains 'did you mean sha-256?'
misused "$AEGIS" hash -a whirlpool d/empty
complains 'known: sha-256'
exits 11 "$AEGIS" hash -a md5 d/empty
complains 'refused'
for length in 0 7 12 520 x; do
	misused "$AEGIS" hash -a blake2b -l "$length" d/empty
done
misused "$AEGIS" hash -l 256 d/empty
misused "$AEGIS" hash --strict d/empty
misused "$AEGIS" hash -c --tag list
exits 0 "$AEGIS" hash --list -o json
[ "$(jq -r '.algorithms[] | select(.name == "md5").standing' out)" = refused ] ||
	fail "--list: $(cat out)"

# Either library computes the same, where both can.
for algorithm in sha-256 sha-512 blake2b; do
	exits 0 "$AEGIS" hash -a $algorithm --provider libsodium "$AEGIS"
	cp out theirs
	exits 0 "$AEGIS" hash -a $algorithm --provider LibCrypto "$AEGIS"
	cmp -s out theirs || fail "$algorithm: the libraries differ"
done
misused "$AEGIS" hash -a sha3-256 --provider libsodium d/empty
complains 'libsodium has no sha3-256'
misused "$AEGIS" hash -a blake2b -l 256 --provider libcrypto d/empty
misused "$AEGIS" hash --provider openssl d/empty
misused "$AEGIS" hash -c --provider libsodium list

# A device that is full is told of.
"$AEGIS" hash d/empty >/dev/full 2>err
[ $? = 3 ] || fail "a full device is not noticed"
complains 'write'
exit 0
