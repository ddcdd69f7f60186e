#!/bin/sh
# Files encrypted by aegis crypt, both ways with age, and whatever must not be
# taken for one.
# Environment: AEGIS, the binary; AEGIS_VECTORS, where published files are.
# Exit: 0 when all holds, 1 with a word.
# shellcheck disable=SC2002,SC2086,SC2094 # pipes are meant, words single
set -u
vectors=$(realpath "${AEGIS_VECTORS:-../shared/vectors}")
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

for program in age ssh-keygen python3; do
	command -v "$program" >/dev/null || {
		echo "age.sh: skipped, no $program"
		exit 0
	}
done
umask 077
echo sesame >right
echo wrong >wrong
age-keygen -o id 2>/dev/null
age-keygen -o other 2>/dev/null
recipient=$(age-keygen -y id)
ssh-keygen -q -t ed25519 -N '' -f ed
ssh-keygen -q -t rsa -b 3072 -N '' -f rsa
ssh-keygen -q -t ecdsa -N '' -f ec
printf '# all\n\n' | cat - ed.pub rsa.pub >recipients
head -c 300000 /dev/urandom >long
: >empty
echo a text >short

# refused CODE COMMAND...: nothing comes out, and no file appears.
refused() {
	exits "$@"
	silent
	[ ! -e none ] || fail "$*: a file appeared"
}

# Both ways with age, each key, armored or not.
for file in empty long; do
	for armor in '' -a; do
		rm -f ours theirs
		exits 0 "$AEGIS" crypt encrypt $armor -r "$recipient" \
			-R recipients -o ours $file
		silent
		unmoved
		age $armor -r "$recipient" -R recipients -o theirs $file
		for key in id ed rsa; do
			age -d -i $key ours | cmp -s - $file ||
				fail "age -d -i $key: not $file $armor"
			for sealed in ours theirs; do
				exits 0 "$AEGIS" crypt decrypt -i $key $sealed
				cmp -s out $file || fail "$key: not $file"
				[ $key = id ] || continue
				exits 0 "$AEGIS" crypt decrypt -i $key -fo p \
					$sealed
				cmp -s p $file || fail "-o: not $file"
				"$AEGIS" crypt decrypt -i other -i $key \
					<$sealed | cmp -s - $file ||
					fail "<: not $file"
				cat $sealed | "$AEGIS" crypt decrypt -i $key |
					cmp -s - $file || fail "|: not $file"
			done
		done
	done
done
"$AEGIS" crypt encrypt -r "$recipient" <long | age -d -i id | cmp -s - long ||
	fail "age does not read what is written to a pipe"
[ "$(stat -c %a p)" = 600 ] || fail "plain text is there for others to read"

# Keys of ours; some of several, and encrypted ones.
exits 0 "$AEGIS" keygen -q -t ed25519 -F sealed --work low -o sealed \
	--passphrase-fd 3 3<right
exits 0 "$AEGIS" crypt encrypt -R sealed.pub -o to-sealed short
exits 0 "$AEGIS" crypt decrypt -i sealed --passphrase-fd 3 to-sealed 3<right
cmp -s out short || fail "an encrypted key does not open"
cat other id >both
exits 0 "$AEGIS" crypt decrypt -i both theirs

# typed COMMAND...: with the passphrase typed as often as it is asked for.
cat >typed.py <<'EOT'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while True:
        said = os.read(fd, 1000)
        if b'passphrase' in said.lower():
            os.write(fd, b'sesame\n')
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOT
typed() {
	python3 typed.py "$@"
}

# Identities behind a passphrase, of ours and of age's.
exits 0 "$AEGIS" crypt encrypt --passphrase-fd 3 --work low -ao id.ours both \
	3<right
typed age -p -o id.theirs both || fail "age -p does not take its passphrase"
chmod 600 id.*
for key in id.ours id.theirs; do
	exits 0 "$AEGIS" crypt decrypt -i $key --passphrase-fd 3 theirs 3<right
	cmp -s out long || fail "$key: not long"
	refused 4 "$AEGIS" crypt decrypt -i $key --passphrase-fd 3 -o none \
		theirs 3<wrong
	complains "identity $key: the passphrase is another"
	rm -f p.ids
	typed age -d -i $key -o p.ids ours || fail "age does not take $key"
	cmp -s p.ids long || fail "age: $key: not long"
done
exits 0 "$AEGIS" crypt encrypt -r "$recipient" -o id.keys id
exits 0 chmod 600 id.keys
refused 4 "$AEGIS" crypt decrypt -i id.keys --passphrase-fd 3 -o none theirs \
	3<right
complains 'to keys, and not to a passphrase'
head -c 200 id.theirs >id.cut
chmod 600 id.cut
refused 8 "$AEGIS" crypt decrypt -i id.cut --passphrase-fd 3 -o none theirs \
	3<right

# Passphrases, which take as much work as age's, or as was asked for.
exits 0 "$AEGIS" crypt encrypt --passphrase-fd 3 -o usual short 3<right
exits 0 "$AEGIS" crypt inspect usual
says 18
exits 0 "$AEGIS" crypt encrypt --passphrase-fd 3 --work low -o by-words long \
	3<right
exits 0 "$AEGIS" crypt decrypt --passphrase-fd 3 by-words 3<right
cmp -s out long || fail "a passphrase does not open"
refused 8 "$AEGIS" crypt decrypt --passphrase-fd 3 -o none by-words 3<wrong
cp err words.err
typed age -d -o p.words by-words || fail "age does not take the passphrase"
cmp -s p.words long || fail "age reads something else"

# A file is there when it is whole, and is not replaced unasked.
exits 3 "$AEGIS" crypt decrypt -i id -o short theirs
complains '--force replaces it'
[ "$(cat short)" = 'a text' ] || fail "a file was replaced"
exits 0 "$AEGIS" crypt decrypt -i id -fo replaced theirs
cp replaced before
head -c 200000 theirs >part
exits 8 "$AEGIS" crypt decrypt -i id -fo replaced part
cmp -s replaced before || fail "a file was replaced by a part"

# One error for every failure once a key was tried; -v says which.
exits 0 "$AEGIS" crypt encrypt -r "$recipient" -o sealed.age long
size=$(stat -c %s sealed.age)
words='does not decrypt: it is for another key or passphrase, or damaged'
failed=0
kinds="head:20000 head:$((size - 1)) add:1 flip:$((size - 1)) flip:150
flip:100000 swap:0"
python3 - $kinds <<'EOT'
import sys
for kind in sys.argv[1:]:
    data = bytearray(open('sealed.age', 'rb').read())
    what, n = kind.split(':')
    n = int(n)
    begin = data.index(b'\n--- ') + 49 + 16
    if what == 'head':
        data = data[:n]
    elif what == 'add':
        data += b'x' * n
    elif what == 'flip':
        data[n] ^= 1
    else:
        end = begin + 2 * 65552
        data[begin:end] = data[begin + 65552:end] + data[begin:begin + 65552]
    open('bad.' + kind, 'wb').write(data)
EOT
for what in $kinds; do
	refused 8 "$AEGIS" crypt decrypt -i id -o none bad.$what
	refused 8 "$AEGIS" crypt decrypt -i id bad.$what
	case $what in flip:150) continue ;; esac
	grep -q "$words\$" err || fail "$what: another error: $(cat err)"
	failed=$((failed + 1))
done
[ $failed = 6 ] || fail "$failed kinds of damage"
refused 8 "$AEGIS" crypt decrypt -i other -o none sealed.age
grep -q "$words\$" err || fail "no match has another error: $(cat err)"
refused 8 "$AEGIS" crypt decrypt -v -i other -o none sealed.age
complains "$words: no recipient is one of the keys"
grep -q "$words\$" words.err || fail "words have another: $(cat words.err)"

# As far as it is verified, and no further.
head -c 200000 sealed.age >part
exits 8 "$AEGIS" crypt decrypt --stream -i id part
[ "$(stat -c %s out)" = 196608 ] || fail "--stream: $(stat -c %s out) bytes"
head -c 196608 long | cmp -s - out || fail "--stream: other bytes"
head -c 3000000 /dev/zero | age -r "$recipient" -o zeros
cat zeros | "$AEGIS" crypt decrypt -i id >out 2>err && fail "it was held"
complains 'give -o FILE, or --stream'
silent

# Ranges.
for range in 0-0 0- 65535-65536 100-250000 299999- 299999-400000; do
	exits 0 "$AEGIS" crypt decrypt -i id --range $range sealed.age
	first=${range%-*}
	last=${range#*-}
	tail -c +$((first + 1)) long | head -c $((${last:-300000} - first + 1)) |
		cmp -s - out || fail "--range $range: other bytes"
done
for range in 300000- 5-4 x 1 -5 1-x 99999999999999999999-; do
	exits 2 "$AEGIS" crypt decrypt -i id --range=$range sealed.age
	silent
done
refused 8 "$AEGIS" crypt decrypt -i id --range 0-9 -o none part
exits 2 "$AEGIS" crypt decrypt -i id --range 0-9 ours
complains 'without armor'
sed '1d;$d' ours | base64 -d >bare
exits 0 "$AEGIS" crypt decrypt -i id --range 0-9 bare
head -c 10 long | cmp -s - out || fail "the armor is not off"
"$AEGIS" crypt decrypt -i id --range 0-9 <sealed.age | cmp -s - out ||
	fail "a file on standard input has no range"
cat sealed.age | "$AEGIS" crypt decrypt -i id --range 0-9 >out 2>err &&
	fail "a pipe has a range"
complains 'a regular file'

# Whom not to encrypt to, and how not to.
misused "$AEGIS" crypt encrypt short
misused "$AEGIS" crypt encrypt -r age1nobody short
misused "$AEGIS" crypt encrypt -r "$(cat ec.pub)" short
complains 'x25519, ed25519 and rsa are'
misused "$AEGIS" crypt encrypt -r "$recipient" --passphrase-fd 3 short 3<right
misused "$AEGIS" crypt encrypt -r "$recipient" --work low short
complains 'none is given'
misused "$AEGIS" crypt encrypt --passphrase-fd 3 --work much short 3<right
misused "$AEGIS" crypt decrypt sealed.age
misused "$AEGIS" crypt decrypt -i id --stream -o none sealed.age
refused 3 "$AEGIS" crypt encrypt -r "$recipient" -o none absent
refused 3 "$AEGIS" crypt decrypt -i absent -o none sealed.age
chmod 644 other
refused 4 "$AEGIS" crypt decrypt -i other -i id -o none sealed.age
complains 'run: chmod 600 other'
refused 4 "$AEGIS" crypt decrypt -i sealed --passphrase-fd 3 -o none to-sealed \
	3<wrong
complains 'private key sealed'
refused 8 "$AEGIS" crypt decrypt -i id -o none short
complains 'not an age file'

# What a file says of itself.
exits 0 "$AEGIS" crypt inspect --output csv ours
says 'ours,true,'
says ',300000'
exits 0 "$AEGIS" crypt inspect --output value sealed.age
[ "$(cat out)" = X25519 ] || fail "inspect: $(cat out)"
exits 0 "$AEGIS" crypt inspect by-words
says 15
"$AEGIS" crypt inspect --output csv <theirs >out || fail "inspect <theirs"
says 'standard input,true,'
head -c 300 sealed.age >part
exits 0 "$AEGIS" crypt inspect part
head -c 190 sealed.age >part
exits 8 "$AEGIS" crypt inspect part
exits 8 "$AEGIS" crypt inspect short
complains 'not an age file'

# Rewrapped, the payload is the same, and others open it.
exits 0 "$AEGIS" crypt rewrap -i id -R ed.pub -o rewrapped sealed.age
exits 0 "$AEGIS" crypt decrypt -i ed rewrapped
cmp -s out long || fail "rewrapped: other bytes"
[ "$(tail -c 300000 rewrapped | cksum)" = \
	"$(tail -c 300000 sealed.age | cksum)" ] || fail "the payload changed"
refused 8 "$AEGIS" crypt decrypt -i id -o none rewrapped
exits 0 "$AEGIS" crypt rewrap -i ed --new-passphrase-fd 3 --work low \
	-fo rewrapped rewrapped 3<right
exits 0 "$AEGIS" crypt rewrap --passphrase-fd 3 -a -r "$recipient" -fo \
	rewrapped rewrapped 3<right
age -d -i id rewrapped | cmp -s - long || fail "rewrapped twice: other bytes"
refused 8 "$AEGIS" crypt rewrap -i id -R ed.pub -o none bad.swap:0
complains "$words"
misused "$AEGIS" crypt rewrap -i id -R ed.pub sealed.age
misused "$AEGIS" crypt rewrap -i id -o none sealed.age

# Every published file, as its authors judge it.
[ -d "$vectors/age-testkit" ] || {
	echo "age.sh: skipped, no vectors at $vectors/age-testkit"
	exit 0
}
cat >judge.py <<'EOT'
import hashlib, os, subprocess, sys, zlib

aegis, folder = sys.argv[1:]
KINDS = [('HMAC failure', 'MAC is of another'), ('armor failure', 'armor'),
         ('no match', 'no recipient is one of'),
         ('no match', 'passphrase is another'),
         ('no match', 'not to a passphrase'),
         ('payload failure', 'chunk '), ('header failure', 'header'),
         ('header failure', 'not an age file'),
         ('header failure', 'work factor'),
         ('header failure', 'of another version')]
done = hybrid = 0
for name in sorted(os.listdir(folder)):
    if name in ('README.md', 'LICENSE'):
        continue
    head, body = open(f'{folder}/{name}', 'rb').read().split(b'\n\n', 1)
    keys, words, say = [], [], {}
    for line in head.decode().split('\n'):
        key, value = line.split(': ', 1)
        say[key] = value
        if key == 'identity':
            keys.append(value)
        if key == 'passphrase':
            words.append(value)
    if say.get('compressed') == 'zlib':
        body = zlib.decompress(body)
    open('kit.age', 'wb').write(body)
    open('kit.id', 'w').write('\n'.join(keys or ['#']) + '\n')
    open('kit.words', 'w').write('\n'.join(words[:1]) + '\n')
    command = [aegis, 'crypt', 'decrypt', '-v', '--stream']
    if words:
        # Read before it is asked for where a key is given, too.
        command += ['--passphrase-fd', '0']
    else:
        command += ['-i', 'kit.id']
    ran = subprocess.run(command + ['kit.age'], capture_output=True,
                         stdin=open('kit.words'))
    error = ran.stderr.decode()
    verdict = 'success' if ran.returncode == 0 else next(
        (kind for kind, text in KINDS if text in error), error)
    if 'hybrid' in name and name != 'hybrid_x25519_arg':
        # Refused, and said so, by whatever is met first.
        if ran.returncode == 0 or ran.stdout or not error:
            sys.exit(f'{name}: {verdict}: {error}')
        hybrid += 1
        continue
    want = say['expect']
    if name == 'armor_garbage_leading':
        want = 'header failure' # it is not seen to be armored
    digest = hashlib.sha256(ran.stdout).hexdigest()
    if verdict != want or digest != say.get('payload',
                                            hashlib.sha256().hexdigest()):
        sys.exit(f'{name}: {verdict}, not {want}: {error}')
    done += 1
if (done, hybrid) != (125, 18):
    sys.exit(f'{done} files and {hybrid} hybrid ones')
EOT
python3 judge.py "$AEGIS" "$vectors/age-testkit" >kit.out 2>&1 ||
	fail "$(cat kit.out)"
exit 0
