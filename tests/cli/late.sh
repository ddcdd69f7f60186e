#!/bin/sh
# Libraries that are loaded when they are first used: what works without them,
# and what is said by what does not.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

ssh=libssh.so.4
curl=libcurl-gnutls.so.4
http=libmicrohttpd.so.12
crypto=libcrypto.so.3

# No start pays for them.
readelf -d "$AEGIS" >needed || fail "readelf does not read $AEGIS"
for library in $ssh $curl $http $crypto; do
	grep -qF "[$library]" needed && fail "every start loads $library"
	mkdir "$library"
	echo "no library" >"$library/$library"
done

# without LIBRARY[:LIBRARY...] CODE COMMAND...: exits, when they are broken.
without() {
	broken=$(echo "$1" | sed "s|[^:]*|$dir/&|g")
	want=$2
	shift 2
	exits "$want" env LD_LIBRARY_PATH="$broken" "$@"
}

# lacks LIBRARY PACKAGE COMMAND...: says so in one line, and exits 3.
lacks() {
	library=$1
	package=$2
	shift 2
	without "$library" 3 "$@"
	silent
	complains "load $library: $dir/$library/$library: "
	complains "; install the package $package"
	[ "$(wc -l <err)" = 1 ] || fail "$*: not one line: $(cat err)"
}

# What needs none of them works without all of them.
all=$ssh:$curl:$http:$crypto
echo sesame >passphrase
without $all 0 "$AEGIS" --version
without $all 0 "$AEGIS" help kv
without $all 0 "$AEGIS" config keys
without $all 0 "$AEGIS" keygen -o plain
without $all 0 "$AEGIS" hash -a blake2b-256 plain.pub
without $all 0 "$AEGIS" cluster init -n 1 c
without $all 0 "$AEGIS" tui --once overview \
	--fixture "$top/tests/tui/fixtures/healthy.json"
says prod-eu

# What needs one of them says which.
lacks $curl libcurl3-gnutls "$AEGIS" kv get -s sock key
lacks $curl libcurl3-gnutls "$AEGIS" node status -s sock
lacks $curl libcurl3-gnutls "$AEGIS" tui --once overview -s sock
lacks $crypto libssl3 "$AEGIS" hash -a sha256 plain.pub
lacks $crypto libssl3 "$AEGIS" keygen -o sealed --passphrase-fd 3 3<passphrase
[ ! -e sealed ] || fail "a key was written that is not sealed"
lacks $ssh libssh-4 "$AEGIS" node run -c c/n1/aegis.yaml
lacks $http libmicrohttpd12 "$AEGIS" node run -c c/n1/aegis.yaml

# With ECDSA and RSA keys, where whether the key is at all is OpenSSL's word.
command -v ssh-keygen >/dev/null || exit 0
ssh-keygen -q -t ecdsa -N '' -f p256
ssh-keygen -q -t rsa -b 3072 -N '' -f rsa
ssh-keygen -q -t ecdsa -N sesame -f p256_sealed
for key in p256 rsa p256_sealed; do
	lacks $crypto libssl3 "$AEGIS" sign -i $key --passphrase-fd 3 plain.pub \
		3<passphrase
	exits 0 "$AEGIS" sign -q -i $key --passphrase-fd 3 plain.pub \
		3<passphrase
	lacks $crypto libssl3 "$AEGIS" verify -p $key.pub plain.pub
	exits 0 "$AEGIS" verify -p $key.pub plain.pub
	rm plain.pub.sig
done
exit 0
