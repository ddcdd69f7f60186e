"""A folder in which commands are tried, and everything that may not leave it.

Each command is run to its end under watch.  Nothing of any secret may be in
what it printed, on its command line, in its environment, in memory that it
has left, or in a file that was not meant to hold it.
"""
import base64
import os
import re
import shutil
import stat
import subprocess
import tempfile

from needle import Secrets
from watched import Program

AEGIS = os.path.realpath(os.environ.get("AEGIS", "build/release/aegis"))
PASSPHRASE = b"canary of the deep mine, 7 feathers"
WRONG = b"canary that was never in any mine"
SEEDS = {"ed25519": b"\x9dcanary seed of an ed25519 key\x0a\xf3", "x25519": b"\x58canary number of x25519 key\x01\xe7\x02\x40"}
NUMBER = re.compile(r"^(priv|privateExponent|prime[12]|exponent[12]|coefficient):\s*\n((?: {4}[0-9a-f:]+\n)+)", re.M)


def pkcs8(kind, seed):
    """RFC 8410."""
    der = bytes.fromhex("302e020100300506032b65%02x04220420" % kind) + seed
    return "-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % base64.encodebytes(der).decode()


def written(path):
    """A file's pieces, without holes."""
    with open(path, "rb") as file:
        end = 0
        while True:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            yield os.pread(file.fileno(), end - begin, begin)


class Sandbox:
    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.secrets = Secrets()
        self.secrets.add("passphrase", PASSPHRASE)
        self.secrets.add("wrong passphrase", WRONG)
        self.searched = {}
        self.keepers = set()  # paths that may hold a key as it is
        for kind, seed in ((0x70, "ed25519"), (0x6e, "x25519")):
            self.secrets.add(seed, SEEDS[seed])
            self.write(seed + ".pem", pkcs8(kind, SEEDS[seed]))
            self.keepers.add(seed + ".pem")

    def close(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)

    def plain(self, *args, **options):
        """Run without watch; what it printed."""
        return subprocess.run(args, cwd=self.folder, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                              **options).stdout

    def add_key(self, path, passphrase=None):
        """The numbers of a key are secrets from here on."""
        pem = [AEGIS, "keygen", "convert", "-F", "pkcs8", "--no-passphrase", "-o", "-", path]
        fds = []
        if passphrase is not None:
            fds = [Program.full_pipe(passphrase + b"\n")]
            pem += ["--passphrase-fd", str(fds[0])]
        text = self.plain(*pem, pass_fds=fds)
        for fd in fds:
            os.close(fd)
        shown = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=text, check=True, capture_output=True)
        found = NUMBER.findall(shown.stdout.decode())
        assert found, "no numbers of " + path
        for name, digits in found:
            raw = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
            self.secrets.add("%s of %s" % (name, path), raw)

    def start(self, *args, pipes=None, stdin="/dev/null", **options):
        files = [stdin, self.path("stdout"), self.path("stderr")]
        return Program([AEGIS] + list(args), self.folder, files, pipes or {}, **options)

    def run(self, *args, code=0, prints=False, **options):
        """Run to its end, and search; prints: it was asked to print a key."""
        program = self.start(*args, **options).wait()
        what = " ".join(args)
        assert program.code == code, "%s: %s, %s" % (what, program.code, self.read("stderr"))
        self.search(program, what, prints)
        return program

    def search(self, program, what, prints=False, allows=()):
        assert program.regions, "%s: not looked into" % what
        self.search_memory(program.regions, what, allows)
        self.search_data("the command line or environment", program.shown, what)
        self.search_files(what, prints)

    def search_data(self, place, data, what, allows=()):
        found = {(name, form) for name, form in self.secrets.find(data) if name not in allows}
        assert not found, "%s: %s has %s" % (what, place, sorted(found))

    def search_memory(self, regions, what, allows=(), arena=()):
        """allows: whom a library keeps; arena: who is in use, where that belongs."""
        for region in regions:
            self.search_data("memory (%s)" % region.name, region.data, what,
                             tuple(allows) + tuple(arena if region.is_arena else ()))

    def search_files(self, what, prints=False):
        skipped = self.keepers | ({"stdout"} if prints else set())
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                short = os.path.relpath(path, self.folder)
                assert not name.startswith("core"), "%s: left %s" % (what, short)
                if short not in skipped and self.is_new(path):
                    for data in written(path):
                        self.search_data("file " + short, data, what)

    def is_new(self, path):
        """Whether a file may have what was not searched for in it."""
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return False  # a node's, which goes on
        state = (found.st_mtime_ns, found.st_size, len(self.secrets.needles))
        is_same = self.searched.get(path) == state
        self.searched[path] = state
        return stat.S_ISREG(found.st_mode) and not is_same
