"""The processes of a trial cluster: started as an operator would, killed as
nobody would, and asked over their sockets.

RULES  1. A process is signalled through a descriptor of its own (pidfd), so
          that a number used again by another process is never hit.
       2. A node that ended without having been killed is a failure.
       3. Every wait is bounded and for an event or a condition.
"""
import json
import os
import select
import signal
import socket
import subprocess
import time

ASK_SECONDS = 10


class Failure(Exception):
    """The cluster did what it must not, or did not do what it must."""


class NotSent(Exception):
    """Nobody listens: the request has not left."""


class Lost(Exception):
    """The connection ended with the request sent and no answer."""


class Link:
    """One kept connection to a node's API."""

    def __init__(self, path):
        self.path = path
        self.sock = None
        self.rest = b""

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock = None
        self.rest = b""

    def connect(self):
        self.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            raise NotSent("connect %s: %s" % (self.path, error)) from error
        self.sock = sock

    def ask(self, method, target, body=b"", timeout_ms=5000):
        """(status, headers, body); the socket waits longer than the node."""
        if self.sock is None:
            self.connect()
        head = "%s %s HTTP/1.1\r\nHost: aegis\r\nAegis-Timeout-Ms: %d\r\nContent-Length: %d\r\n\r\n" % (
            method, target, timeout_ms, len(body))
        try:
            self.sock.settimeout(timeout_ms / 1000 + 5)
            self.sock.sendall(head.encode() + body)
            return self.answer()
        except (OSError, ValueError) as error:
            self.close()
            raise Lost("%s %s at %s: %s" % (method, target, self.path, error)) from error

    def more(self):
        data = self.sock.recv(262144)
        if not data:
            raise ConnectionError("closed")
        self.rest += data

    def answer(self):
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            self.more()
        lines = self.rest[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < end + 4 + length:
            self.more()
        body = self.rest[end + 4:end + 4 + length]
        self.rest = self.rest[end + 4 + length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split(" ")[1]), headers, body


class Process:
    """A node's process, once it has been found."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)
        self.is_killed = False

    def has_ended(self, seconds=0.0):
        return bool(select.select([self.fd], [], [], seconds)[0])

    def signal(self, number):
        signal.pidfd_send_signal(self.fd, number)

    def close(self):
        os.close(self.fd)


class Trial:
    def __init__(self, aegis, path, nodes):
        self.aegis = aegis
        self.path = path
        self.names = ["n%d" % (i + 1) for i in range(nodes)]
        self.faults = (nodes - 1) // 3
        self.processes = {}
        self.commands = []

    def make(self):
        self.run("cluster", "init", "--nodes", str(len(self.names)), self.path)

    def run(self, *words):
        done = subprocess.run([self.aegis, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)
        if done.returncode != 0:
            raise Failure("aegis %s: exit %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))

    def file(self, name, file):
        return os.path.join(self.path, name, file)

    def link(self, name):
        return Link(self.file(name, "aegis.sock"))

    # --- processes ---

    def up(self):
        """Begin to start what does not run; see up_wait()."""
        command = subprocess.Popen([self.aegis, "cluster", "up", "--any", self.path], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.commands.append(command)
        return command

    def up_wait(self, command, may_fail=False):
        """may_fail: nodes were killed while it ran."""
        _, complaint = command.communicate(timeout=60)
        self.commands.remove(command)
        if command.returncode != 0 and not may_fail:
            raise Failure("aegis cluster up: exit %d: %s" % (command.returncode, complaint.strip()))
        self.find()

    def start(self):
        self.up_wait(self.up())

    def pid_of(self, name):
        """The number in its file, if that process is the node."""
        try:
            with open(self.file(name, "pid"), encoding="ascii") as file:
                pid = int(file.read())
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                is_node = self.file(name, "aegis.yaml").encode() in file.read().split(b"\0")
            return pid if is_node else None
        except (OSError, ValueError):
            return None

    def find(self):
        """Take note of processes that have been started."""
        for name in self.names:
            known = self.processes.get(name)
            if known is not None and not known.has_ended():
                continue
            if known is not None and not known.is_killed:
                raise Failure("%s ended by itself; see %s" % (name, self.file(name, "node.out")))
            pid = self.pid_of(name)
            if pid is None:
                continue
            try:
                process = Process(pid)
            except OSError:
                continue
            # The number may have been used again before it was opened.
            if self.pid_of(name) != pid:
                process.close()
                continue
            if known is not None:
                known.close()
            self.processes[name] = process

    def find_new(self, names, seconds=10):
        """Wait until the processes of these killed nodes are new ones."""
        end = time.monotonic() + seconds
        while True:
            self.find()
            if not any(self.processes[name].is_killed for name in names):
                return
            if time.monotonic() > end:
                raise Failure("%s not started after %d s" % (", ".join(names), seconds))
            time.sleep(0.002)

    def running(self):
        return [name for name in self.names if name in self.processes and not self.processes[name].is_killed]

    def kill(self, names):
        """SIGKILL, and wait until they are gone.  When the first was hit."""
        for name in names:
            if self.processes[name].has_ended():
                raise Failure("%s ended by itself; see %s" % (name, self.file(name, "node.out")))
        for name in names:
            self.processes[name].is_killed = True
        began = time.monotonic()
        for name in names:
            self.processes[name].signal(signal.SIGKILL)
        for name in names:
            if not self.processes[name].has_ended(10):
                raise Failure("%s goes on 10 s after SIGKILL" % name)
        return began

    def signal(self, name, number):
        self.processes[name].signal(number)

    def down(self):
        self.find()
        self.run("cluster", "down", self.path)
        for name, process in self.processes.items():
            if not process.has_ended(10):
                raise Failure("%s goes on after aegis cluster down" % name)
            process.is_killed = True

    def end(self):
        """Whatever happened: leave no process behind."""
        for command in self.commands:
            command.kill()
            command.wait()
        try:
            self.find()
        except Failure:
            pass
        for process in self.processes.values():
            if not process.has_ended():
                process.signal(signal.SIGKILL)

    # --- questions ---

    def ask(self, name, target):
        """A JSON answer, or None when there is no good one now."""
        link = self.link(name)
        try:
            status, _, body = link.ask("GET", target, timeout_ms=ASK_SECONDS * 1000)
            return json.loads(body) if status == 200 else None
        except (NotSent, Lost):
            return None
        finally:
            link.close()

    def until(self, what, seconds, condition):
        """Ask again and again, because nobody tells; what must come true."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value is not None:
                return value
            self.find()
            if time.monotonic() > end:
                raise Failure("%s: not within %d s" % (what, seconds))
            time.sleep(0.01)

    def until_ready(self, seconds=60):
        """All nodes serve, hear all others, and have caught up: none has
        anything to fetch that others no longer hold in memory."""
        def ready():
            executed = []
            stable = []
            for name in self.names:
                if self.ask(name, "/readyz") is None:
                    return None
                status = self.ask(name, "/v1/status")
                if status is None or status["health"] != "OK" or status["changing_view"]:
                    return None
                executed.append(int(status["executed"]))
                stable.append(int(status["stable"]))
            return True if min(executed) >= max(stable) else None
        self.until("all nodes ready again", seconds, ready)

    def primary(self, seconds=30):
        """(name, view), when all nodes say the same."""
        def agreed():
            said = set()
            for name in self.running():
                status = self.ask(name, "/v1/status")
                if status is None or status["changing_view"]:
                    return None
                said.add((status["primary"], int(status["view"])))
            return said.pop() if len(said) == 1 else None
        return self.until("all nodes agree who is primary", seconds, agreed)

    def usage(self, name):
        """(resident bytes, open descriptors)"""
        pid = self.processes[name].pid
        with open("/proc/%d/statm" % pid, encoding="ascii") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return resident, len(os.listdir("/proc/%d/fd" % pid))

    # --- a torn tail ---

    def tear(self, name, rng):
        """Give the log of a node that was killed the tail that a machine
        crash can leave: the head and some sectors of a record whose sync had
        not come back.  Nobody was told of it, so it must be cut off."""
        folder = self.file(name, "log")
        newest = max(file for file in os.listdir(folder) if file.startswith("wal-") and file.endswith(".log"))
        with open(os.path.join(folder, newest), "r+b") as file:
            data = file.read()
            at, last, number = 96, None, int(newest[4:20], 16)
            while at + 32 <= len(data) and int.from_bytes(data[at + 8:at + 16], "little") == number:
                last = at
                at += (32 + int.from_bytes(data[at:at + 4], "little") + 31) // 32 * 32
                number += 1
            # Killed while it wrote: then this is a torn tail already.
            if last is not None and not record_is_whole(data, last):
                return
            body = rng.randbytes(rng.randrange(1100, 4000))
            head = len(body).to_bytes(4, "little") + crc32c(body).to_bytes(4, "little")
            head += number.to_bytes(8, "little") + (number - 1).to_bytes(8, "little") + rng.randbytes(4)
            head += crc32c(head).to_bytes(4, "little")
            sectors = (at // 512 + rng.randrange(1, 3)) * 512 - at
            file.seek(at)
            file.write((head + body)[:sectors])


def record_is_whole(data, at):
    length = int.from_bytes(data[at:at + 4], "little")
    return int.from_bytes(data[at + 4:at + 8], "little") == crc32c(data[at + 32:at + 32 + length])


def crc32c_table():
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xffffffff
