#!/usr/bin/env python3
"""Judge histories that aegis-sim wrote down: history.py FILE...

history.c says what is in them.  They were judged before, by linear.c and by
the order that was agreed on; this is done again by code that shares nothing
with either, the judges of real clusters (tests/chaos: linear.py, and serial.py
for transactions).

What the simulator's registers have besides: a delete may have a condition, a
failed one tells the version that it found, and each answer names one of three
outcomes.  All of it must be right.

RULES  1. Of a put that its client signed twice, with two values, one at most
          is ever read.  Otherwise they are as good as one value.
       2. Changes of members belong to no key.  Their numbers follow real time
          like others.
       3. Status 0: each is linearizable.  1: one is not, or cannot be judged.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chaos"))

from linear import OK, UNKNOWN, History, Op, Register, Violation  # noqa: E402
from serial import SerialHistory, Txn  # noqa: E402


def step(op, value, version):
    """As linear.step: the register after op, or None when its answer is
    wrong.  Of an operation that was not answered any answer is right."""
    if op.kind == "get":
        return (value, version) if (op.got, op.version) == (value, version) else None
    after, code = (value, version), "done"
    if op.if_version is not None and op.if_version != version:
        code = "conflict"
    elif op.kind == "delete":
        after, code = (None, 0), "done" if version else "not-found"
    else:
        after = (op.value, version + 1)
    if op.outcome == OK and (op.note, op.previous, op.version) != (code, version, after[1]):
        return None
    return after


class Key(Register):
    """A register of the simulator's."""
    step = staticmethod(step)


class Rosters:
    """Changes of members: each has its place in the order, and no more."""

    def begins(self, op):
        pass

    def ends(self, op):
        pass


class Seen(History):
    """What clients saw of one schedule."""

    @staticmethod
    def register(key):
        return Rosters() if key is None else Key(key)


def unite_bodies(lines):
    """Read the second value of a put for its first."""
    first = {line["other"]: line["value"] for line in lines if "other" in line}
    got = {line["got"] for line in lines if line.get("got") is not None}
    for other, value in first.items():
        if other in got and value in got:
            raise Violation("both bodies of one put were executed: %s and %s" % (value, other))
    for line in lines:
        if line.get("got") in first:
            line["got"] = first[line["got"]]


def operation(line):
    op = Op(line["op"], line["kind"], line.get("key"), line.get("value"), line.get("if_version"),
            client=line["client"])
    for name in ("version", "previous", "got", "seq", "modified"):
        setattr(op, name, line.get(name))
    op.note = line.get("code")
    op.done = None if op.note is None else op.note == "done"
    return op


def transaction(line):
    compares, value = line.get("compares"), line.get("value")
    if compares is None:
        txn = Txn(line["client"], prefix="")
        txn.got = {key: tuple(cell) for key, cell in line.get("got", {}).items()}
    else:
        txn = Txn(line["client"], compares, dict.fromkeys(compares, value))
        txn.done = None if "code" not in line else line["code"] == "done"
    txn.seq = line.get("seq")
    return txn


def judge(lines):
    """Raise Violation unless these lines, decoded, are linearizable; or those
    of transactions strictly serializable."""
    lines = [dict(line) for line in lines]
    is_serial = any(line["kind"] in ("txn", "range") for line in lines)
    if not is_serial:
        unite_bodies(lines)
    events = []
    for line in lines:
        op = transaction(line) if is_serial else operation(line)
        events.append((line["begin"], 0, line["op"], op))
        # Whoever was not answered ends when all is over.
        events.append((line.get("end", float("inf")), 1, line["op"], op))
    history = SerialHistory() if is_serial else Seen()
    for at, is_end, _, op in sorted(events, key=lambda event: event[:3]):
        if not is_end:
            history.begins(op)
        else:
            history.ends(op, OK if at != float("inf") else UNKNOWN)
    history.judge()


def read(path):
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


def main(paths):
    operations = 0
    for path in paths:
        lines = read(path)
        operations += len(lines)
        try:
            judge(lines)
        except Violation as violation:
            print("%s: %s" % (path, violation))
            return 1
    print("%d histories of %d operations are linearizable" % (len(paths), operations))
    return 0 if operations > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
