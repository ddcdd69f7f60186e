#!/usr/bin/env python3
"""Fill a cluster: fill.py SOCKET KEYS VALUE_BYTES

Keys are spread, values are random, and as many as fit go in a transaction.
"""
import http.client
import json
import os
import socket
import sys
import threading
import time

CLIENTS = 4
BODY_BYTES = 700000
OPERATIONS_MAX = 64
SPREAD = 0x9E3779B97F4A7C15


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("node", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Fill:
    def __init__(self, path, keys, value_bytes):
        self.path = path
        self.keys = keys
        self.value_bytes = value_bytes
        self.step = max(1, min(OPERATIONS_MAX,
                               BODY_BYTES // (value_bytes + 64)))
        self.next = 0
        self.failed = None
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            first = self.next
            self.next += self.step
        return range(first, min(first + self.step, self.keys))

    def change(self, i):
        key = "key/%016x" % (i * SPREAD % 2**64)
        value = os.urandom((self.value_bytes + 1) // 2).hex()
        return {"put": key, "value": value[:self.value_bytes]}

    def put(self, connection, numbers):
        body = json.dumps({"then": [self.change(i) for i in numbers]})
        for _ in range(200):
            connection.request("POST", "/v1/kv/txn", body,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                return
            time.sleep(0.2)
        raise RuntimeError(text.decode())

    def run(self):
        connection = Connection(self.path)
        try:
            while self.failed is None:
                numbers = self.take()
                if not numbers:
                    return
                self.put(connection, numbers)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            self.failed = error


def main():
    fill = Fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    threads = [threading.Thread(target=fill.run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if fill.failed is not None:
        sys.exit("fill: %s" % fill.failed)


main()
