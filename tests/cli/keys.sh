#!/bin/sh
# Keys of every type and format, both ways with ssh-keygen, ssh, openssl and
# age, and everything that must not be taken for a key.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
# shellcheck disable=SC2086,SC2094 # words are single; right is signed, too
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

for program in ssh-keygen openssl age jq; do
	command -v "$program" >/dev/null || {
		echo "keys.sh: skipped, no $program"
		exit 0
	}
done
echo sesame >right
echo wrong >wrong
umask 077

# same A B: the public halves of two files are the same.
same() {
	"$AEGIS" keygen public "$1" | cut -d' ' -f1,2 >a.line
	"$AEGIS" keygen public "$2" | cut -d' ' -f1,2 | cmp -s - a.line ||
		fail "$1 and $2 are not the same key"
}

# Ours, read by them.
types='ed25519 ecdsa-p256 ecdsa-p384 rsa-3072'
for type in $types; do
	exits 0 "$AEGIS" keygen -q -t $type -C "a $type" -o $type
	silent
	ssh-keygen -lf $type >theirs || fail "ssh-keygen does not read $type"
	exits 0 "$AEGIS" keygen show $type
	cmp -s out theirs || fail "show $type: $(cat out)"
	ssh-keygen -yf $type | cmp -s - $type.pub || fail "$type.pub differs"
	# Numbers are as slow to make as to check: one RSA key will do.
	case $type in
	rsa-*) exits 0 "$AEGIS" keygen convert -q -C note -o $type.enc $type \
		--new-passphrase-fd 3 3<right ;;
	*) exits 0 "$AEGIS" keygen -q -t $type -C note -o $type.enc \
		--passphrase-fd 3 3<right ;;
	esac
	ssh-keygen -yP sesame -f $type.enc | cmp -s - $type.enc.pub ||
		fail "ssh-keygen does not open $type.enc, or loses its note"
	exits 0 "$AEGIS" keygen convert -q -F pkcs8 -o $type.pem $type
	openssl pkey -in $type.pem -pubout >theirs ||
		fail "openssl does not read $type.pem"
	exits 0 "$AEGIS" keygen public -F pem $type
	cmp -s out theirs || fail "public -F pem $type differs"
	cp out $type.spki
	same $type $type.spki
	same $type $type.pem
	exits 0 "$AEGIS" keygen convert -q -F pkcs8 -o $type.enc.pem $type \
		--new-passphrase-fd 3 3<right
	openssl pkey -in $type.enc.pem -passin file:right -pubout |
		cmp -s - $type.spki || fail "openssl does not open $type.enc.pem"
	openssl asn1parse -in $type.enc.pem >asn1
	grep -q ':0927C0$' asn1 || fail "not 600000 rounds: $(cat asn1)"
	exits 0 "$AEGIS" keygen check -q $type $type.pub $type.pem
done
exits 0 "$AEGIS" keygen -q -t x25519 -o x25519
head -n 1 x25519.pub >recipient
[ "$(age-keygen -y x25519)" = "$(cat recipient)" ] ||
	fail "age-keygen does not read x25519"
echo 'a text' | age -R x25519.pub >sealed.age
[ "$(age -d -i x25519 sealed.age)" = 'a text' ] || fail "age does not decrypt"
exits 0 "$AEGIS" keygen convert -q -F pkcs8 -o x25519.pem x25519
openssl pkey -in x25519.pem -noout || fail "openssl does not read x25519.pem"

# Theirs, read by us: what they say is what we say.
ssh-keygen -q -t ecdsa -b 384 -N '' -C 'from ssh' -f s384
ssh-keygen -q -t rsa -b 3072 -N sesame -C 'from ssh' -f srsa >/dev/null
ssh-keygen -q -t ecdsa -N '' -m PKCS8 -f s256
ssh-keygen -q -t ecdsa -N '' -m PEM -f sold
for key in s384 srsa s256 sold; do
	exits 0 "$AEGIS" keygen show $key
	ssh-keygen -lf $key.pub | cut -d' ' -f1,2 >theirs
	cut -d' ' -f1,2 out | cmp -s - theirs || fail "show $key: $(cat out)"
	exits 0 "$AEGIS" keygen check -q $key --passphrase-fd 3 3<right
done
for way in ED25519 X25519 'EC -pkeyopt ec_paramgen_curve:P-256' \
	'RSA -pkeyopt rsa_keygen_bits:2048'; do
	# shellcheck disable=SC2086 # words
	openssl genpkey -algorithm $way -out o.pem 2>/dev/null
	openssl pkey -in o.pem -pubout -out o.spki
	same o.pem o.spki
	for option in '-v2 aes-128-cbc' '-v2 aes-256-cbc -v2prf hmacWithSHA512' \
		'-v2prf hmacWithSHA1' -scrypt; do
		# One type for all of them, and one of them for all types.
		[ "$way" = ED25519 ] || [ "$option" = -scrypt ] || continue
		# shellcheck disable=SC2086 # words
		openssl pkcs8 -topk8 -in o.pem -out o.enc $option \
			-passout file:right
		exits 0 "$AEGIS" keygen check -q o.enc --passphrase-fd 3 3<right
		exits 0 "$AEGIS" keygen convert -q -f -o o.plain o.enc \
			--no-passphrase --passphrase-fd 3 3<right
		same o.plain o.spki
		exits 4 "$AEGIS" keygen check o.enc --passphrase-fd 3 3<wrong
		complains 'wrong passphrase, or damaged'
	done
done
age-keygen -o a.key 2>/dev/null
[ "$(age-keygen -y a.key)" = "$("$AEGIS" keygen public a.key)" ] ||
	fail "age's key is not read"
exits 0 "$AEGIS" keygen show --output json a.key
[ "$(jq -r '.keys[0] | .format + .type + .uses[0]' out)" = \
	ageX25519encrypt ] || fail "show: $(cat out)"

# Sealed: everything is known of it but the key, which opens and comes back.
for type in $types x25519; do
	exits 0 "$AEGIS" keygen convert -q -F sealed --work low \
		-o $type.sealed $type --new-passphrase-fd 3 3<right
	same $type $type.sealed
	rm $type.sealed.pub
	exits 0 "$AEGIS" keygen show $type.sealed
	exits 4 "$AEGIS" keygen convert -F pkcs8 -o none $type.sealed \
		--passphrase-fd 3 3<wrong
	complains 'wrong passphrase, or damaged'
	exits 0 "$AEGIS" keygen convert -q -F pkcs8 -o back $type.sealed \
		--no-passphrase --passphrase-fd 3 3<right
	cmp -s back $type.pem || openssl pkey -in back -pubout |
		cmp -s - $type.spki || fail "$type: another key came back"
	rm back back.pub
done
exits 0 "$AEGIS" sign -i ed25519.sealed --passphrase-fd 3 right 3<right
exits 0 "$AEGIS" verify -p ed25519.pub right
rm right.sig
for key in ecdsa-p256.pem rsa-3072.sealed; do
	exits 0 "$AEGIS" sign -i $key --passphrase-fd 3 right 3<right
	ssh-keygen -q -Y check-novalidate -n file -s right.sig <right \
		>/dev/null || fail "ssh-keygen does not take $key's signature"
	rm right.sig
done
exits 3 "$AEGIS" sign -i x25519 right
complains 'do not sign'

# How much work a passphrase takes is a matter of choice where it can be.
misused "$AEGIS" keygen --work low -o none
complains 'openssh has one amount'
misused "$AEGIS" keygen -t x25519 -F sealed --work much -o none \
	--passphrase-fd 3 3<right
misused "$AEGIS" keygen show --work low ed25519
exits 0 "$AEGIS" keygen -q -t x25519 -F sealed --work low -o cheap \
	--passphrase-fd 3 3<right
exits 0 "$AEGIS" keygen passphrase -q --work low cheap --passphrase-fd 3 \
	--new-passphrase-fd 4 3<right 4<wrong
exits 0 "$AEGIS" keygen check -q cheap --passphrase-fd 3 3<wrong

# What ssh-keygen can do and we can not comes with the remedy.
ssh-keygen -q -t ed25519 -N sesame -Z chacha20-poly1305@openssh.com -f chacha
exits 3 "$AEGIS" keygen check chacha --passphrase-fd 3 3<right
complains 'ssh-keygen -p -Z aes256-ctr'

# A passphrase is changed, taken off, and never lost by a slip.
cat right wrong >change
exits 0 "$AEGIS" keygen passphrase -q ed25519.enc --passphrase-fd 3 \
	--new-passphrase-fd 3 3<change
ssh-keygen -yP wrong -f ed25519.enc | cmp -s - ed25519.enc.pub ||
	fail "the new passphrase does not open it, or the comment is lost"
cp ed25519.enc before
exits 4 "$AEGIS" keygen passphrase ed25519.enc --no-passphrase \
	--passphrase-fd 3 3<right
cmp -s before ed25519.enc || fail "a wrong passphrase changed the file"
misused "$AEGIS" keygen passphrase ed25519.enc
misused "$AEGIS" keygen passphrase ed25519.enc --no-passphrase \
	--new-passphrase-fd 3
exits 0 "$AEGIS" keygen passphrase -q ed25519.enc --no-passphrase \
	--passphrase-fd 3 3<wrong
ssh-keygen -yP '' -f ed25519.enc | cmp -s - ed25519.enc.pub ||
	fail "it has a passphrase still"

# It is the key that changes, whatever name it has, and not the name.
ln -s ed25519.enc link
exits 0 "$AEGIS" keygen passphrase -q link --new-passphrase-fd 3 3<right
[ -L link ] || fail "a link became a key of its own"
ssh-keygen -yP sesame -f ed25519.enc | cmp -s - ed25519.enc.pub ||
	fail "behind a link the key has no passphrase"
exits 0 "$AEGIS" keygen passphrase -q link --no-passphrase \
	--passphrase-fd 3 3<right

# Nor does it come to belong to who changes it.
if [ "$(id -u)" = 0 ]; then
	ssh-keygen -q -t ed25519 -N '' -f owned
	chown 12345 owned
	exits 11 "$AEGIS" keygen passphrase owned --new-passphrase-fd 3 3<right
	complains 'belongs to another user (12345)'
	[ "$(stat -c %u owned)" = 12345 ] || fail "its owner lost it"
fi

# Options of another's are refused, not passed over.
cp ed25519.enc before
for option in -o\ other -F\ pkcs8 -C\ note -f -t\ rsa -b\ 4096 -T\ node; do
	misused "$AEGIS" keygen passphrase $option ed25519.enc \
		--new-passphrase-fd 3 3<right
	complains 'has no use for'
	misused "$AEGIS" keygen show $option ed25519
	misused "$AEGIS" keygen check $option ed25519
	case $option in
	-F*) continue ;;
	esac
	misused "$AEGIS" keygen public $option ed25519
done
cmp -s before ed25519.enc || fail "a usage error changed the file"
misused "$AEGIS" keygen show -o json ed25519
complains '--output'
for option in -t\ rsa -b\ 4096 -T\ node; do
	misused "$AEGIS" keygen convert $option -o none ed25519
done

exits 2 "$AEGIS" keygen passphrase x25519 --new-passphrase-fd 3 3<right
complains 'no passphrase of its own'

# Names as others have them, and what is refused with a reason.
exits 0 "$AEGIS" keygen -q -t ecdsa-sha2-nistp256 -o alias
exits 0 "$AEGIS" keygen -q -f -t ECDSA -b 384 -o alias
exits 0 "$AEGIS" keygen show alias
says '384 '
misused "$AEGIS" keygen -t ed2519 -o none
complains 'did you mean ed25519?'
misused "$AEGIS" keygen -t ed25519 -b 256 -o none
misused "$AEGIS" keygen -t rsa-3072 -T node -o none
misused "$AEGIS" keygen -T node -F sealed -o none
misused "$AEGIS" keygen -F pem -o none
exits 11 "$AEGIS" keygen -t rsa -b 2048 -o none
complains '3072'
exits 11 "$AEGIS" keygen -t dsa -o none
exits 2 "$AEGIS" keygen -q -t x25519 -F openssh -o none
exits 3 "$AEGIS" keygen convert -F pkcs8 -o ed25519 ed25519
complains '--force'

# Keys that are weak or no keys.
openssl genrsa -out weak.pem 1024 2>/dev/null
exits 11 "$AEGIS" keygen check weak.pem
complains 'RSA keys of 1024 bits are refused'
openssl genrsa -3 -out three.pem 2048 2>/dev/null
exits 11 "$AEGIS" keygen check three.pem
complains 'exponent'
openssl genrsa -out small.pem 2048 2>/dev/null
exits 0 "$AEGIS" keygen check --output json small.pem
[ "$(jq -r '.keys[0] | .standing + .strength_bits' out)" = verify-only112 ] ||
	fail "small: $(cat out)"
openssl genrsa -primes 3 -out many.pem 2048 2>/dev/null
exits 11 "$AEGIS" keygen check many.pem
openssl ecparam -name prime256v1 -param_enc explicit -genkey -out odd.pem
exits 3 "$AEGIS" keygen check odd.pem
complains 'not done here'
openssl ecparam -name prime256v1 -genkey -out curve.pem
exits 0 "$AEGIS" keygen check curve.pem
openssl ecparam -name secp256k1 -genkey -noout -out coin.pem
exits 3 "$AEGIS" keygen check coin.pem
openssl ec -in curve.pem -aes128 -passout file:right -out md5.pem 2>/dev/null
exits 3 "$AEGIS" keygen check md5.pem --passphrase-fd 3 3<right
complains "PEM's old encryption"
printf 'ssh-ed25519 %s\n' "$(printf '\0\0\0\13ssh-ed25519\0\0\0\40%032d' 0 |
	tr 0 '\0' | base64 -w 0)" >zero.pub
exits 11 "$AEGIS" keygen check zero.pub
complains 'small order'
for file in ed25519 ecdsa-p256.enc rsa-3072.pem rsa-3072.enc.pem x25519 \
	ecdsa-p384.sealed; do
	size=$(stat -c %s $file)
	for part in 2 3 5; do
		head -c $((size - size / part)) $file >short
		exits 3 "$AEGIS" keygen check short --passphrase-fd 3 3<right
		[ "$(wc -l <err)" = 1 ] || fail "$file cut: $(cat err)"
	done
	{ cat $file && echo more; } >longer
	exits 3 "$AEGIS" keygen check longer --passphrase-fd 3 3<right
	[ "$(wc -l <err)" = 1 ] || fail "$file longer: $(cat err)"
done

# More rounds than anybody waits for are refused before any is made.
python3 - <<'END' || fail "no wrapper was made"
import base64
raw = base64.b64decode("".join(open("ed25519.enc.pem").read()
                               .splitlines()[1:-1]))
at = raw.index(b"\x02\x03\x09\x27\xc0")
# A byte more for the number, and in the lengths of all that it is in.
more = bytearray(raw[:at] + b"\x02\x04\x7f\xff\xff\xff" + raw[at + 5:])
for i in range(at):
    if more[i] == 0x30 and more[i + 1] == 0x81 and i + 3 + more[i + 2] + 1 > at:
        more[i + 2] += 1
    elif more[i] == 0x30 and more[i + 1] < 0x80 and \
            i + 2 + more[i + 1] + 1 > at:
        more[i + 1] += 1
open("rounds", "w").write(
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n%s\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n" % base64.b64encode(more).decode())
END
exits 3 timeout 5 "$AEGIS" keygen check rounds --passphrase-fd 3 3<right
complains 'out of bounds'

# Logins with keys of ours to a stock server.
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || exit 0
exits 0 "$AEGIS" keygen -q -o host
cat ed25519.pub ecdsa-p256.pub ecdsa-p384.pub rsa-3072.pub \
	rsa-3072.enc.pub >authorized
cat >sshd_config <<END
HostKey $dir/host
AuthorizedKeysFile $dir/authorized
StrictModes no
UsePAM no
PidFile none
END
echo "host $(cut -d' ' -f1,2 host.pub)" >known
chmod 700 .
mkdir -p /run/sshd 2>/dev/null
for key in ed25519 ecdsa-p256 ecdsa-p384 rsa-3072 ecdsa-p256.pem; do
	said=$(ssh -F none -i $key -o IdentitiesOnly=yes -o IdentityAgent=none \
		-o BatchMode=yes -o HostKeyAlias=host \
		-o UserKnownHostsFile=known -o StrictHostKeyChecking=yes \
		-o KexAlgorithms=curve25519-sha256 \
		-o "ProxyCommand=$sshd -i -f $dir/sshd_config" \
		"$(id -un)@host" echo welcome 2>ssh.err </dev/null)
	[ "$said" = welcome ] || fail "no login with $key: $(cat ssh.err)"
done
exit 0
