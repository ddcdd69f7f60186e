#!/usr/bin/env python3
"""How the dashboard behaves on a terminal: behaviour.py AEGIS FIXTURES."""
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import termios

from harness import Node, Tui

AEGIS, FIXTURES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
FIXED = [AEGIS, "tui", "--fixture", FIXTURES + "/degraded.json", "--clock", "2026-11-24T04:31:07Z"]


def signals_restore_the_terminal():
    for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT):
        tui = Tui(FIXED)
        assert tui.wait_frames(1)
        os.kill(tui.pid, signo)
        status = tui.wait_exit()
        assert status is not None and os.WTERMSIG(status) == signo, (signo, status)
        assert termios.tcgetattr(tui.slave) == tui.before, signo
        assert b"\x1b[?1049l" in tui.output and b"\x1b[?25h" in tui.output, signo


def colour_is_off_when_asked():
    for argv, env in ((FIXED, {"NO_COLOR": "1"}), (FIXED + ["--theme", "mono"], {})):
        tui = Tui(argv, env=env)
        assert tui.wait_frames(1)
        tui.keys(b"3q")
        assert tui.wait_exit() == 0
        for sgr in re.findall(rb"\x1b\[([0-9;]*)m", tui.output):
            for code in (sgr or b"0").split(b";"):
                assert not (30 <= int(code or 0) <= 49 and code != b"39" and code != b"49"), sgr


def ascii_sends_no_byte_past_127():
    for argv, env in ((FIXED + ["--ascii"], {}), (FIXED, {"AEGIS_ASCII": "1"}), (FIXED, {"LC_ALL": "C"})):
        tui = Tui(argv, 140, 40, env)
        assert tui.wait_frames(1)
        tui.keys(b"2345?q")
        tui.keys(b"q")
        assert tui.wait_exit() == 0
        assert max(tui.output) < 128


def bad_terminals_are_refused_with_advice():
    for term in ("dumb", "no-such-terminal", None):
        tui = Tui(FIXED, env={"TERM": term})
        status = tui.wait_exit()
        assert status is not None and os.WEXITSTATUS(status) == 2, term
        assert b"--once" in tui.output, term
    done = subprocess.run(FIXED, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    assert done.returncode == 2 and b"--once" in done.stderr and done.stdout == b""


def other_terminals_work():
    for term in ("xterm", "screen", "linux", "vt100"):
        tui = Tui(FIXED, env={"TERM": term})
        assert tui.wait_frames(1), term
        tui.keys(b"q")
        assert tui.wait_exit() == 0, term


def a_lost_node_is_told_and_found_again():
    with tempfile.TemporaryDirectory() as folder:
        node = Node(FIXTURES + "/healthy.json", folder + "/sock")
        tui = Tui([AEGIS, "tui", "--socket", folder + "/sock"])
        # Blanks may be sent as moves of the cursor: words are looked for.
        assert tui.pump(20, lambda: b"retry" in tui.output), "no countdown"
        node.start()
        assert tui.pump(20, lambda: b"prod-eu" in tui.output), "not found again"
        tui.keys(b"q")
        assert tui.wait_exit() == 0
        node.stop()


def random_keys_and_sizes_do_no_harm(seconds=4):
    chance = random.Random(7)
    keys = [bytes([c]) for c in range(1, 127) if c not in (3, 26, ord("q"), ord("w"))]
    keys += [b"\x1b[A", b"\x1b[B", b"\x1b[5~", b"\x1b[6~", b"\x1bOP", "é".encode(), b"\xff"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("hostile", "n7"):
            tui = Tui([AEGIS, "tui", "--fixture", FIXTURES + "/" + name + ".json"])
            assert tui.wait_frames(1)
            for _ in range(40 * seconds):
                tui.keys(b"".join(chance.choice(keys) for _ in range(8)))
                if chance.random() < 0.3:
                    tui.resize(chance.randint(1, 200), chance.randint(1, 60))
                tui.pump(0.01)
                # A drawn word can be "quit" by chance: then begin again.
                pid, status = os.waitpid(tui.pid, os.WNOHANG)
                if pid != 0:
                    assert status == 0, (status, tui.output[-3000:])
                    tui = Tui([AEGIS, "tui", "--fixture", FIXTURES + "/" + name + ".json"])
                    assert tui.wait_frames(1)
            for evil in (b"\x1b]0;owned", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xc2\x9b"):
                assert evil not in tui.output
            os.kill(tui.pid, signal.SIGTERM)
            status = tui.wait_exit()
            assert status is not None and os.WTERMSIG(status) == signal.SIGTERM


def main():
    for test in (signals_restore_the_terminal, colour_is_off_when_asked, ascii_sends_no_byte_past_127,
                 bad_terminals_are_refused_with_advice, other_terminals_work,
                 a_lost_node_is_told_and_found_again, random_keys_and_sizes_do_no_harm):
        test()
        print("ok", test.__name__, flush=True)


main()
