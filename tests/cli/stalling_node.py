#!/usr/bin/env python3
"""A node that takes half a second: stalling_node.py SOCKET [each]

It answers every PUT, the first one late, or each of them.  Prints "ready"
when it listens.
"""
import socket
import sys
import time

STALL_SECONDS = 0.5
BODY = b'{"v":1,"code":"DONE","seq":"1","version":"1","request":"r"}'
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)) + BODY


def read_request(client, seen):
    while b"\r\n\r\n" not in seen:
        piece = client.recv(65536)
        if not piece:
            return None
        seen += piece
    head, seen = seen.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                  if line.lower().startswith(b"content-length:"))
    while len(seen) < length:
        seen += client.recv(65536)
    return seen[length:]


def main():
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    print("ready", flush=True)
    stalls = True
    while True:
        client, _ = server.accept()
        rest = b""
        while (rest := read_request(client, rest)) is not None:
            if stalls:
                time.sleep(STALL_SECONDS)
            stalls = len(sys.argv) > 2
            try:
                client.sendall(ANSWER)
            except OSError:
                break


main()
