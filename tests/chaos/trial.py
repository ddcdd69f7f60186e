"""The processes of a trial cluster: set up and started as operators would,
killed as nobody would, and asked over their sockets.

RULES  1. A process is signalled through a descriptor of its own (pidfd), so
          that a number used again by another process is never hit.
       2. A node that ended without having been killed is a failure.
       3. Every wait is bounded and for an event or a condition.
"""
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

ASK_SECONDS = 10

# As a whole one is, of either format: no other begins in it.
LOG_LINE = re.compile(r'ts=\S+ level=((?!ts=\S+ level=).)*[^=]|\{"ts":((?!\{"ts":).)*\}')


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
    """A node's process, from its start to its end."""

    def __init__(self, popen):
        self.popen = popen
        self.pid = popen.pid
        self.fd = os.pidfd_open(self.pid)
        self.is_killed = False

    def has_ended(self, seconds=0.0):
        return bool(select.select([self.fd], [], [], seconds)[0])

    def signal(self, number):
        signal.pidfd_send_signal(self.fd, number)

    def close(self):
        """Its exit status; it has ended."""
        os.close(self.fd)
        return self.popen.wait()


class Trial:
    def __init__(self, programs, path, ground):
        """programs: aegis, and the same under another version or None."""
        self.aegis, self.next = programs
        self.runs = {}
        self.path = path
        self.ground = ground
        self.names = ["n%d" % (i + 1) for i in range(ground.count)]
        self.faults = (ground.count - 1) // 3
        self.settings = {}
        self.processes = {}

    def make(self):
        """As operators would, each with the address its roster gives it."""
        os.mkdir(self.path, 0o700)
        members = []
        for i, name in enumerate(self.names):
            folder = self.folder(name)
            members.append(self.file(name, "member.roster"))
            self.run("node", "init", "-q", "-D", folder, "-n", name, "-l", self.ground.listen(i))
            self.run("roster", "member", "-n", name, "-a", self.ground.address(i), "-d", folder, "-o", members[-1])
        self.run("roster", "create", "-n", "chaos", "-o", os.path.join(self.path, "roster"), *members)
        for name in self.names:
            self.run("roster", "sign", "-d", self.folder(name), os.path.join(self.path, "roster"))
            self.configure(name)
        if self.ground.has_namespaces:
            self.ground.mount(self.folder(self.names[-1]))

    def configure(self, name, **settings):
        """Write its configuration, with section__key=value in place of what
        was said before."""
        known = self.settings.setdefault(name, {
            "node__name": name, "node__data_dir": self.folder(name),
            "node__roster": os.path.join(self.path, "roster"),
            "net__listen": self.ground.listen(self.names.index(name)),
            "api__socket": self.file(name, "aegis.sock"),
            # Not on the disk of which some have too little.
            "log__file": os.path.join(self.path, name + ".log")})
        known.update(settings)
        with open(self.file(name, "aegis.yaml"), "w", encoding="ascii") as file:
            for section in sorted({key.split("__")[0] for key in known}):
                file.write(section + ":\n")
                for key, value in known.items():
                    if key.startswith(section + "__"):
                        file.write("  %s: %s\n" % (key.split("__")[1], value))

    def run(self, *words):
        done = subprocess.run([self.aegis, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise Failure("aegis %s: exit %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))

    def folder(self, name):
        return os.path.join(self.path, name)

    def file(self, name, file):
        return os.path.join(self.folder(name), file)

    def output(self, name):
        """What it says that is not in its log."""
        return os.path.join(self.path, name + ".out")

    def said(self, name):
        with open(self.output(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def link(self, name):
        return Link(self.file(name, "aegis.sock"))

    # --- processes ---

    def up(self):
        """Start what does not run; until_ready() waits."""
        for i, name in enumerate(self.names):
            known = self.processes.get(name)
            if known is not None and not known.has_ended():
                continue
            if known is not None:
                self.check(name)
                known.close()
            with open(self.output(name), "ab") as file:
                self.processes[name] = Process(subprocess.Popen(
                    self.ground.words(i) + [self.runs.get(name, self.aegis), "node", "run", "-c", self.file(name, "aegis.yaml")],
                    env=self.ground.environment(i), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                    start_new_session=True))

    def check(self, name):
        process = self.processes[name]
        if process.has_ended() and not process.is_killed:
            raise Failure("%s ended by itself with %d: %s" % (name, process.popen.wait(), self.said(name)[:2000]))

    def running(self):
        return [name for name in self.names if name in self.processes and not self.processes[name].is_killed]

    def kill(self, names):
        """SIGKILL, and wait until they are gone.  When the first was hit."""
        for name in names:
            self.check(name)
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

    def stop(self, names):
        """As an operator would: each ends, and well."""
        for name in names:
            self.check(name)
            self.processes[name].is_killed = True
            self.signal(name, signal.SIGTERM)
        for name in names:
            self.ends(name, 0, "", 20)

    def ends(self, name, status, words, seconds):
        """A node that must end, with this status and one line that matches
        these words (none when there are no words)."""
        process = self.processes[name]
        process.is_killed = True
        if not process.has_ended(seconds):
            raise Failure("%s has not ended after %d s" % (name, seconds))
        got = process.popen.wait()
        said = self.said(name)
        if got != status or not re.search(words, said) or said.count("\n") != (words != ""):
            raise Failure("%s ended with %d, not %d, and said '%s' where '%s' was expected" % (
                name, got, status, said[:2000], words))
        os.truncate(self.output(name), 0)

    def end(self):
        """Whatever happened: leave no process behind."""
        for process in self.processes.values():
            if not process.has_ended():
                process.signal(signal.SIGKILL)
            process.close()

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
            for name in self.running():
                self.check(name)
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
        """(resident bytes at most, open descriptors)"""
        pid = self.processes[name].pid
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            peak = int(next(line for line in file if line.startswith("VmHWM:")).split()[1]) * 1024
        return peak, len(os.listdir("/proc/%d/fd" % pid))

    def forget_peak(self, name):
        """What it had resident until now does not count."""
        with open("/proc/%d/clear_refs" % self.processes[name].pid, "w", encoding="ascii") as file:
            file.write("5")

    def log_is_whole(self, name):
        """Whatever became of the writes, no line was cut."""
        with open(os.path.join(self.path, name + ".log"), encoding="utf-8") as file:
            for line in file.read().split("\n")[:-1]:
                if not LOG_LINE.fullmatch(line):
                    raise Failure("the log of %s has the line '%s'" % (name, line))

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
            head += crc32c(head, int.from_bytes(data[88:92], "little")).to_bytes(4, "little")
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


def crc32c(data, before=0):
    crc = before ^ 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xffffffff
