"""What the nodes of a trial stand on: a network, a disk and a clock each, all
of which can be made bad while they run.

Network  Every node is in a network namespace of its own.  The address the
         roster gives a member is the relay's (relay.c), which leads whoever
         connects there on to the node: nothing else joins the namespaces.
         Where none can be made (that takes root, or namespaces of users),
         nodes have hosts 127.x.y.z of their own instead, which the seam
         makes their connections come from.
Disk     The last node's directory is a small disk of its own (tmpfs) where
         there are namespaces.  Syncs of any node are made slow, or fail, by
         the seam.
Clock    The seam sets the wall clock of a node off.

The seam (seam.c) is preloaded.  Sanitizers cannot bear that: there is none
then, and no campaign asks for what it does.
"""
import contextlib
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys

PORT = 7422
DISK_BYTES = 1 << 30
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
MARK = "AEGIS_CHAOS_NAMESPACES"


class GroundError(Exception):
    """The machine does not let us."""


def enter_namespaces():
    """Run this program again with a network, mounts and processes that only
    it and its children see.  Returns where that is done, or cannot be."""
    if MARK in os.environ:
        return os.environ[MARK] == "yes"
    words = NAMESPACES if os.geteuid() == 0 else NAMESPACES + ["--user", "--map-root-user"]
    tried = subprocess.run(words + ["ip", "link", "set", "lo", "up"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    os.environ[MARK] = "yes" if tried.returncode == 0 else "no"
    if tried.returncode != 0:
        print("no namespaces here: nodes have hosts of 127.0.0.0/8 instead", flush=True)
        return False
    os.execvp(words[0], words + [sys.executable] + sys.argv)
    return False


def call(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise GroundError("%s: exit %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))


class Told:
    """A program that does what it is told, a line at a time."""

    def __init__(self, *words, is_waited_for=True, **more):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
        self.name = " ".join(words)
        if is_waited_for:
            self.is_up()

    def is_up(self):
        if self.process.stdout.readline() != "up\n":
            raise GroundError("%s does not come up" % self.name)

    def say(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def heard(self):
        """The numbers of its answer."""
        line = self.process.stdout.readline().split()
        if not line or line[0] != "done":
            raise GroundError("%s has ended with %s" % (self.name, self.process.wait()))
        return [int(word) for word in line[1:]]

    def tell(self, *words):
        self.say(*words)
        return self.heard()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()


class Seam:
    """The words of seam.h, shared with one node."""

    ASKED = ["sync_delay_us", "sync_errors", "wall_offset_us", "rough", "rough_seed", "no_descriptor"]
    HAPPENED = ["slow_syncs", "failed_syncs", "wrong_times", "rough_calls"]
    WORDS = ASKED + HAPPENED

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(8 * len(self.WORDS))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 * len(self.WORDS))

    def get(self, word):
        return struct.unpack_from("=q", self.map, 8 * self.WORDS.index(word))[0]

    def set(self, word, value):
        struct.pack_into("=q", self.map, 8 * self.WORDS.index(word), value)


class Ground:
    def __init__(self, path, count, tools, seed, has_namespaces, has_seam):
        self.path = path
        self.count = count
        self.tools = tools
        self.seed = seed
        self.has_namespaces = has_namespaces
        self.has_seam = has_seam
        self.mounted = []
        self.relay = None
        self.counts = dict.fromkeys(["passed", "late", "lost", "held", "resets"], 0)
        if not has_namespaces and not has_seam:
            raise GroundError("without namespaces and with a sanitizer no relay can tell the nodes apart")
        # Other trials may stand on this machine too.
        net = 77 if has_namespaces else random.SystemRandom().randrange(16, 120)
        first = 10 if has_namespaces else 127
        self.hosts = ["%d.%d.%d.2" % (first, net, i + 1) for i in range(count)]
        self.fronts = ["%d.%d.0.%d" % (first, net + 1, i + 1) for i in range(count)]
        self.seams = []

    def address(self, i):
        """Where the others reach it."""
        return "%s:%d" % (self.fronts[i], PORT)

    def listen(self, i):
        return "%s:%d" % (self.hosts[i], PORT)

    def open(self):
        os.mkdir(self.path)
        if self.has_namespaces:
            call("ip", "link", "set", "lo", "up")
            for i in range(self.count):
                self.join(i)
        if self.has_seam:
            self.seams = [Seam(os.path.join(self.path, "seam%d" % i)) for i in range(self.count)]
        self.relay = Told(os.path.join(self.tools, "relay"), str(self.seed), *[
            "%s,%s,%s" % (self.hosts[i], self.address(i), self.listen(i)) for i in range(self.count)])

    def join(self, i):
        """A namespace, and the one wire out of it."""
        place = self.namespace(i)
        with open(place, "wb"):
            pass
        call("unshare", "--net=" + place, "true")
        self.mounted.append(place)
        inside = ["nsenter", "--net=" + place]
        call("ip", "link", "add", "chaos%d" % i, "type", "veth", "peer", "name", "eth0", "netns", place)
        call("ip", "address", "add", self.hosts[i].rsplit(".", 1)[0] + ".1/24", "dev", "chaos%d" % i)
        call("ip", "link", "set", "chaos%d" % i, "up")
        call("ip", "address", "add", self.fronts[i] + "/32", "dev", "lo")
        call(*inside, "ip", "link", "set", "lo", "up")
        call(*inside, "ip", "address", "add", self.hosts[i] + "/24", "dev", "eth0")
        call(*inside, "ip", "link", "set", "eth0", "up")
        call(*inside, "ip", "route", "add", "default", "via", self.hosts[i].rsplit(".", 1)[0] + ".1")

    def namespace(self, i):
        return os.path.join(self.path, "net%d" % i)

    def words(self, i):
        """What a node's command begins with."""
        return ["nsenter", "--net=" + self.namespace(i), "--"] if self.has_namespaces else []

    def environment(self, i):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AEGIS_")}
        if self.has_seam:
            variables["LD_PRELOAD"] = os.path.join(self.tools, "seam.so")
            variables["SEAM"] = self.seams[i].path
            if not self.has_namespaces:
                variables["SEAM_SOURCE"] = self.hosts[i]
        return variables

    # --- network ---

    def everybody(self):
        return [(a, b) for a in range(self.count) for b in range(self.count) if a != b]

    def block(self, ways):
        for a, b in ways:
            self.relay.tell("block", a, b)

    def weather(self, ways, delay_us=0, jitter_us=0, loss=0, rate=0):
        for a, b in ways:
            self.relay.tell("pass", a, b, delay_us, jitter_us, loss, rate)

    def reset(self, a, b):
        self.relay.tell("reset", a, b)

    def clear(self):
        """All ways open, and fast."""
        for a, b in self.everybody():
            self.relay.tell("open", a, b)
            self.relay.tell("pass", a, b, 0, 0, 0, 0)

    def count_up(self):
        self.counts = dict(zip(self.counts, self.relay.tell("counts")))
        for word in Seam.HAPPENED:
            self.counts[word] = sum(seam.get(word) for seam in self.seams)
        return self.counts

    # --- disk ---

    def mount(self, folder):
        """What is in the folder, on a small disk."""
        moved = folder + ".moved"
        shutil.move(folder, moved)
        os.mkdir(folder, 0o700)
        call("mount", "-t", "tmpfs", "-o", "mode=700,size=%d" % DISK_BYTES, "tmpfs", folder)
        self.mounted.append(folder)
        call("cp", "-a", moved + "/.", folder)
        shutil.rmtree(moved)

    @staticmethod
    def fill(folder):
        """Leave no block of its disk free, whatever else is written there."""
        with open(os.path.join(folder, "fill"), "ab") as file:
            size = file.tell()
            for step in (64 << 20, 1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), size, step)
                        size += step

    @staticmethod
    def drain(folder):
        os.unlink(os.path.join(folder, "fill"))

    def keep(self):
        """Copy what is on small disks: they go with the namespaces."""
        for folder in self.mounted:
            if os.path.isdir(folder):
                call("cp", "-a", folder, folder + ".kept")

    def close(self):
        if self.relay is not None:
            self.relay.close()
        for place in reversed(self.mounted):
            call("umount", "--lazy", place)
        if self.has_namespaces:
            for i in range(self.count):
                subprocess.run(["ip", "link", "delete", "chaos%d" % i], stderr=subprocess.DEVNULL, check=False)
                subprocess.run(["ip", "address", "delete", self.fronts[i] + "/32", "dev", "lo"],
                               stderr=subprocess.DEVNULL, check=False)
