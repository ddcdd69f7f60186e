#!/usr/bin/env python3
"""What opens a keyring, and the storage root in it, are left nowhere."""
import os
import shutil
import unittest

from sandbox import AEGIS, PASSPHRASE, Sandbox

ASKED = {5: PASSPHRASE + b"\n"}
PIN = b"canary of a PIN that is long, 1234"
WRONG_PIN = b"canary of a PIN that is wrong, 99"
KEY = b"\x81canary of thirty-two key bytes\xfe"
MODULE = os.path.realpath(os.environ["TOKEN_MODULE"])
BOX = Sandbox()
unittest.addModuleCleanup(BOX.close)


def setUpModule():
    """A node whose keyring a key file opens."""
    with open(os.open(BOX.path("key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(KEY)
    BOX.keepers.update(("key", "n1/keys/node", "n1/keys/link"))
    BOX.secrets.add("key file", KEY)
    BOX.run("node", "init", "-D", "n1", "-n", "n1", "-l", "127.0.0.1:7421", "--keyring-key-file", "key")


def keys(command, *args, **watch):
    """A command on that keyring."""
    return BOX.run("keys", command, "-D", "n1", *args, **watch)


class Keyrings(unittest.TestCase):
    def test_a_key_file_is_left_by_no_command(self):
        keys("check", "--key-file", "key")
        keys("add-slot", "--key-file", "key", "--new-passphrase-fd", "5", "--work", "low", pipes=ASKED)
        keys("check", "--passphrase-fd", "5", pipes=ASKED)

    def test_a_root_that_a_token_wrapped_is_left_nowhere(self):
        """What that token encrypts can be read by all who know how."""
        os.mkdir(BOX.path("fake"))
        BOX.write("fake/made", "")
        BOX.write("pin", "1234\n")
        os.environ["TOKEN_TEST_DIR"] = BOX.path("fake")
        self.addCleanup(os.environ.pop, "TOKEN_TEST_DIR")
        token = "pkcs11:token=fake;type=secret-key?module-path=%s&pin-source=%s" % (MODULE, BOX.path("pin"))
        keys("add-slot", "--key-file", "key", "--new-token", token)
        # [name, version | method | nonce | root | sum]
        wrapped = BOX.read("n1/keyring").split(b"type=secret-key\x58\x3e\x01\x01")[1]
        BOX.secrets.add("storage root", bytes(byte ^ 0xA5 for byte in wrapped[12:44]))
        keys("check", "--token", token)
        keys("check", "--key-file", "key")
        keys("change-slot", "--token", token, "--new-key-file", "key", str(self.slot("hsm")))

    def slot(self, kind):
        rows = BOX.plain(AEGIS, "keys", "slots", "-D", "n1", "-o", "csv").decode().split()
        return next(int(row.split(",")[0]) for row in rows if row.split(",")[1] == kind)

    @unittest.skipUnless(shutil.which("softhsm2-util"), "no SoftHSM")
    def test_a_pin_is_left_by_no_command(self):
        os.mkdir(BOX.path("tokens"))
        BOX.write("softhsm.conf", "directories.tokendir = %s\n" % BOX.path("tokens"))
        os.environ["SOFTHSM2_CONF"] = BOX.path("softhsm.conf")
        self.addCleanup(os.environ.pop, "SOFTHSM2_CONF")
        BOX.plain("softhsm2-util", "--init-token", "--free", "--label", "ops", "--so-pin", "87654321", "--pin",
                  PIN.decode())
        BOX.secrets.add("PIN", PIN)
        BOX.secrets.add("wrong PIN", WRONG_PIN)
        token = "pkcs11:token=ops;object=root?module-name=softhsm2"
        given, mistaken = {5: PIN + b"\n"}, {5: WRONG_PIN + b"\n"}
        BOX.run("token", "generate", "-t", "aes", "--pin-fd", "5", token, pipes=given)
        keys("add-slot", "--key-file", "key", "--new-token", token, "--new-pin-fd", "5", pipes=given)
        keys("check", "--token", token, "--pin-fd", "5", pipes=given)
        keys("check", "--token", token, "--pin-fd", "5", pipes=mistaken, code=4)

    def test_what_was_in_escrow_is_left_by_no_command(self):
        options = []
        for who in ("alice", "bob"):
            BOX.run("keygen", "-t", "ristretto255", "-C", who, "-F", "sealed", "--work", "low", "-o", who,
                    "--passphrase-fd", "5", pipes=ASKED)
            options += ["-c", who + ".pub"]
        BOX.keepers.add("dora")
        BOX.run("keygen", "-t", "x25519", "-o", "dora")
        BOX.run("escrow", "init", "-k", "2", *options, "-d", "0s", "--keyring", "n1", "--keyring-key-file", "key",
                "-o", "package")
        BOX.run("escrow", "request", "package", "--offline", "--reason", "a test", "--to", "dora.pub", "-o", "ask")
        for who in ("alice", "bob"):
            BOX.run("escrow", "submit", "ask", "--offline", "-i", who, "-o", who + ".share", "--passphrase-fd", "5",
                    pipes=ASKED)
        BOX.keepers.add("back")
        program = BOX.run("escrow", "recover", "ask", "alice.share", "bob.share", "-i", "dora", "-o", "back")
        BOX.secrets.add("escrowed secret", BOX.read("back"))
        BOX.search(program, "escrow recover")
        keys("check", "--escrow-secret", "back")
        keys("add-slot", "--escrow-secret", "back", "--new-key-file", "key")


if __name__ == "__main__":
    unittest.main()
