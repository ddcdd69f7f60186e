#!/usr/bin/env python3
"""Commands that take a passphrase or a private key leave nothing of it."""
import base64
import hashlib
import os
import signal
import struct
import unittest

from needle import Secrets
from sandbox import AEGIS, PASSPHRASE, SEEDS, WRONG, Sandbox
from watched import Program

ASKED = {5: PASSPHRASE + b"\n"}
MISTAKEN = {5: WRONG + b"\n"}
TYPES = [("ed25519", "openssh"), ("ecdsa-p256", "openssh"), ("ecdsa-p384", "pkcs8"), ("rsa-3072", "pkcs8"),
         ("x25519", "sealed")]
# Work where one can choose: what is searched is the same.
LITTLE = {"sealed": ("--work", "low")}
OPENSSLS = (("rsa", "RSA", "rsa_keygen_bits:3072"), ("ec", "EC", "ec_paramgen_curve:P-256"))
BOX = Sandbox()
unittest.addModuleCleanup(BOX.close)


def setUpModule():
    """Keys by openssl, whose numbers are known."""
    for name, kind, option in OPENSSLS:
        text = BOX.plain("openssl", "genpkey", "-algorithm", kind, "-pkeyopt", option)
        BOX.write(name + ".pem", text.decode())
        BOX.keepers.add(name + ".pem")
        BOX.add_key(name + ".pem")
    BOX.write("message", "nothing to hide\n")


class Case(unittest.TestCase):
    box = BOX

    def key(self, name, source, form, *options, **watch):
        """The key of source, once more in another form."""
        if not options:
            self.box.keepers.add(name)
        self.box.run("keygen", "convert", "-f", "-F", form, "-o", name, *options, source, **watch)
        return name

    def sealed(self, name, source, form):
        return self.key(name, source, form, "--new-passphrase-fd", "5", *LITTLE.get(form, ()), pipes=ASKED)


class TheSearch(Case):
    def test_a_program_that_wipes_nothing_is_seen(self):
        program = Program(["/bin/sed", "-n", "p", "ed25519.pem"], self.box.folder,
                          ["/dev/null", self.box.path("stdout"), self.box.path("stderr")], {}).wait()
        with self.assertRaisesRegex(AssertionError, r"memory .*heap.* has .*ed25519.*base64"):
            self.box.search_memory(program.regions, "sed")
        with self.assertRaisesRegex(AssertionError, "file stdout has .*ed25519.*base64"):
            self.box.search_files("sed")

    def test_every_form_is_seen(self):
        raw = bytes(range(3, 250, 5))
        secrets = Secrets()
        secrets.add("it", raw)
        for phase in range(57):
            text = base64.encodebytes(b"x" * phase + raw[:16])
            self.assertEqual(secrets.find(text), {("it", "base64")})
        for form, data in (("raw", raw[-20:]), ("reversed", raw[::-1]), ("hex", raw.hex().encode()),
                           ("hex", raw.hex().upper().encode())):
            self.assertEqual(secrets.find(b"before" + data + b"after"), {("it", form)})
        self.assertEqual(secrets.find(raw[1:16] + raw[:15]), set())


class Keys(Case):
    def test_making_one_leaves_neither_key_nor_passphrase(self):
        for algorithm, form in TYPES:
            name = algorithm + "." + form
            program = self.box.run("keygen", "-f", "-t", algorithm, "-F", form, "-o", name, "--passphrase-fd", "5",
                                   *LITTLE.get(form, ()), pipes=ASKED)
            self.box.add_key(name, PASSPHRASE)
            self.box.search(program, "keygen " + name)

    def test_one_without_a_passphrase_is_in_its_file_only(self):
        for name, options in (("backup", ["-T", "backup"]), ("node", ["-T", "node"]), ("age", ["-t", "x25519"])):
            self.box.keepers.add(name)
            program = self.box.run("keygen", "-f", "-o", name, *options)
            self.box.add_key(name)
            self.box.search(program, "keygen " + name)

    def test_changing_its_form_leaves_nothing(self):
        for source, form in (("ed25519", "openssh"), ("x25519", "age"), ("x25519", "backup"), ("rsa", "openssh"),
                             ("ec", "openssh")):
            self.key(source + "." + form, source + ".pem", form)
        for source, form in (("rsa", "sealed"), ("ec", "openssh"), ("rsa", "pkcs8")):
            name = self.sealed(source + ".with." + form, source + ".pem", form)
            self.box.run("keygen", "check", "--passphrase-fd", "5", name, pipes=ASKED)
            self.box.run("keygen", "check", "--passphrase-fd", "5", name, pipes=MISTAKEN, code=4)
        self.box.run("keygen", "convert", "-F", "openssh", "-o", "-", "ed25519.pem", prints=True)

    def test_another_passphrase_leaves_neither(self):
        name = self.sealed("key", "ed25519.pem", "openssh")
        other = b"canary of the second passphrase"
        self.box.secrets.add("second passphrase", other)
        self.box.run("keygen", "passphrase", "--passphrase-fd", "5", "--new-passphrase-fd", "6", name,
                     pipes={5: PASSPHRASE + b"\n", 6: other + b"\n"})

    def test_looking_at_one_leaves_nothing(self):
        for name in ("ed25519.pem", "x25519.pem", "rsa.pem", "ec.pem"):
            for command in ("show", "public", "check"):
                self.box.run("keygen", command, name)

    def test_a_damaged_one_is_not_told(self):
        for at in (80, 60, 20):
            self.box.write("damaged", self.box.read("ed25519.pem").decode()[:at])
            self.box.keepers.add("damaged")
            self.box.run("keygen", "show", "damaged", code=3)

    def test_what_is_typed_on_a_terminal_is_not_shown(self):
        program = self.box.start("keygen", "-o", "typed", "--passphrase", on_terminal=True)
        shown = b""
        for _ in range(2):
            while not shown.endswith(b": "):
                shown += os.read(program.terminal, 4096)
            os.write(program.terminal, PASSPHRASE + b"\n")
            shown += b"|"
        program.wait()
        self.assertEqual(program.code, 0)
        shown += os.read(program.terminal, 4096)
        self.box.search_data("the terminal", shown, "keygen")
        self.box.search(program, "keygen")


class Files(Case):
    def encrypt(self, name, recipient):
        self.box.run("crypt", "encrypt", "-f", "-r", recipient, "-o", name, "message")

    def public(self, name):
        return self.box.plain(AEGIS, "keygen", "public", name).decode().strip()

    def test_decrypting_with_keys_leaves_nothing_of_them(self):
        self.key("identity", "x25519.pem", "age")
        for name, identity in (("x25519.pem", "identity"), ("ed25519.pem", "ed25519.pem"), ("rsa.pem", "rsa.pem")):
            self.encrypt("file", self.public(name))
            self.box.run("crypt", "decrypt", "-i", identity, "file")
            self.box.run("crypt", "decrypt", "-i", "ec.pem", "file", code=8)
        self.encrypt("file", self.public("x25519.pem"))
        self.box.run("crypt", "rewrap", "-i", "identity", "-r", self.public("ed25519.pem"), "-f", "-o", "again", "file")
        name = self.sealed("sealed", "x25519.pem", "pkcs8")
        self.box.run("crypt", "decrypt", "-i", name, "--passphrase-fd", "5", "file", pipes=ASKED)

    def test_a_passphrase_is_left_by_neither_way(self):
        self.box.run("crypt", "encrypt", "-f", "--passphrase-fd", "5", "--work", "low", "-o", "file", "message",
                     pipes=ASKED)
        self.box.run("crypt", "decrypt", "--passphrase-fd", "5", "file", pipes=ASKED)
        self.box.run("crypt", "decrypt", "--passphrase-fd", "5", "file", pipes=MISTAKEN, code=8)

    def test_signing_leaves_nothing_of_the_key(self):
        for name in ("ed25519", "rsa", "ec"):
            self.key(name + ".key", name + ".pem", "openssh")
            self.box.run("sign", "-f", "-i", name + ".key", "message")
        name = self.sealed("sealed", "ed25519.pem", "openssh")
        self.box.run("sign", "-f", "-i", name, "--passphrase-fd", "5", "message", pipes=ASKED)

    def minisign_key(self):
        """An encrypted one that takes little work."""
        kdf = struct.pack("<QQ", 1 << 15, 1 << 20)
        public = base64.b64decode(self.public("ed25519.pem").split()[1])[-32:]
        plain = b"keynumbr" + SEEDS["ed25519"] + public
        plain += hashlib.blake2b(b"Ed" + plain, digest_size=32).digest()
        stream = hashlib.scrypt(PASSPHRASE, salt=bytes(32), n=1024, r=8, p=1, dklen=len(plain))
        raw = b"EdScB2" + bytes(32) + kdf + bytes(a ^ b for a, b in zip(plain, stream))
        return "untrusted comment: a test\n%s\n" % base64.b64encode(raw).decode()

    def test_minisigns_keys_leave_nothing(self):
        self.box.write("minisign", self.minisign_key())
        self.box.run("sign", "-f", "-i", "minisign", "--passphrase-fd", "5", "message", pipes=ASKED)
        self.box.run("sign", "-f", "-i", "minisign", "--passphrase-fd", "5", "message", pipes=MISTAKEN, code=4)


class WhileItLives(Case):
    def half_way(self, *args):
        """A program that waits for more of its input, and what is in it."""
        reader, writer = os.pipe()
        program = self.box.start(*args, stdin=reader)
        os.close(reader)
        self.addCleanup(lambda: program.code is not None or (program.kill(), program.wait()))
        return program, writer

    def test_an_identity_is_gone_once_the_file_is_open(self):
        recipient = self.box.plain(AEGIS, "keygen", "public", "x25519.pem").decode().strip()
        self.box.plain(AEGIS, "crypt", "encrypt", "-r", recipient, "-f", "-o", "file", AEGIS)
        program, writer = self.half_way("crypt", "decrypt", "--stream", "-i", "x25519.pem")
        file = self.box.read("file")
        os.write(writer, file[:40000])
        program.wait_until(lambda: program.is_reading(0) and os.stat(self.box.path("stdout")).st_size == 0)
        self.box.search_memory(program.look(), "decrypting")
        os.close(writer)
        self.assertEqual(program.wait().code, 8)
        self.box.search(program, "decrypting half a file")

    def test_a_key_in_use_is_in_locked_memory_alone(self):
        self.key("key", "ed25519.pem", "openssh")
        program, writer = self.half_way("sign", "-i", "key", "-")
        os.write(writer, b"half a message")
        program.wait_until(lambda: program.is_reading(0))
        regions = program.look()
        self.box.search_memory(regions, "signing", arena=["ed25519"])
        holders = [region for region in regions if SEEDS["ed25519"] in region.data]
        self.assertTrue(holders)
        self.assertTrue(all(region.is_locked for region in holders))
        os.close(writer)
        self.assertEqual(program.wait().code, 0)
        self.box.search(program, "signing")

    def test_who_dies_of_a_signal_leaves_no_core_and_no_secret(self):
        self.key("key", "ed25519.pem", "openssh")
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGXCPU):
            program, writer = self.half_way("sign", "-i", "key", "-")
            program.wait_until(lambda p=program: p.is_reading(0))
            program.kill(number)
            program.wait()
            os.close(writer)
            self.assertEqual(program.code, -number)
            self.assertFalse(program.is_dumped)
            self.box.search(program, "dying of %d" % number)


if __name__ == "__main__":
    unittest.main()
