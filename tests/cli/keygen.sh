#!/bin/sh
# aegis keygen, and what stock ssh-keygen thinks of its keys.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
set -u

AEGIS=${AEGIS:-aegis}
case $AEGIS in */*) AEGIS=$(realpath "$AEGIS") ;; esac
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

fail() {
	echo "keygen.sh: $*" >&2
	exit 1
}

# exits CODE COMMAND...: the command ends with that code.
exits() {
	want=$1
	shift
	"$@" >out 2>err
	code=$?
	[ "$code" = "$want" ] || fail "$* exited $code, not $want: $(cat err)"
}

command -v ssh-keygen >/dev/null || {
	echo "keygen.sh: skipped, no ssh-keygen"
	exit 0
}

# Refusals first.
exits 2 "$AEGIS" keygen
exits 2 "$AEGIS" keygen -T nodee -o k
grep -q 'did you mean node' err || fail "no suggestion for a mistyped type"
exits 2 "$AEGIS" keygen generate
exits 3 "$AEGIS" keygen -o nowhere/k
grep -q 'nowhere/k' err || fail "the error does not name the file"
exits 1 test -e k

# A key pair, private from the start.
umask 000
exits 0 "$AEGIS" keygen -T node -o k
umask 022
[ "$(stat -c %a k)" = 600 ] || fail "private key has mode $(stat -c %a k)"
exits 3 "$AEGIS" keygen -T node -o k
grep -q -- '--force' err || fail "no word of --force"

# Fingerprints, character by character.
for file in k k.pub; do
	"$AEGIS" keygen show "$file" >ours || fail "show $file failed"
	ssh-keygen -lf "$file" >theirs || fail "ssh-keygen can not read $file"
	cmp -s ours theirs || fail "fingerprints of $file differ"
done
ssh-keygen -yf k >derived || fail "ssh-keygen -y can not read k"
cmp -s derived k.pub || fail "k.pub is not k's public half"

# For programs, also when it is made.
exits 0 "$AEGIS" keygen -T link -o j --output json
grep -q '"keys":\[{.*"comment":"link","type":"ED25519","file":"j",.*}\]' out ||
	fail "made: $(cat out)"
exits 2 "$AEGIS" keygen -o "" --output json
exits 2 "$AEGIS" keygen -o c --output cbor
exits 1 test -e c

# With a passphrase.
printf 'open sesame\n' | "$AEGIS" keygen -o e -C 'a note' --passphrase-fd 0 \
	>/dev/null || fail "keygen with a passphrase failed"
ssh-keygen -y -P 'open sesame' -f e | cut -d' ' -f1,2 >derived ||
	fail "ssh-keygen can not open e"
cut -d' ' -f1,2 e.pub | cmp -s - derived || fail "e.pub is not e's half"
if ssh-keygen -y -P wrong -f e >/dev/null 2>&1; then
	fail "e opens with a wrong passphrase"
fi
"$AEGIS" keygen show e >ours || fail "show e failed"
ssh-keygen -lf e | cmp -s - ours || fail "fingerprints of e differ"
exits 2 "$AEGIS" keygen -o x --passphrase-fd 9 9</dev/null

# What ssh-keygen would take to end early is no passphrase.
printf 'open\0sesame\n' >nul
exits 2 "$AEGIS" keygen -o x --passphrase-fd 0 <nul
grep -q 'NUL byte' err || fail "NUL: $(cat err)"
exits 1 test -e x

# typed CODE WORDS KEYS...: on a terminal that answers each prompt at once.
typed() {
	timeout 30 python3 - "$AEGIS" "$@" >out 2>&1 <<'END' || fail "typed: $(cat out)"
import os, pty, sys
aegis, code, words, *keys = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execl(aegis, "aegis", "keygen", "--passphrase", "-o", "t")
seen = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if keys and piece.endswith(b": "):
        os.write(terminal, keys.pop(0).encode().decode("unicode_escape")
                 .encode("latin1"))
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if status != int(code) or words.encode() not in seen or b"sesame" in seen:
    sys.exit("exit %d, saw %r" % (status, seen))
END
}
typed 0 SHA256: 'open sesame\n' 'open sesame\n'
ssh-keygen -y -P 'open sesame' -f t >/dev/null || fail "t does not open"
rm t t.pub
typed 0 SHA256: 'wrong\x15open sesame!\x7f\r' 'open sesame\n'
ssh-keygen -y -P 'open sesame' -f t >/dev/null || fail "edited: not open"
rm t t.pub
typed 11 'the two passphrases differ' 'sesame\n' 'Sesame\n'
typed 11 'no passphrase was given' '\n'
typed 11 'no passphrase was given' 'sesame\x03'
typed 2 'a NUL byte' 'open\x00sesame\n'
exits 1 test -e t

# Theirs, read by us.
ssh-keygen -q -t ed25519 -N '' -C 'made by ssh-keygen' -f theirs_key
ssh-keygen -q -t ed25519 -N 'pass' -C 'sealed' -f theirs_sealed
ssh-keygen -q -t rsa -b 2048 -N '' -f theirs_rsa
for file in theirs_key theirs_sealed; do
	"$AEGIS" keygen show "$file" >ours || fail "can not read $file"
	ssh-keygen -lf "$file" | cmp -s - ours || fail "$file: differs"
done
ssh-keygen -q -t ed25519 -N '' -C "$(printf 'a\033[2Jb')" -f theirs_escape
exits 0 "$AEGIS" keygen show theirs_escape
grep -qF 'a\x1b[2Jb' out || fail "a comment acts: $(cat -v out)"

# Permissions, truncation.
chmod 640 k
exits 4 "$AEGIS" keygen show k
grep -q 'chmod 600 k' err || fail "no remedy: $(cat err)"
chmod 600 k
head -c 200 k >short && chmod 600 short
exits 3 "$AEGIS" keygen show short
exits 9 "$AEGIS" keygen show k short

# Printing a private key takes an explicit dash, and replacing one a force.
"$AEGIS" keygen -q -o - >printed || fail "-o - failed"
chmod 600 printed
ssh-keygen -yf printed >/dev/null || fail "what -o - prints is no key"
cp k before
exits 0 "$AEGIS" keygen -o k --force
cmp -s k before && fail "--force did not replace"
[ "$(stat -c %a k)" = 600 ] || fail "--force made mode $(stat -c %a k)"

# Backup keys.
exits 0 "$AEGIS" keygen -T backup -o b
grep -q '^aegis-recipient-1-' b.pub || fail "b.pub is no recipient"
"$AEGIS" keygen show b >ours || fail "show b failed"
"$AEGIS" keygen show b.pub | cmp -s - ours || fail "the halves of b differ"
exit 0
