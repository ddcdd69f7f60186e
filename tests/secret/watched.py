"""Run a program, and look into it while it lives and when it ends.

The kernel stops a traced process as it exits, when its memory is still there:
what it freed, and every stack it has left, can be searched then.  The program
takes no part in it, and nothing is in its environment.
"""
import array
import ctypes
import os
import pty
import re
import resource
import signal
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
TRACEEXIT, EXITKILL = 0x40, 0x100000
EXITING = signal.SIGTRAP | 6 << 8
PAGE = os.sysconf("SC_PAGESIZE")
HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)")
PATIENCE_S = 60


def ptrace(request, pid, data=0):
    if LIBC.ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")


class Region:
    """Pages that are not all zeros."""

    def __init__(self, name, data, is_arena, flags):
        self.name = name
        self.data = data
        self.is_arena = is_arena  # left out of dumps, and of children
        self.is_locked = "lo" in flags


def writable(pid):
    """Mappings: (from, to, name, flags)."""
    head = None
    with open("/proc/%d/smaps" % pid, encoding="utf-8") as file:
        for line in file:
            match = HEAD.match(line)
            if match:
                head = match
            elif line.startswith("VmFlags:") and "w" in head[3]:
                yield int(head[1], 16), int(head[2], 16), head[4] or "anonymous", line.split()[1:]


def there(pagemap, begin, end):
    """Runs of pages that are in memory or in swap: (from, to)."""
    step = 512 * PAGE
    for at in range(begin, end, step):
        stop = min(at + step, end)
        raw = os.pread(pagemap, (stop - at) // PAGE * 8, at // PAGE * 8)
        if raw == bytes(len(raw)):
            continue
        first = None
        for number, entry in enumerate(array.array("Q", raw + bytes(8))):
            if entry >> 62 != 0 and first is None:
                first = number
            elif entry >> 62 == 0 and first is not None:
                yield at + first * PAGE, at + number * PAGE
                first = None


def memory(pid):
    regions = []
    mem = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    pagemap = os.open("/proc/%d/pagemap" % pid, os.O_RDONLY)
    try:
        for begin, end, name, flags in writable(pid):
            is_arena = "dd" in flags and "wf" in flags
            whole, after = b"", None
            for first, last in there(pagemap, begin, end):
                if first != after and whole.strip(b"\0"):
                    regions.append(Region(name, whole, is_arena, flags))
                whole = (whole if first == after else b"") + os.pread(mem, last - first, first)
                after = last
            if whole.strip(b"\0"):
                regions.append(Region(name, whole, is_arena, flags))
    finally:
        os.close(mem)
        os.close(pagemap)
    return regions


def proc_file(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as file:
        return file.read()


class Program:
    """A program under watch.  It may write a core, if it can."""

    def __init__(self, argv, folder, files, pipes, on_terminal=False):
        """files: paths of descriptors 0 to 2, or descriptors; pipes: {descriptor: bytes in it}."""
        self.code = None  # negative: a signal
        self.is_dumped = False
        self.regions = []  # as it exited
        self.shown = b""  # of its command line and environment
        self.terminal = None
        readers = {number: self.full_pipe(data) for number, data in pipes.items()}
        if on_terminal:
            self.pid, self.terminal = pty.fork()
        else:
            self.pid = os.fork()
        if self.pid == 0:
            try:
                self.become(argv, folder, files, readers, on_terminal)
            finally:
                os._exit(126)
        for reader in readers.values():
            os.close(reader)
        os.waitpid(self.pid, 0)
        ptrace(SETOPTIONS, self.pid, TRACEEXIT | EXITKILL)
        ptrace(CONT, self.pid)

    @staticmethod
    def full_pipe(data):
        reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)
        return reader

    @staticmethod
    def become(argv, folder, files, readers, on_terminal):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_CORE, unlimited)
        os.chdir(folder)
        for number, reader in readers.items():
            os.dup2(reader, number)
        for number, place in enumerate(files if not on_terminal else []):
            if isinstance(place, str):
                flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                place = os.open(place, flags, 0o600)
            os.dup2(place, number)
        ptrace(TRACEME, 0)
        os.execv(argv[0], argv)

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def is_reading(self, number):
        """Whether its first thread waits to read this descriptor."""
        words = proc_file(self.pid, "syscall").split()
        return len(words) > 1 and words[0] in (b"0", b"63") and int(words[1], 16) == number

    def wait_until(self, is_so):
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "%s: it does not happen" % is_so
            time.sleep(0.01)

    def look(self):
        """Its memory while it lives."""
        os.kill(self.pid, signal.SIGSTOP)
        _, status = os.waitpid(self.pid, 0)
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, status
        regions = memory(self.pid)
        ptrace(CONT, self.pid)
        return regions

    def at_stop(self, status):
        number = os.WSTOPSIG(status)
        if status >> 8 == EXITING:
            self.regions = memory(self.pid)
            self.shown = proc_file(self.pid, "cmdline") + proc_file(self.pid, "environ")
        try:
            ptrace(CONT, self.pid, 0 if number == signal.SIGTRAP else number)
        except ProcessLookupError:
            pass  # another thread of it ends them all

    def wait(self):
        """Until it has ended."""
        while self.code is None:
            _, status = os.waitpid(self.pid, 0)
            if os.WIFSTOPPED(status):
                self.at_stop(status)
            elif os.WIFSIGNALED(status):
                self.code = -os.WTERMSIG(status)
                self.is_dumped = os.WCOREDUMP(status)
            else:
                self.code = os.WEXITSTATUS(status)
        return self
