"""A terminal and a node for testing the dashboard: a pty and a socket."""
import fcntl
import http.server
import json
import os
import pty
import select
import signal
import socketserver
import struct
import termios
import threading
import time


class Node:
    """Answers the dashboard's routes on a Unix socket from a fixture."""

    def __init__(self, fixture, path):
        with open(fixture, "rb") as f:
            self.data = json.loads(f.read())
        self.path = path
        self.server = None
        if isinstance(self.data["status"], list):
            self.data["status"] = self.data["status"][-1]

    def answer(self, path):
        part = {"/v1/status": "status", "/v1/consensus/rounds": "rounds", "/v1/consensus/views": "views",
                "/v1/alerts": "alerts", "/v1/logs": "logs"}.get(path.split("?")[0])
        if part is None:
            return None
        if part == "status":
            s = self.data["status"]
            s["uptime_ms"] = str(int(time.monotonic() * 1000))
            for k, step in (("commits", 1040), ("executed", 1040)):
                s[k] = str(int(s[k]) + step)
            for m in s["members"]:
                m["executed"] = s["executed"]
                m["tx_bytes"] = str(int(m["tx_bytes"]) + 310000)
        if part == "rounds":
            for r in self.data["rounds"]["rounds"]:
                r["seq"] = str(int(r["seq"]) + 1040)
        return json.dumps(self.data[part]).encode()

    def start(self):
        node = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = node.answer(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def address_string(self):
                return "client"

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)


class Tui:
    """The dashboard on a pty of its own; frames are counted, not slept for."""

    def __init__(self, argv, width=80, height=24, env=None):
        self.output = b""
        self.marks = b""
        self.frames_read, frames_write = os.pipe()
        os.set_inheritable(frames_write, True)
        # Windows are set before the program starts, so it sees no resize.
        master, slave = pty.openpty()
        self.master = master
        self.resize(width, height)
        self.before = termios.tcgetattr(slave)
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            environment.update(env or {})
            environment = {k: v for k, v in environment.items() if v is not None}
            try:
                os.execve(argv[0], argv + ["--frame-fd", str(frames_write)], environment)
            finally:
                os._exit(126)
        os.close(frames_write)
        self.slave = slave  # kept open, so that settings outlive the child

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def pump(self, seconds, until=None):
        """Read what comes until a condition holds; True when it does."""
        end = time.monotonic() + seconds
        while until is None or not until():
            left = end - time.monotonic()
            if left <= 0:
                return until is None
            ready, _, _ = select.select([self.master, self.frames_read], [], [], left)
            for fd in ready:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                if fd == self.master:
                    self.output += data
                    self.last = time.monotonic()
                else:
                    self.marks += data
                if not data and fd == self.frames_read:
                    return until is None or until()
        return True

    def frames(self):
        return self.marks.count(b"\n")

    def wait_frames(self, count, seconds=20):
        return self.pump(seconds, lambda: self.frames() >= count)

    def keys(self, data):
        os.write(self.master, data)

    def wait_exit(self, seconds=20):
        """The wait status, or None when it does not end in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.pump(0.05)
                return status
            self.pump(0.02)
        return None

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0
