#!/bin/sh
# aegis sign and verify against ssh-keygen -Y and minisign, both ways, and
# everything that must not verify.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
# shellcheck disable=SC2094 # file is a namespace's name, too
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

for program in ssh-keygen minisign jq; do
	command -v "$program" >/dev/null || {
		echo "sign.sh: skipped, no $program"
		exit 0
	}
done

# refused WORDS VERIFY-OPTION...: exit 8 with these words, and nothing shown.
refused() {
	words=$1
	shift
	exits 8 "$AEGIS" verify "$@"
	silent
	complains "$words"
}

head -c 300000 /dev/urandom >file
make_key() {
	ssh-keygen -q -N "$3" -C "$1" -f "$1" -t "${2%-*}" -b "${2#*-}"
}
make_key ed ed25519-256 ''
make_key p256 ecdsa-256 ''
make_key p384 ecdsa-384 ''
make_key p521 ecdsa-521 ''
make_key rsa rsa-3072 ''
make_key rsa2048 rsa-2048 ''
make_key sealed ed25519-256 sesame
make_key sealed_p256 ecdsa-256 sesame
make_key sealed_rsa rsa-3072 sesame
ssh-keygen -q -p -Z aes256-gcm@openssh.com -P sesame -N sesame \
	-f sealed_rsa >theirs || fail "ssh-keygen does not change a cipher"
make_key other ed25519-256 ''
echo sesame >passphrase
echo wrong >wrong_passphrase
for key in ed p256 p384 rsa rsa2048 sealed sealed_p256 sealed_rsa; do
	echo "$key@example.org $(cut -d' ' -f1,2 $key.pub)"
done >signers

# Ours, verified by ssh-keygen and by us; and theirs.
for key in ed p256 p384 rsa sealed sealed_p256 sealed_rsa; do
	exits 0 "$AEGIS" sign -q -f -i $key file --passphrase-fd 3 3<passphrase
	silent
	ssh-keygen -q -Y verify -n file -f signers -I $key@example.org \
		-s file.sig <file >theirs || fail "ssh-keygen refuses $key's"
	exits 0 "$AEGIS" verify -f signers -I $key@example.org file
	exits 0 "$AEGIS" verify -p $key.pub file
done
for key in ed p256 p384 rsa rsa2048; do
	for hash in sha512 sha256; do
		rm -f file.sig
		ssh-keygen -q -Y sign -f $key -n mail -O hashalg=$hash file \
			2>/dev/null || fail "ssh-keygen does not sign"
		exits 0 "$AEGIS" verify -n mail -p $key.pub file
		says "Good \"mail\" signature with"
		refused 'for namespace "mail" and not "file"' -p $key.pub file
	done
done
"$AEGIS" sign -f -i sealed_p256 --passphrase-fd 3 file 3<passphrase >/dev/null
"$AEGIS" verify -p "$(cat sealed_p256.pub)" - -s file.sig <file >out ||
	fail "standard input is not verified"
"$AEGIS" sign -i ed - <file >printed || fail "- is not signed"
exits 0 "$AEGIS" verify -p ed.pub -s printed file
"$AEGIS" sign -i ed -s - file 2>err | cmp -s - printed ||
	fail "Ed25519 signs differently each time"
unmoved

# What ssh-keygen says of a good one, we say.
ssh-keygen -Y verify -n file -f signers -I ed@example.org -s printed <file \
	>theirs
exits 0 "$AEGIS" verify -f signers -I ed@example.org -s printed file
cmp -s out theirs || fail "says: $(cat out)"
exits 0 "$AEGIS" verify -q -p ed.pub -s printed file
silent
exits 0 "$AEGIS" verify -f signers -I ed@example.org -s printed -o json file
[ "$(jq -r '.identity + .namespace + .key_type' out)" = \
	ed@example.orgfileED25519 ] || fail "json: $(cat out)"

# Keys that do not sign.
exits 11 "$AEGIS" sign -i rsa2048 -s none file
complains 'it takes 3072'
exits 3 "$AEGIS" sign -i p521 -s none file
complains 'not supported'
exits 11 setsid -w "$AEGIS" sign -i sealed -s none file
complains 'no terminal'
for key in sealed sealed_p256 sealed_rsa; do
	exits 4 "$AEGIS" sign -i $key -s none --passphrase-fd 3 file \
		3<wrong_passphrase
	complains 'wrong passphrase'
done
chmod 600 ed.pub
exits 3 "$AEGIS" sign -i ed.pub -s none file
complains 'in no format that is known'
exits 3 "$AEGIS" sign -i nowhere -s none file
chmod 644 other
exits 4 "$AEGIS" sign -i other -s none file
complains 'chmod 600 other'
chmod 600 other
# Its public half is another key's.
{ sed '1d;$d' ed | tr -d '\n' | base64 -d | head -c 94 &&
	sed '1d;$d' other | tr -d '\n' | base64 -d | tail -c +95; } >mixed.raw
{ echo '-----BEGIN OPENSSH PRIVATE KEY-----' && base64 -w 70 mixed.raw &&
	echo '-----END OPENSSH PRIVATE KEY-----'; } >mixed
chmod 600 mixed
exits 3 "$AEGIS" sign -i mixed -s none file
complains 'do not belong together'
exits 1 test -e none

# Nothing is replaced unasked, and nothing half made.
cp printed file.sig
exits 3 "$AEGIS" sign -i other file
complains '--force'
cmp -s printed file.sig || fail "a signature was replaced"
exits 0 "$AEGIS" sign -f -i other file
exits 0 "$AEGIS" verify -p other.pub file
exits 9 "$AEGIS" sign -f -i ed file nowhere
complains 'open nowhere'
exits 1 test -e nowhere.sig
exits 3 "$AEGIS" sign -i ed -s nowhere/sig file
complains 'nowhere/sig'

# Nothing but the file that was signed verifies, by nobody else's key.
exits 0 "$AEGIS" sign -f -i ed file
exits 0 "$AEGIS" verify -p ed.pub file
cp file changed && printf x >>changed
refused 'does not verify' -p ed.pub -s file.sig changed
head -c 299999 file >changed
refused 'does not verify' -p ed.pub -s file.sig changed
: >changed
refused 'does not verify' -p ed.pub -s file.sig changed
refused 'another key signed it' -p other.pub file
refused 'another key signed it' -p rsa.pub file
exits 3 "$AEGIS" verify -p ed.pub -s nowhere file
exits 3 "$AEGIS" verify -p ed.pub -s file.sig nowhere
exits 3 "$AEGIS" verify -p nowhere file
exits 3 "$AEGIS" verify -p file file
exits 3 "$AEGIS" verify -p "$(cut -c1-40 ed.pub)" file

# Bits of a signature all over it matter: flipped, it never verifies.
for key in ed p256 rsa; do
	exits 0 "$AEGIS" sign -f -i $key file
	sed '1d;$d' file.sig | tr -d '\n' | base64 -d >raw
	size=$(stat -c %s raw)
	python3 - "$AEGIS" $key.pub "$size" <<'END' || fail "$key: flipped bits"
import base64, subprocess, sys
aegis, key, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
raw = open("raw", "rb").read()
step = max(1, size * 8 // 14)

def verdict(data):
    body = base64.encodebytes(data).decode().replace("\n", "")
    lines = "\n".join(body[i:i + 70] for i in range(0, len(body), 70))
    with open("flipped", "w") as out:
        out.write("-----BEGIN SSH SIGNATURE-----\n%s\n"
                  "-----END SSH SIGNATURE-----\n" % lines)
    return subprocess.run([aegis, "verify", "-p", key, "-s", "flipped", "file"],
                          capture_output=True).returncode

if verdict(raw) != 0:
    sys.exit("the whole one does not verify")
for bit in range(0, size * 8, step):
    data = bytearray(raw)
    data[bit // 8] ^= 1 << bit % 8
    if verdict(bytes(data)) != 8:
        sys.exit("bit %d: %d" % (bit, verdict(bytes(data))))
for cut in range(0, size, max(1, size // 14)):
    if verdict(raw[:cut]) != 8:
        sys.exit("cut to %d: not refused" % cut)
if verdict(raw + b"\0") != 8:
    sys.exit("a byte more: not refused")
# Lengths that lie: every u32 that could be one, made huge.
for at in range(6, size - 4, max(1, size // 20)):
    data = raw[:at] + b"\xff\xff\xff\xff" + raw[at + 4:]
    if verdict(data) != 8:
        sys.exit("length at %d: not refused" % at)
END
done

# The text around it.
exits 0 "$AEGIS" sign -f -i ed file
sed 's/$/\r/' file.sig >dos
exits 0 "$AEGIS" verify -p ed.pub -s dos file
{ cat file.sig && echo; } >longer
exits 0 "$AEGIS" verify -p ed.pub -s longer file
{ cat file.sig && echo x; } >longer
refused 'after its last line' -p ed.pub -s longer file
sed '$d' file.sig >short
refused 'cut short' -p ed.pub -s short file
sed 1d file.sig >short
refused 'not an SSH signature' -p ed.pub -s short file
: >short
refused 'not an SSH signature' -p ed.pub -s short file
head -c 20000 /dev/zero >big
exits 3 "$AEGIS" verify -p ed.pub -s big file
complains 'too large'
# Version 2, and something reserved.
edited() {
	python3 - "$@" <<'END'
import base64, sys
raw = bytearray(base64.b64decode("".join(
    open("file.sig").read().splitlines()[1:-1])))
exec(sys.argv[1])
body = base64.b64encode(bytes(raw)).decode()
print("-----BEGIN SSH SIGNATURE-----\n" + body +
      "\n-----END SSH SIGNATURE-----")
END
}
edited 'raw[9] = 2' >edited
refused 'of version 2' -p ed.pub -s edited file
edited 'i = raw.index(b"\0\0\0\0\0\0\0\6sha512"); raw[i:i+4] = b"\0\0\0\1x"' \
	>edited
refused 'an extension' -p ed.pub -s edited file
edited 'i = raw.index(b"sha512"); raw[i:i+6] = b"sha384"' >edited
refused 'neither sha512 nor sha256' -p ed.pub -s edited file

# Who may sign, as ssh-keygen decides it: the same lines, the same verdict.
exits 0 "$AEGIS" sign -f -i ed file
key=$(cut -d' ' -f1,2 ed.pub)
another=$(cut -d' ' -f1,2 other.pub)
# judged VERDICT IDENTITY LINE...: 0 or 8, for both.
judged() {
	want=$1 who=$2
	shift 2
	printf '%s\n' "$@" >list
	if ssh-keygen -q -Y verify -n file -f list -I "$who" -s file.sig \
		<file >theirs 2>&1; then
		[ "$want" = 0 ] || fail "ssh-keygen takes: $*"
	else
		[ "$want" = 8 ] || fail "ssh-keygen refuses: $* $(cat theirs)"
	fi
	exits "$want" "$AEGIS" verify -f list -I "$who" file
}
judged 0 a@b "a@b $key"
judged 8 a@c "a@b $key"
complains 'list:1: the key is there for others, not for a@c'
judged 8 A@B "a@b $key"
judged 0 a@b "*@b $key"
judged 0 a@b "?@b $key"
judged 8 ab@b "?@b $key"
judged 0 a@b "x@y,*@b,z $key"
judged 8 a@b "*@b,!a@b $key"
judged 8 a@b "!a@b,*@b $key"
judged 0 a@b "\"a@b,c d\" $key"
judged 0 'c d' "\"a@b,c d\" $key"
judged 0 a@b '# a comment' '' "  a@b   $key   and a note"
judged 0 a@b "a@b $another" "a@b $key"
judged 8 a@b "a@b $another"
complains 'list:1: a@b has another key there'
judged 0 a@b "a@b namespaces=\"file\" $key"
judged 0 a@b "a@b namespaces=\"mail,f*\" $key"
judged 8 a@b "a@b namespaces=\"mail\" $key"
complains 'list:1: the key is not for namespace "file"'
judged 8 a@b "a@b namespaces=\"*,!file\" $key"
judged 0 a@b "a@b Namespaces=\"file\",valid-after=\"20000101\" $key"
judged 8 a@b "a@b valid-before=\"20000101\" $key"
complains 'not valid any more'
judged 8 a@b "a@b valid-after=\"29991231\" $key"
complains 'not valid yet'
judged 0 a@b "a@b valid-after=\"200001010000Z\",valid-before=\"29991231235959\" $key"
judged 8 a@b "a@b cert-authority $key"
complains 'certificates are not supported'
judged 0 a@b "b@b cert-authority $key" "a@b $key"
judged 0 a@b "b@b $(cut -d' ' -f1,2 p521.pub)" "a@b $key"
judged 0 a@b "a@b valid-before=\"20000101\" $key" "a@b $key"

# A line that can not be read ends the search, and is named.
for bad in "a@b" "a@b ssh-ed25519" "a@b nonsense $key" \
	"a@b valid-after=\"20001301\" $key" "a@b valid-after=\"2000\" $key" \
	"a@b valid-after=20000101 $key" "a@b namespaces=\"file $key" \
	"\"a@b $key" "a@b cert-authority=\"x\" $key" "a@b namespaces $key" \
	"a@b namespaces=\"a\",namespaces=\"file\" $key" "a@b ssh-ed25519 AAAA" \
	"a@b valid-after=\"20200101\",valid-before=\"20190101\" $key" \
	"a@b ssh-rsa ${key#* }"; do
	printf '# first\n%s\na@b %s\n' "$bad" "$key" >list
	exits 3 "$AEGIS" verify -f list -I a@b file
	complains 'list:2: '
	silent
done
echo "a@b valid-before=\"20200102030405Z\" $key" >list
exits 0 "$AEGIS" verify --verify-time 20200102030405Z -f list -I a@b file
exits 8 "$AEGIS" verify --verify-time 20200102030406Z -f list -I a@b file
echo "a@b valid-after=\"20200102\" $key" >list
exits 8 env TZ=UTC-5 "$AEGIS" verify --verify-time 20200101185959Z \
	-f list -I a@b file
exits 0 env TZ=UTC-5 "$AEGIS" verify --verify-time 20200101190000Z \
	-f list -I a@b file

# A certificate's signature is no key's.
ssh-keygen -q -s other -I id -n a@b ed.pub
rm -f file.sig
if ssh-keygen -q -Y sign -f ed-cert.pub -n file file 2>/dev/null; then
	refused 'certificate' -p ed.pub file
fi
rm -f ed-cert.pub

# minisign: ours verified by it, and by us.
minisign -G -W -p m.pub -s m.key >/dev/null
minisign -G -W -p n.pub -s n.key >/dev/null
chmod 600 m.key n.key
exits 0 "$AEGIS" sign -i m.key -c 'not signed' -t 'release 7' file
minisign -V -p m.pub -m file >theirs || fail "minisign refuses ours"
grep -q 'Trusted comment: release 7' theirs || fail "comment: $(cat theirs)"
head -n 1 file.minisig | grep -qx 'untrusted comment: not signed' ||
	fail "$(cat file.minisig)"
exits 0 "$AEGIS" verify -p m.pub file
says 'Trusted comment: release 7'
exits 0 "$AEGIS" sign -f -i m.key file
minisign -V -p m.pub -m file >theirs || fail "minisign refuses ours"
grep -qE 'timestamp:[0-9]+.file:file.hashed$' theirs || fail "$(cat theirs)"
exits 0 "$AEGIS" verify -p "$(tail -n 1 m.pub)" -o json file
[ "$(jq -r .format out)" = minisign ] || fail "$(cat out)"
: >empty
exits 0 "$AEGIS" sign -i m.key empty
minisign -V -q -p m.pub -m empty || fail "minisign refuses an empty file's"

# Theirs, in both forms.
for option in -H -l; do
	rm -f file.minisig
	minisign -S $option -s m.key -m file -t 'theirs' >/dev/null
	exits 0 "$AEGIS" verify -p m.pub file
	says 'Trusted comment: theirs'
	cp file changed && printf x >>changed
	refused 'does not verify' -p m.pub -s file.minisig changed
	refused 'signed it, and not' -p n.pub file
	sed 's/^trusted comment: theirs/trusted comment: ours/' file.minisig \
		>edited
	refused "trusted comment's signature" -p m.pub -s edited file
	for line in 1 2 3 4; do
		sed "${line}d" file.minisig >edited
		refused '' -p m.pub -s edited file
	done
	{ cat file.minisig && echo x; } >edited
	refused 'more than four lines' -p m.pub -s edited file
	sed '2s/^RU\(.\)/RW\1/;2s/^RWQ/RUQ/' file.minisig >edited
	cmp -s edited file.minisig ||
		refused '' -p m.pub -s edited file
	python3 - "$AEGIS" <<'END' || fail "minisign $option: flipped bits"
import base64, subprocess, sys
lines = open("file.minisig").read().split("\n")
for number in (1, 3):
    raw = base64.b64decode(lines[number])
    for bit in range(0, len(raw) * 8, 37):
        data = bytearray(raw)
        data[bit // 8] ^= 1 << bit % 8
        edited = list(lines)
        edited[number] = base64.b64encode(bytes(data)).decode()
        open("flipped", "w").write("\n".join(edited))
        code = subprocess.run([sys.argv[1], "verify", "-p", "m.pub", "-s",
                               "flipped", "file"],
                              capture_output=True).returncode
        if code != 8:
            sys.exit("line %d, bit %d: %d" % (number, bit, code))
END
done
# Key and signature of different formats.
exits 0 "$AEGIS" sign -f -i ed file
refused "the key is minisign's" -p m.pub -s file.sig file
refused "it is minisign's" -p ed.pub -s file.minisig file
refused "it is minisign's" -f signers -I ed@example.org -s file.minisig file
chmod 600 m.pub
exits 3 "$AEGIS" sign -i m.pub -s none file
complains 'not a minisign secret key'
{ head -c 100 m.key && echo; } >short && chmod 600 short
exits 3 "$AEGIS" sign -i short -s none file

# With a passphrase, at a work factor that takes no gigabyte: an own key file.
python3 - <<'END'
import base64, hashlib, struct
lines = open("m.key").read().split("\n")
raw = base64.b64decode(lines[1])
ident = raw[54:126]
check = hashlib.blake2b(b"Ed" + ident, digest_size=32).digest()

def key(name, work, memory, n, p):
    salt = bytes(range(32))
    stream = hashlib.scrypt(b"sesame", salt=salt, n=n, r=8, p=p,
                            maxmem=1 << 28, dklen=104) if n else bytes(104)
    sealed = bytes(a ^ b for a, b in zip(ident + check, stream))
    data = (b"Ed" + b"Sc" + b"B2" + salt +
            struct.pack("<QQ", work, memory) + sealed)
    open(name, "w").write("untrusted comment: minisign encrypted secret key\n"
                          + base64.b64encode(data).decode() + "\n")

key("light.key", 1 << 19, 1 << 24, 1 << 14, 1)
key("much_memory.key", 1 << 25, 1 << 40, 0, 0)
key("much_work.key", 1 << 60, 1 << 30, 0, 0)
key("little_memory.key", 1 << 25, 1024, 0, 0)
END
chmod 600 ./*.key
exits 0 "$AEGIS" sign -f -i light.key --passphrase-fd 3 file 3<passphrase
minisign -V -q -p m.pub -m file || fail "minisign refuses the light key's"
exits 4 "$AEGIS" sign -i light.key -s none --passphrase-fd 3 file \
	3<wrong_passphrase
complains 'wrong passphrase, or damaged'
for key in much_memory much_work little_memory; do
	exits 11 "$AEGIS" sign -i $key.key -s none --passphrase-fd 3 file \
		3<passphrase
	complains 'asks for more work'
done

# What was asked wrongly.
misused "$AEGIS" sign file
misused "$AEGIS" sign -i ed
misused "$AEGIS" sign -i ed -F pgp file
misused "$AEGIS" sign -i ed -F minisign file
misused "$AEGIS" sign -i m.key -F ssh file
misused "$AEGIS" sign -i m.key -n file file
misused "$AEGIS" sign -i ed -t comment file
misused "$AEGIS" sign -i ed -n '' file
misused "$AEGIS" sign -i ed -s one file changed
misused "$AEGIS" verify file
misused "$AEGIS" verify -p ed.pub -f signers file
misused "$AEGIS" verify -f signers file
misused "$AEGIS" verify -p ed.pub -I ed file
misused "$AEGIS" verify -p ed.pub -
misused "$AEGIS" verify -p m.pub -n file file
misused "$AEGIS" verify -f signers -I ed --verify-time tomorrow file

# A stranger's namespace or comment does not act on the terminal.
exits 0 "$AEGIS" sign -f -i m.key file
python3 - <<'END'
text = open("file.minisig").read().split("\n")
text[2] = "trusted comment: a\033[2Jb"
open("edited", "w").write("\n".join(text))
END
refused 'not text' -p m.pub -s edited file
exit 0
