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

The format is that of lib/store/segment.h.
"""
import hashlib
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


def append(data, payload):
    """Lay a record behind the last one, where there are zeros."""
    number, at, length = list(records(data))[-1]
    at += (RECORD_HEAD + length + 31) // 32 * 32
    record = struct.pack("<IIQQQ", len(payload), 0, number + 1, number, 0)
    data[at:at + RECORD_HEAD + len(payload)] = record + payload
    reseal(data)


def main(path, action, *words):
    with open(path, "rb") as segment:
        data = bytearray(segment.read())
    found = {number: (at, length) for number, at, length in records(data)}
    if action == "list":
        for number, (at, length) in found.items():
            print(number, at, length)
        return
    if action == "find":
        at = data.index(bytes.fromhex(words[0]))
        for number, (start, length) in found.items():
            if start + RECORD_HEAD <= at < start + RECORD_HEAD + length:
                print(number, at - start - RECORD_HEAD)
                return
        sys.exit("not in a record")
    if action == "last":
        kind, wanted = int(words[0]), bytes.fromhex(words[1])
        holding = [(number, length) for number, (at, length) in found.items()
                   if data[at + RECORD_HEAD + 1] == kind and
                   wanted in data[at + RECORD_HEAD:at + RECORD_HEAD + length]]
        print(*holding[-1])
        return
    if action == "show":
        start, length = found[int(words[0])]
        print(data[start + RECORD_HEAD:start + RECORD_HEAD + length].hex())
        return
    if action == "append":
        append(data, bytes.fromhex(words[0]))
    elif action == "flip":
        start = found[int(words[0])][0]
        data[start + RECORD_HEAD + int(words[1])] ^= 0xFF
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
