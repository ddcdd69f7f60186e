#!/usr/bin/env python3
"""relay, seam and crowd do what ground.py and chaos.py believe of them.

Environment: CHAOS_DIR, where they are.
"""
import errno
import json
import os
import random
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from ground import Seam, Told

DIR = os.path.abspath(os.environ.get("CHAOS_DIR", "build/release/tests/chaos"))
NET = random.SystemRandom().randrange(16, 120)
WAIT = 10


class Relay(unittest.TestCase):
    """Two members; the first one dials."""

    def setUp(self):
        self.listener = socket.create_server(("127.%d.1.2" % NET, 0))
        self.listener.settimeout(WAIT)
        port = self.listener.getsockname()[1]
        self.front = ("127.%d.1.1" % NET, port)
        self.relay = Told(os.path.join(DIR, "relay"), "1",
                          "127.%d.0.2,127.%d.0.1:%d,127.%d.0.2:%d" % (NET, NET, port, NET, port),
                          "127.%d.1.2,127.%d.1.1:%d,127.%d.1.2:%d" % (NET, NET, port, NET, port),
                          stderr=subprocess.DEVNULL)
        self.addCleanup(self.listener.close)
        self.addCleanup(self.relay.close)

    def dial(self):
        near = socket.create_connection(self.front, WAIT, ("127.%d.0.2" % NET, 0))
        self.addCleanup(near.close)
        return near

    def pair(self):
        near = self.dial()
        far, peer = self.listener.accept()
        far.settimeout(WAIT)
        self.addCleanup(far.close)
        self.assertEqual(peer[0], "127.%d.0.1" % NET)
        return near, far

    def receive(self, sock, count):
        data = b""
        while len(data) < count:
            more = sock.recv(count - len(data))
            self.assertTrue(more, "closed after %r" % data)
            data += more
        return data

    def hears_nothing(self, sock):
        """While so much time passes that it would."""
        sock.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            sock.recv(1)
        sock.settimeout(WAIT)

    def test_bytes_pass_both_ways_and_so_does_the_end(self):
        near, far = self.pair()
        near.sendall(b"there")
        self.assertEqual(self.receive(far, 5), b"there")
        far.sendall(b"back")
        self.assertEqual(self.receive(near, 4), b"back")
        near.shutdown(socket.SHUT_WR)
        self.assertEqual(far.recv(1), b"")
        far.sendall(b"rest")
        far.close()
        self.assertEqual(self.receive(near, 4), b"rest")
        self.assertEqual(near.recv(1), b"")

    def test_what_is_late_is_late_in_one_direction_and_in_order(self):
        near, far = self.pair()
        self.relay.tell("pass", 0, 1, 100000, 50000, 0, 0)
        began = time.monotonic()
        for i in range(20):
            near.sendall(bytes([i]))
            time.sleep(0.001)
        self.assertEqual(self.receive(far, 1), b"\0")
        self.assertGreaterEqual(time.monotonic() - began, 0.1)
        self.assertEqual(self.receive(far, 19), bytes(range(1, 20)))
        began = time.monotonic()
        far.sendall(b"x")
        self.receive(near, 1)
        self.assertLess(time.monotonic() - began, 0.1)

    def test_what_is_lost_comes_as_late_as_sent_again(self):
        near, far = self.pair()
        self.relay.tell("pass", 0, 1, 0, 0, 1000, 0)
        began = time.monotonic()
        near.sendall(b"x")
        self.receive(far, 1)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)
        self.assertEqual(self.relay.tell("counts")[2], 1)

    def test_slow_link_takes_its_time(self):
        near, far = self.pair()
        self.relay.tell("pass", 0, 1, 0, 0, 0, 1000000)
        began = time.monotonic()
        near.sendall(bytes(200000))
        self.receive(far, 200000)
        self.assertGreaterEqual(time.monotonic() - began, 0.19)

    def test_one_way_is_blocked_and_gives_all_back(self):
        near, far = self.pair()
        self.relay.tell("block", 0, 1)
        near.sendall(b"held")
        near.close()
        self.hears_nothing(far)
        self.relay.tell("open", 0, 1)
        self.assertEqual(self.receive(far, 4), b"held")
        self.assertEqual(far.recv(1), b"")

    def test_other_way_is_open_meanwhile(self):
        near, far = self.pair()
        self.relay.tell("block", 0, 1)
        far.sendall(b"x")
        self.assertEqual(self.receive(near, 1), b"x")

    def test_who_holds_without_end_makes_the_sender_wait(self):
        near, _ = self.pair()
        self.relay.tell("block", 0, 1)
        near.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            for _ in range(64):
                near.sendall(bytes(1 << 20))

    def test_who_dials_into_a_partition_is_heard_after_it(self):
        self.relay.tell("block", 1, 0)
        near = self.dial()
        near.sendall(b"late")
        self.listener.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            self.listener.accept()
        self.relay.tell("open", 1, 0)
        self.listener.settimeout(WAIT)
        far, _ = self.listener.accept()
        self.addCleanup(far.close)
        self.assertEqual(self.receive(far, 4), b"late")

    def test_reset_is_one_for_both_ends(self):
        near, far = self.pair()
        self.relay.tell("reset", 1, 0)
        for sock in (near, far):
            with self.assertRaises(ConnectionResetError):
                sock.recv(1)
        self.assertEqual(self.relay.tell("counts")[4], 1)

    def test_nobody_listens_is_heard(self):
        self.listener.close()
        near = self.dial()
        with self.assertRaises(ConnectionResetError):
            near.recv(1)

    def test_stranger_is_shut_out(self):
        near = socket.create_connection(self.front, WAIT)
        self.addCleanup(near.close)
        self.assertEqual(near.recv(1), b"")


class SeamUnderAProgram(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.seam = Seam(os.path.join(folder.name, "seam"))
        self.file = os.path.join(folder.name, "file")

    def run_in(self, program, **more):
        done = subprocess.run([sys.executable, "-c", program, self.file], capture_output=True, text=True, check=True,
                              env=dict(os.environ, LD_PRELOAD=os.path.join(DIR, "seam.so"), SEAM=self.seam.path,
                                       **more))
        return done.stdout

    SYNC = """
import os, sys, time
file = open(sys.argv[1], "w")
for call in (os.fsync, os.fdatasync):
    began = time.monotonic()
    try:
        call(file.fileno())
        print(time.monotonic() - began > 0.1)
    except OSError as error:
        print(error.errno)
"""

    def test_syncs_are_as_they_were_when_nothing_is_asked(self):
        self.assertEqual(self.run_in(self.SYNC), "False\nFalse\n")

    def test_sync_fails_once_and_then_succeeds(self):
        self.seam.set("sync_errors", 1)
        self.assertEqual(self.run_in(self.SYNC), "5\nFalse\n")
        self.assertEqual(self.seam.get("failed_syncs"), 1)

    def test_syncs_take_longer(self):
        self.seam.set("sync_delay_us", 150000)
        self.assertEqual(self.run_in(self.SYNC), "True\nTrue\n")
        self.assertEqual(self.seam.get("slow_syncs"), 2)

    def test_wall_clock_is_off_and_no_other(self):
        program = "import time; print(time.time(), time.monotonic())"
        for step in (3600, -3600, -1):
            self.seam.set("wall_offset_us", step * 1000000)
            wall, mono = map(float, self.run_in(program).split())
            self.assertLess(abs(wall - time.time() - step), 30)
            self.assertLess(abs(mono - time.monotonic()), 30)
        self.assertGreater(self.seam.get("wrong_times"), 0)

    # How much each call did of four bytes, or why not, and what is there in the end.
    ROUGH = """
import os, socket, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
def tried(call, *words):
    try:
        done = call(*words)
        return done if isinstance(done, int) else len(done)
    except OSError as error:
        return -error.errno
near, far = socket.socketpair() if sys.argv[2] == "local" else (None, None)
if near is None:
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.socket()
    near.connect(listener.getsockname())
    far = listener.accept()[0]
near.setblocking(False)
print([tried(os.pwrite, fd, b"abcd", 0) for i in range(200)])
print([tried(os.pread, fd, 4, 0) for i in range(200)])
print([tried(near.send, b"abcd") for i in range(200)])
print(os.pread(fd, 1, 0))
"""

    def rough(self, where, chance, seed=1):
        self.seam.set("rough", chance)
        self.seam.set("rough_seed", seed)
        done = subprocess.run([sys.executable, "-c", self.ROUGH, self.file, where], capture_output=True, text=True,
                              check=True, env=dict(os.environ, LD_PRELOAD=os.path.join(DIR, "seam.so"),
                                                   SEAM=self.seam.path)).stdout.splitlines()
        return [json.loads(line) for line in done[:3]] + done[3:]

    def test_nothing_is_rough_when_nothing_is_asked(self):
        self.assertEqual(self.rough("links", 0), [[4] * 200] * 3 + ["b'a'"])

    def test_calls_do_less_than_was_asked_for_by_chance(self):
        writes, reads, sent, there = self.rough("links", 32768)
        # Python tries again what was interrupted.
        for done in (writes, reads):
            self.assertEqual(set(done), {1, 2, 3, 4})
        self.assertTrue({1, 2, 3, 4} <= set(sent) <= {1, 2, 3, 4, -errno.EAGAIN})
        self.assertEqual(there, "b'a'")
        self.assertGreater(self.seam.get("rough_calls"), 100)

    def test_only_links_are_rough_of_all_sockets(self):
        self.assertEqual(self.rough("local", 32768)[2], [4] * 200)

    def test_descriptors_run_out_for_links_alone(self):
        program = """
import errno, socket
def made(family):
    try:
        socket.socket(family).close()
        return True
    except OSError as error:
        return error.errno != errno.EMFILE
print(made(socket.AF_INET), made(socket.AF_UNIX))
"""
        self.assertEqual(self.run_in(program), "True True\n")
        self.seam.set("no_descriptor", 65536)
        self.assertEqual(self.run_in(program), "False True\n")

    def test_connections_come_from_the_host_that_was_named(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.run_in("import socket; socket.create_connection(('127.0.0.1', %d))" % listener.getsockname()[1],
                    SEAM_SOURCE="127.%d.5.6" % NET)
        taken, peer = listener.accept()
        taken.close()
        self.assertEqual(peer[0], "127.%d.5.6" % NET)


class Store(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One that says what a node would, but for one lie."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path, lie):
        super().__init__(path, Answer)
        self.lie = lie
        self.lock = threading.Lock()
        self.data = {}
        self.seq = 0
        self.writes = 0

    def handle_error(self, request, client_address):
        """The crowd leaves in the middle of an answer when it has found out."""

    def put(self, key, value):
        self.seq += 1
        self.writes += 1
        old = self.data.get(key)
        version = old[1] + 1 if old else 1
        if self.lie == "twice" and self.writes == 50:
            version += 1
        if not (self.lie == "lost" and self.writes == 50):
            self.data[key] = (value, version, old)
        if self.lie == "refused" and self.writes == 50:
            return 503, "", "{}"
        seq = self.seq - 40 if self.lie == "order" and self.writes > 50 else self.seq
        return 200, "", '{"seq":"%d","version":"%d","previous_version":"%d"}' % (seq, version, version - 1)

    def get(self, key):
        entry = self.data.get(key)
        if self.lie == "stale" and entry is not None and self.writes > 50:
            entry = entry[2]
        head = "Aegis-Seq: %d\r\n" % self.seq
        if entry is None:
            return 404, head, "{}"
        return 200, head + "Aegis-Version: %d\r\n" % entry[1], entry[0]


class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline().decode():
            length = 0
            while (head := self.rfile.readline().strip()):
                if head.lower().startswith(b"content-length:"):
                    length = int(head.split(b":")[1])
            body = self.rfile.read(length).decode()
            key = urllib.parse.parse_qs(line.split(" ")[1].split("?")[1])["key"][0]
            with self.server.lock:
                status, head, text = self.server.put(key, body) if line.startswith("PUT") else self.server.get(key)
            self.wfile.write(("HTTP/1.1 %d x\r\n%sContent-Length: %d\r\n\r\n%s" % (
                status, head, len(text), text)).encode())


class Crowd(unittest.TestCase):
    def crowd(self, lie):
        """Its exit status, what it said on stderr, and its answers."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            with Store(path, lie) as store:
                threading.Thread(target=store.serve_forever, daemon=True).start()
                with subprocess.Popen([os.path.join(DIR, "crowd"), "4", "1", path], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as crowd:
                    end = time.monotonic() + WAIT
                    while store.writes < 2000 and crowd.poll() is None and time.monotonic() < end:
                        time.sleep(0.01)
                    out, err = crowd.communicate("stop\n" if crowd.poll() is None else None, timeout=70)
                store.shutdown()
        return crowd.returncode, err, out.splitlines()

    def test_right_answers_are_counted_and_all_keys_read_in_the_end(self):
        status, err, out = self.crowd(None)
        self.assertEqual((status, err, out[0]), (0, "", "up"))
        done, failed, unknown, reads = map(int, out[1].split()[1:])
        self.assertGreaterEqual(done, 2000)
        self.assertGreaterEqual(reads, 32)
        self.assertEqual((failed, unknown), (0, 0))

    def test_every_lie_is_found(self):
        for lie, words in (("twice", "was written as version"), ("lost", "written as version|read version"),
                           ("refused", "was written as version|of .* begun|its write refused"),
                           ("order", "had been answered"), ("stale", "read version")):
            with self.subTest(lie):
                status, err, _ = self.crowd(lie)
                self.assertEqual(status, 1)
                self.assertRegex(err, words)


if __name__ == "__main__":
    unittest.main()
