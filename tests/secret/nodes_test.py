#!/usr/bin/env python3
"""Nodes, and commands that use their keys, leave nothing of them."""
import json
import os
import signal
import socket
import subprocess
import unittest

from sandbox import AEGIS, PASSPHRASE, Sandbox
from watched import PATIENCE_S

ASKED = {5: PASSPHRASE + b"\n"}
KEPT = ("priv of c/n1/keys/link",)  # libssh has it while there are links
BOX = Sandbox()
NODE, LINK = "c/n1/keys/node", "c/n1/keys/link"


class Notices:
    """What a node tells its service manager."""

    def __init__(self):
        self.path = BOX.path("notices")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind(self.path)
        os.environ["NOTIFY_SOCKET"] = self.path

    def close(self):
        del os.environ["NOTIFY_SOCKET"]
        self.socket.close()
        os.unlink(self.path)

    def wait_for(self, text):
        while not self.socket.recv(4096).startswith(text):
            pass


def setUpModule():
    """Four nodes; the first one's key has a passphrase, and it is not up."""
    unittest.addModuleCleanup(BOX.close)
    BOX.plain(AEGIS, "cluster", "init", "c")
    BOX.keepers.update("c/n%d/keys/%s" % (number, name) for number in range(1, 5) for name in ("node", "link"))
    unittest.addModuleCleanup(lambda: BOX.plain(AEGIS, "cluster", "down", "c"))
    BOX.plain(AEGIS, "cluster", "up", "-q", "c")
    BOX.plain(AEGIS, "cluster", "kill", "-q", "c", "n1")
    BOX.add_key(NODE)
    BOX.add_key(LINK)
    BOX.run("keygen", "passphrase", "--new-passphrase-fd", "5", NODE, pipes=ASKED)
    BOX.keepers.remove(NODE)


def ask(path, *args):
    return subprocess.run([AEGIS, *args, "--socket", path], cwd=BOX.folder, check=False, capture_output=True,
                          stdin=subprocess.DEVNULL)


def locked(path):
    return json.loads(ask(path, "node", "status", "-o", "json").stdout)["secrets_locked"]


class Nodes(unittest.TestCase):
    def setUp(self):
        self.notices = Notices()
        self.addCleanup(self.notices.close)

    def start(self):
        program = BOX.start("node", "run", "-c", "c/n1/aegis.yaml", "--passphrase-fd", "5", pipes=ASKED)
        self.addCleanup(lambda: program.code is not None or (program.kill(), program.wait()))
        self.notices.wait_for(b"READY=1")
        return program

    def test_a_node_has_its_key_in_locked_memory_alone(self):
        program = self.start()
        self.notices.wait_for(b"STATUS=OK")
        self.assertEqual(ask("c/n1/aegis.sock", "kv", "put", "color", "blue").returncode, 0)
        regions = program.look()
        BOX.search_memory(regions, "a node", allows=KEPT, arena=["priv of " + NODE])
        holders = [region for region in regions if ("priv of " + NODE, "raw") in BOX.secrets.find(region.data)]
        self.assertTrue(holders)
        self.assertTrue(all(region.is_locked for region in holders))
        program.kill(signal.SIGTERM)
        self.assertEqual(program.wait().code, 0)
        BOX.search(program, "a node that has ended", allows=KEPT)

    def test_a_node_that_crashes_leaves_no_core_and_nothing_in_the_arena(self):
        for number in (signal.SIGSEGV, signal.SIGABRT):
            program = self.start()
            program.kill(number)
            self.assertEqual(program.wait().code, -number)
            self.assertFalse(program.is_dumped)
            BOX.search(program, "a node that died of %d" % number, allows=KEPT)
            self.assertEqual([region for region in program.regions if region.is_arena], [])

    def test_a_node_that_may_lock_no_memory_says_so(self):
        BOX.plain(AEGIS, "cluster", "init", "-n", "1", "one")
        BOX.keepers.update("one/n1/keys/" + name for name in ("node", "link"))
        limits = ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "prlimit", "--memlock=0:0"]
        with subprocess.Popen(limits + [AEGIS, "node", "run", "-c", "one/n1/aegis.yaml"], cwd=BOX.folder,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as node:
            self.notices.wait_for(b"STATUS=OK")
            is_locked = locked("one/n1/aegis.sock")
            told = ask("one/n1/aegis.sock", "node", "status").stdout
            node.terminate()
            logged = node.communicate()[1]
        self.assertIs(is_locked, False)
        self.assertIn(b"LimitMEMLOCK=16M", told)
        logged += BOX.read("one/n1/node.log")
        self.assertEqual(logged.count(b"may be swapped out"), 1)

    def test_a_node_that_may_lock_memory_does_not(self):
        self.assertIs(locked("c/n2/aegis.sock"), True)
        self.assertNotIn(b"LimitMEMLOCK", ask("c/n2/aegis.sock", "node", "status").stdout)


class Commands(unittest.TestCase):
    def test_setting_up_a_node_leaves_its_keys_in_their_files_alone(self):
        BOX.keepers.update(("new/keys/node", "new/keys/link"))
        program = BOX.run("node", "init", "-D", "new", "-n", "n5", "-l", "127.0.0.1:7422")
        for name in ("node", "link"):
            BOX.add_key("new/keys/" + name)
        BOX.search(program, "node init")
        BOX.run("roster", "member", "-n", "n5", "-a", "127.0.0.1:7422", "-d", "new", "-o", "n5.member")

    def test_signing_rosters_leaves_nothing_of_the_keys(self):
        BOX.run("roster", "member", "-n", "n1", "-a", "127.0.0.1:7421", "-i", NODE, "-l", LINK + ".pub",
                "--passphrase-fd", "5", "-o", "n1.member", pipes=ASKED)
        BOX.run("roster", "create", "-n", "other", "-o", "roster", "n1.member")
        BOX.run("roster", "sign", "-i", NODE, "--passphrase-fd", "5", "roster", pipes=ASKED)
        BOX.keepers.add("link")
        BOX.run("keygen", "-T", "link", "-o", "link")
        BOX.run("roster", "member", "-n", "n6", "-a", "127.0.0.1:7426", "-i", "ed25519.pem", "-l", "link.pub", "-o",
                "n6.member")
        BOX.run("member", "plan", "add", "-r", "c/roster", "n6.member", "-o", "next")
        BOX.run("member", "sign", "-r", "c/roster", "-i", NODE, "--passphrase-fd", "5", "next", pipes=ASKED)

    def test_backups_leave_nothing_of_their_key(self):
        BOX.run("keygen", "-T", "backup", "-o", "backup", "--passphrase-fd", "5", pipes=ASKED)
        BOX.add_key("backup", PASSPHRASE)
        BOX.run("backup", "create", "-R", "repo", "-r", "backup.pub", "--roster", "c/roster", "-s", "c/n2/aegis.sock")
        BOX.run("backup", "verify", "-R", "repo", "--all", "-i", "backup", "--passphrase-fd", "5", pipes=ASKED)
        BOX.run("backup", "restore", "-R", "repo", "latest", "-i", "backup", "--passphrase-fd", "5", "--to", "base",
                pipes=ASKED)


if __name__ == "__main__":
    unittest.main()
