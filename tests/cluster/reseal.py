#!/usr/bin/env python3
"""Change a log as somebody with the disk would: checksums and chain right.

usage: reseal.py SEGMENT list             records: number, offset, length
       reseal.py SEGMENT find HEX         number and offset of the first match
       reseal.py SEGMENT last KIND HEX    number and length of the last record
                                          of that kind that holds these bytes
       reseal.py SEGMENT show NUMBER      a record's payload in hexadecimal
       reseal.py SEGMENT append HEX       add a record
       reseal.py SEGMENT flip NUMBER AT   flip a byte of a record's payload
       reseal.py SEGMENT cut NUMBER       remove this record and what follows

The format is that of lib/store/segment.h.  A sealed log is opened with the
keyring beside it, by its key file; payloads are then what is in them.
"""
import ctypes
import hashlib
import os
import struct
import sys

HEAD = 96
RECORD_HEAD = 32


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def crc32c(data, before=0):
    crc = before ^ 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def records(data):
    """(number, offset of the head, length of the payload) of each."""
    at = HEAD
    while at + RECORD_HEAD <= len(data):
        length, _, number = struct.unpack_from("<IIQ", data, at)
        if number == 0:
            return
        yield number, at, length
        at += (RECORD_HEAD + length + 31) // 32 * 32


def cbor(data, at=0):
    """The item at an offset, and where the next one is."""
    kind, value, at = data[at] >> 5, data[at] & 31, at + 1
    if value > 23:
        size = 1 << (value - 24)
        value, at = int.from_bytes(data[at:at + size], "big"), at + size
    if kind == 0:
        return value, at
    if kind in (2, 3):
        return bytes(data[at:at + value]), at + value
    items = []
    for _ in range(value):
        item, at = cbor(data, at)
        items.append(item)
    return items, at


class Keyring:
    """Of aegis-keyring(5), opened by its key file."""

    def __init__(self, folder):
        self.sodium = ctypes.CDLL("libsodium.so.23")
        with open(os.path.join(folder, "keyring"), "rb") as keyring:
            _, _, _, ring, cluster, node, _, slots, epochs = \
                cbor(keyring.read(8192))[0]
        with open(os.path.join(folder, "keys/storage"), "rb") as key:
            opener = self.derive(key.read(), b"aegslot_")
        root = None
        for _, kind, _, _, body in slots:
            if kind == 2:
                context = b"aegis/keyring/v1/slot\0" + ring + b"\x81\x02"
                root = self.open(opener, context, cbor(body)[0][0])
        self.keys = {}
        wrap = self.derive(root, b"aegwrap_")
        for epoch, state, _, algorithm, wrapped in epochs:
            context = b"aegis/keyring/v1/epoch\0" + ring + cluster + \
                bytes([0x83, 0x60 + len(node)]) + node + \
                bytes([epoch, algorithm])
            if state != 3:
                key = self.open(wrap, context, wrapped)
                self.keys[epoch] = self.derive(key, b"aegwal__")

    def derive(self, key, context):
        out = ctypes.create_string_buffer(32)
        self.sodium.crypto_kdf_derive_from_key(out, ctypes.c_size_t(32),
                                               ctypes.c_uint64(0), context, key)
        return out.raw

    def open(self, key, context, sealed):
        out = ctypes.create_string_buffer(len(sealed))
        if self.sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                out, None, None, sealed[24:], ctypes.c_uint64(len(sealed) - 24),
                context, ctypes.c_uint64(len(context)), sealed[:24], key):
            sys.exit("what is sealed does not open")
        return out.raw[:len(sealed) - 40]

    def seal(self, epoch, context, plain):
        nonce, out = os.urandom(24), ctypes.create_string_buffer(
            len(plain) + 16)
        self.sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            out, None, plain, ctypes.c_uint64(len(plain)), context,
            ctypes.c_uint64(len(context)), None, nonce, self.keys[epoch])
        return struct.pack("<I", epoch) + nonce + out.raw


class Log:
    """A segment's bytes, and what is in its records."""

    def __init__(self, path):
        with open(path, "rb") as segment:
            self.data = bytearray(segment.read())
        version, = struct.unpack_from("<I", self.data, 8)
        folder = os.path.join(os.path.dirname(os.path.abspath(path)), "..")
        self.keyring = Keyring(folder) if version > 1 else None

    def context(self, number):
        return bytes(self.data[16:48]) + struct.pack("<Q", number)

    def plain(self, number, at, length):
        payload = bytes(self.data[at + RECORD_HEAD:at + RECORD_HEAD + length])
        if self.keyring is None:
            return payload
        epoch, = struct.unpack_from("<I", payload)
        return self.keyring.open(self.keyring.keys[epoch],
                                 self.context(number), payload[4:])

    def sealed(self, number, plain):
        if self.keyring is None:
            return plain
        return self.keyring.seal(max(self.keyring.keys),
                                 self.context(number), plain)


def reseal(data):
    """Make every record's checksums and chain right again."""
    chain = bytes(data[56:88])
    salt, = struct.unpack_from("<I", data, 88)
    for number, at, length in records(data):
        payload = bytes(data[at + RECORD_HEAD:at + RECORD_HEAD + length])
        chain = hashlib.blake2b(chain + struct.pack("<Q", number) + payload,
                                digest_size=32).digest()
        struct.pack_into("<I", data, at + 4, crc32c(payload))
        data[at + 24:at + 28] = chain[:4]
        struct.pack_into("<I", data, at + 28, crc32c(data[at:at + 28], salt))


def append(log, payload):
    """Lay a record behind the last one, where there are zeros."""
    data = log.data
    number, at, length = list(records(data))[-1]
    at += (RECORD_HEAD + length + 31) // 32 * 32
    payload = log.sealed(number + 1, payload)
    record = struct.pack("<IIQQQ", len(payload), 0, number + 1, number, 0)
    data[at:at + RECORD_HEAD + len(payload)] = record + payload
    reseal(data)


def main(path, action, *words):
    log = Log(path)
    data = log.data
    found = {number: (at, length) for number, at, length in records(data)}
    if action == "list":
        for number, (at, length) in found.items():
            print(number, at, length)
        return
    if action == "find":
        for number, (start, length) in found.items():
            at = log.plain(number, start, length).find(bytes.fromhex(words[0]))
            if at >= 0:
                print(number, at)
                return
        sys.exit("not in a record")
    if action == "last":
        kind, wanted = int(words[0]), bytes.fromhex(words[1])
        plains = [(number, log.plain(number, at, length))
                  for number, (at, length) in found.items()]
        number, plain = [(number, plain) for number, plain in plains
                         if plain[1] == kind and wanted in plain][-1]
        print(number, len(plain))
        return
    if action == "show":
        number = int(words[0])
        print(log.plain(number, *found[number]).hex())
        return
    if action == "append":
        append(log, bytes.fromhex(words[0]))
    elif action == "flip":
        number = int(words[0])
        start, length = found[number]
        plain = bytearray(log.plain(number, start, length))
        plain[int(words[1])] ^= 0xFF
        data[start + RECORD_HEAD:start + RECORD_HEAD + length] = \
            log.sealed(number, bytes(plain))
        reseal(data)
    elif action == "cut":
        start = found[int(words[0])][0]
        data[start:] = bytes(len(data) - start)
    else:
        sys.exit(__doc__)
    with open(path, "wb") as segment:
        segment.write(data)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
