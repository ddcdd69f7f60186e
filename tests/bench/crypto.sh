#!/bin/sh
# aegis crypt beside age, sign and verify beside minisign, hash beside openssl
# and b2sum, in turn, on one file: seconds, processor seconds and peak memory;
# and how long a key takes, beside openssl.
# Usage: crypto.sh OUT.jsonl
# Environment: AEGIS, the binary; CRYPT_MIB (1024), CRYPT_PAIRS (5), TMPDIR,
# which ought to be in memory and takes five times the file.
set -eu
out=$(realpath "$1")
AEGIS=$(realpath "$AEGIS")
mib=${CRYPT_MIB:-1024}
pairs=${CRYPT_PAIRS:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
umask 077
age-keygen -o id 2>/dev/null
to=$(age-keygen -y id)
head -c "${mib}M" /dev/urandom >plain
age -r "$to" -o sealed plain
age -a -r "$to" -o armored plain

# once WHOSE COMMAND...: a line "seconds user system KiB" into the file of that
# name.
once() {
	whose=$1
	shift
	rm -f made
	/usr/bin/time -a -o "$whose" -f '%e %U %S %M' "$@" >/dev/null
}

# pair NAME OURS THEIRS: words, which make the file "made", or nothing.
pair() {
	rm -f ours theirs
	for _ in $(seq "$pairs"); do
		# shellcheck disable=SC2086 # words
		once theirs $3
		# shellcheck disable=SC2086 # words
		once ours $2
	done
	jq -cn --arg name "$1" --arg peer "${3%% *}" --argjson mib "$mib" \
		--slurpfile o ours --slurpfile t theirs '
		def every($n; f): [range(0; $n | length; 4) as $i |
			$n[$i:$i + 4] | f] | sort;
		def median: .[length / 2 | floor];
		def cpu: .[1] + .[2];
		def over($p): if $p == 0 then null else . / $p end;
		{name: $name, peer: $peer, mib: $mib,
		seconds: every($o; .[0]) | median,
		peer_seconds: every($t; .[0]) | median,
		cpu: every($o; cpu) | median, peer_cpu: every($t; cpu) | median,
		kib: every($o; .[3]) | max, peer_kib: every($t; .[3]) | max} |
		.peer_seconds as $s | .peer_cpu as $c |
		.ratio = (.seconds | over($s)) |
		.cpu_ratio = (.cpu | over($c))' | tee -a "$out"
}

pair encrypt "$AEGIS crypt encrypt -r $to -o made plain" \
	"age -r $to -o made plain"
pair decrypt "$AEGIS crypt decrypt -i id -o made sealed" \
	"age -d -i id -o made sealed"
pair encrypt-armored "$AEGIS crypt encrypt -a -r $to -o made plain" \
	"age -a -r $to -o made plain"
pair decrypt-armored "$AEGIS crypt decrypt -i id -o made armored" \
	"age -d -i id -o made armored"
minisign -G -W -p public -s secret >/dev/null
minisign -S -s secret -m plain -x signature
pair sign "$AEGIS sign -q -i secret -f -s made plain" \
	"minisign -S -s secret -m plain -x made"
pair verify "$AEGIS verify -q -p public -s signature plain" \
	"minisign -V -q -p public -x signature -m plain"
pair sha-256 "$AEGIS hash plain" "openssl dgst -sha256 plain"
pair sha3-256 "$AEGIS hash -a sha3-256 plain" "openssl dgst -sha3-256 plain"
pair blake2b "$AEGIS hash -a blake2b plain" "b2sum plain"
mib=0
pair keygen "$AEGIS keygen -q -fo made" \
	"openssl genpkey -algorithm ed25519 -out made"
