"""Record what passes between members, and attack the record.

forward.py relay DIR FROM:TO...   relay each port to another, and write every
                                  connection to DIR, a file for each direction
forward.py probe PORT NAME FILE   call at a node as NAME, and write to FILE the
                                  secret of that session's key exchange
forward.py attack DIR NAME FILE MARK CLUSTER
                                  with every long-term key of the cluster: read
                                  nothing of the record but the probe's session

An SSH session's keys come from the exchange of two ephemeral X25519 keys (RFC
8731), which the host key only signs.  So the attack is: take any secret that is
to be found for one of those two, and derive.  That it derives rightly, and
would read what it had found a secret for, it has to show on the probe.
"""
import base64
import ctypes
import ctypes.util
import glob
import hashlib
import os
import re
import socket
import struct
import sys
import threading

SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium"))
CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(CRYPTO, name).restype = ctypes.c_void_p
GCM, CHACHA = b"aes256-gcm@openssh.com", b"chacha20-poly1305@openssh.com"
KEX = (b"curve25519-sha256", b"curve25519-sha256@libssh.org")
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
LISTS = ("kex", "hostkey", "cipher_cs", "cipher_sc")


class Refuted(Exception):
    """What was to be shown is not so."""


def must(holds, what):
    if not holds:
        raise Refuted(what)


# --- primitives ---


def public_half(secret):
    out = ctypes.create_string_buffer(32)
    SODIUM.crypto_scalarmult_curve25519_base(out, secret)
    return out.raw


def agree(secret, theirs):
    """The shared secret, or None where theirs is no key."""
    out = ctypes.create_string_buffer(32)
    return None if SODIUM.crypto_scalarmult_curve25519(out, secret, theirs) else out.raw


def gcm(key, nonce, head, body, encrypt=False):
    """AES-256-GCM; body ends with its tag unless it is encrypted here.  None: it does not open."""
    ctx = ctypes.c_void_p(CRYPTO.EVP_CIPHER_CTX_new())
    begin, update = CRYPTO.EVP_CipherInit_ex, CRYPTO.EVP_CipherUpdate
    text, tag = (body, ctypes.create_string_buffer(16)) if encrypt else (body[:-16], ctypes.create_string_buffer(
        body[-16:], 16))
    out, length = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
    begin(ctx, ctypes.c_void_p(CRYPTO.EVP_aes_256_gcm()), None, key, nonce, int(encrypt))
    if not encrypt:
        CRYPTO.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, tag)
    update(ctx, None, ctypes.byref(length), head, len(head))
    update(ctx, out, ctypes.byref(length), text, len(text))
    done = CRYPTO.EVP_CipherFinal_ex(ctx, ctypes.create_string_buffer(16), ctypes.byref(length))
    if encrypt:
        CRYPTO.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)
    CRYPTO.EVP_CIPHER_CTX_free(ctx)
    if not done:
        return None
    return out.raw[:len(text)] + (tag.raw if encrypt else b"")


def string(data):
    return struct.pack(">I", len(data)) + data


def mpint(data):
    data = data.lstrip(b"\0")
    return string((b"\0" if data and data[0] & 0x80 else b"") + data)


def take(data, at):
    length = struct.unpack_from(">I", data, at)[0]
    return data[at + 4:at + 4 + length], at + 4 + length


def derive(shared, exchange, letter, length):
    """RFC 4253, 7.2; of a session's first exchange."""
    base = mpint(shared) + exchange
    key = hashlib.sha256(base + letter + exchange).digest()
    while len(key) < length:
        key += hashlib.sha256(base + key).digest()
    return key[:length]


# --- sessions ---


def packet(payload):
    pad = 8 - (len(payload) + 5) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", len(payload) + pad + 1, pad) + payload + b"\0" * pad


def unpack(data, at):
    length, pad = struct.unpack_from(">IB", data, at)
    return data[at + 5:at + 4 + length - pad], at + 4 + length


def name_lists(payload):
    at, lists = 17, []
    for _ in range(10):
        field, at = take(payload, at)
        lists.append(field.split(b","))
    return lists


class Direction:
    """What one end said in the clear, and where its sealed packets begin."""

    def __init__(self, data):
        self.version, rest = data.split(b"\r\n" if b"\r\n" in data[:256] else b"\n", 1)
        self.payloads, at = {}, 0
        while NEWKEYS not in self.payloads:
            payload, at = unpack(rest, at)
            self.payloads[payload[0]] = payload
        self.sealed = rest[at:]


class Session:
    """A recorded session, as far as anybody can read it."""

    def __init__(self, client, server):
        self.client, self.server = Direction(client), Direction(server)
        mine, theirs = (name_lists(side.payloads[KEXINIT]) for side in (self.client, self.server))
        self.strict = b"kex-strict-c-v00@openssh.com" in mine[0] and b"kex-strict-s-v00@openssh.com" in theirs[0]
        self.chosen = {what: next(one for one in mine[i] if one in theirs[i]) for i, what in enumerate(LISTS)}
        self.q_client = take(self.client.payloads[ECDH_INIT], 1)[0]
        self.host_key, at = take(self.server.payloads[ECDH_REPLY], 1)
        self.q_server = take(self.server.payloads[ECDH_REPLY], at)[0]

    def exchange_hash(self, shared):
        return hashlib.sha256(
            string(self.client.version) + string(self.server.version) + string(self.client.payloads[KEXINIT]) +
            string(self.server.payloads[KEXINIT]) + string(self.host_key) + string(self.q_client) +
            string(self.q_server) + mpint(shared)).digest()

    def decrypt(self, shared):
        """The payloads of the client's packets in order, as far as the secret opens them."""
        exchange, cipher = self.exchange_hash(shared), self.chosen["cipher_cs"]
        if cipher == GCM:
            key, nonce = derive(shared, exchange, b"C", 32), derive(shared, exchange, b"A", 12)
            return list(read_gcm(self.client.sealed, key, nonce))
        return list(read_chacha(self.client.sealed, derive(shared, exchange, b"C", 64)))


def read_gcm(data, key, nonce):
    at, count = 0, struct.unpack(">Q", nonce[4:])[0]
    while at + 4 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        plain = gcm(key, nonce[:4] + struct.pack(">Q", count), data[at:at + 4], data[at + 4:at + 4 + length + 16])
        if plain is None or length > 1 << 18:
            return
        yield plain[1:length - plain[0]]
        at, count = at + 4 + length + 16, (count + 1) % (1 << 64)


def read_chacha(data, keys):
    """OpenSSH's chacha20-poly1305, numbered from 0, as strict exchanges are."""
    at, number = 0, 0
    while at + 4 <= len(data):
        nonce, head, one_time = struct.pack(">Q", number), ctypes.create_string_buffer(4), \
            ctypes.create_string_buffer(32)
        SODIUM.crypto_stream_chacha20_xor(head, data[at:at + 4], ctypes.c_ulonglong(4), nonce, keys[32:])
        length = struct.unpack(">I", head.raw)[0]
        if length > 1 << 18 or at + 4 + length + 16 > len(data):
            return
        SODIUM.crypto_stream_chacha20(one_time, ctypes.c_ulonglong(32), nonce, keys[:32])
        body, tag = data[at:at + 4 + length], data[at + 4 + length:at + 20 + length]
        if SODIUM.crypto_onetimeauth_poly1305_verify(tag, body, ctypes.c_ulonglong(len(body)), one_time):
            return
        plain = ctypes.create_string_buffer(length)
        SODIUM.crypto_stream_chacha20_xor_ic(plain, body[4:], ctypes.c_ulonglong(length), nonce, ctypes.c_uint64(1),
                                             keys[:32])
        yield plain.raw[1:length - plain.raw[0]]
        at, number = at + 20 + length, number + 1


# --- relay ---


def pump(source, sink, path):
    with open(path, "wb", buffering=0) as record:
        try:
            while data := source.recv(65536):
                record.write(data)
                sink.sendall(data)
        except OSError:
            pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(folder, pairs):
    counter, lock = [0], threading.Lock()

    def serve(listener, target):
        while True:
            client, _ = listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", target))
            except OSError:
                client.close()
                continue
            with lock:
                counter[0] += 1
                path = os.path.join(folder, "%04d" % counter[0])
            for ends in ((client, server, path + ".client"), (server, client, path + ".server")):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    for pair in pairs:
        listen, target = map(int, pair.split(":"))
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", listen))
        listener.listen(64)
        threading.Thread(target=serve, args=(listener, target), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


# --- probe ---


def probe(port, user, path):
    """A client of its own, which keeps what others forget."""
    secret, link = os.urandom(32), socket.create_connection(("127.0.0.1", port), 20)
    lists = [b",".join(KEX) + b",kex-strict-c-v00@openssh.com", b"ssh-ed25519", GCM, GCM, b"", b"", b"none", b"none",
             b"", b""]
    init = bytes([KEXINIT]) + os.urandom(16) + b"".join(map(string, lists)) + b"\0" * 5
    sent = b"SSH-2.0-probe\r\n" + packet(init) + packet(bytes([ECDH_INIT]) + string(public_half(secret)))
    link.sendall(sent)
    got, finished = b"", None
    while finished is None:
        data = link.recv(65536)
        must(data, "the node hung up on the probe")
        got += data
        try:
            finished = Direction(got)
        except (struct.error, IndexError, ValueError):
            pass
    newkeys = packet(bytes([NEWKEYS]))
    session = Session(sent + newkeys, got)
    shared = agree(secret, session.q_server)
    exchange = session.exchange_hash(shared)
    key, nonce = derive(shared, exchange, b"C", 32), derive(shared, exchange, b"A", 12)
    link.sendall(newkeys)
    for payload in (b"\x05" + string(b"ssh-userauth"),
                    b"\x32" + string(user.encode()) + string(b"ssh-connection") + string(b"none")):
        pad = 16 - (len(payload) + 1) % 16
        pad += 16 if pad < 4 else 0
        plain = bytes([pad]) + payload + b"\0" * pad
        head = struct.pack(">I", len(plain))
        link.sendall(head + gcm(key, nonce, head, plain, encrypt=True))
        nonce = nonce[:4] + struct.pack(">Q", (struct.unpack(">Q", nonce[4:])[0] + 1) % (1 << 64))
    must(link.recv(65536), "the node does not answer the probe")
    link.close()
    with open(path, "wb") as out:
        out.write(secret)


# --- attack ---


def guises(mark):
    """As what it might be found."""
    yield mark
    yield mark.hex().encode()
    yield mark.hex().upper().encode()
    yield mark[::-1]
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + mark)
        yield whole[4:-4]
        yield whole[4:-4].replace(b"+", b"-").replace(b"/", b"_")


def long_term(cluster):
    """Every 32 bytes in a row that any key file or configuration holds, and as Ed25519 makes a scalar of them."""
    found = set()
    for path in glob.glob(cluster + "/*/keys/*") + glob.glob(cluster + "/*/keyring") + glob.glob(
            cluster + "/*/aegis.yaml"):
        with open(path, "rb") as file:
            texts = [file.read()]
        armoured = re.search(b"-----BEGIN[^\n]*\n(.*)-----END", texts[0], re.S)
        if armoured:
            texts = [base64.b64decode(armoured[1])]
        elif path.endswith(".yaml"):
            texts = []
        for text in texts:
            found.update(text[i:i + 32] for i in range(len(text) - 31))
    return found | {hashlib.sha512(one).digest()[:32] for one in found}


def sessions_of(folder):
    for path in sorted(glob.glob(folder + "/*.client")):
        with open(path, "rb") as client, open(path[:-6] + "server", "rb") as server:
            parts = client.read(), server.read()
        try:
            yield Session(*parts)
        except (struct.error, IndexError, KeyError, ValueError):
            continue  # it ended before it had keys


def attack(folder, user, path, mark, cluster):
    recorded = b"".join(open(name, "rb").read() for name in sorted(glob.glob(folder + "/*")))
    must(len(recorded) > 100000, "hardly anything was recorded")
    for what in (mark, user):
        for guise in guises(what.encode()):
            must(guise not in recorded, "%r is in the record" % guise)

    sessions = list(sessions_of(folder))
    must(len(sessions) > 12, "there are %d sessions" % len(sessions))
    halves = [half for one in sessions for half in (one.q_client, one.q_server)]
    must(len(set(halves)) == len(halves), "an ephemeral key was used twice")
    for one in sessions:
        must(one.strict, "an exchange was not strict")
        must(one.chosen["kex"] in KEX and one.chosen["hostkey"] == b"ssh-ed25519" and
             {one.chosen["cipher_cs"], one.chosen["cipher_sc"]} <= {GCM, CHACHA}, "negotiated: %r" % one.chosen)

    with open(path, "rb") as file:
        kept = file.read()
    of_probe = [one for one in sessions if one.q_client == public_half(kept)]
    must(len(of_probe) == 1, "the probe was not recorded")
    opened = of_probe[0].decrypt(agree(kept, of_probe[0].q_server))
    must(len(opened) == 2 and user.encode() in opened[1], "with its secret the probe's session reads %r" % opened)

    keys = long_term(cluster)
    must(len(keys) > 2000, "only %d long-term secrets" % len(keys))
    with open(glob.glob(cluster + "/*/keys/storage")[0], "rb") as file:
        must(file.read() in keys, "a storage key is not among them")
    must(not {public_half(key) for key in keys} & set(halves), "a long-term key took part in an exchange")
    # And to the end, for the probe's session and two of the members.
    for one in of_probe + [s for s in sessions if s is not of_probe[0]][:2]:
        for key in keys:
            for half in (one.q_client, one.q_server):
                shared = agree(key, half)
                must(shared is None or not one.decrypt(shared), "a long-term key reads a session")
    print("%d sessions, %d bytes, %d secrets: nothing is read" % (len(sessions), len(recorded), len(keys)))


def main(args):
    if args[0] == "relay":
        relay(args[1], args[2:])
    elif args[0] == "probe":
        probe(int(args[1]), args[2], args[3])
    else:
        attack(*args[1:])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refuted as why:
        sys.exit("forward.py: %s" % why)
