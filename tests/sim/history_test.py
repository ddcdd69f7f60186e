#!/usr/bin/env python3
"""history.py refuses what is wrong and nothing else: history_test.py FILE...

The files are histories that aegis-sim wrote.  Each that has the occasion is
made wrong in a known way, one answer at a time.
"""
import sys
import unittest

import history
from linear import Violation

FILES = []


def put(number, value, begin, end=None, version=1, **more):
    line = {"op": number, "client": number, "kind": "put", "key": "a", "value": value, "begin": begin}
    if end is not None:
        line.update(end=end, code="done", version=version, previous=version - 1, seq=number)
    line.update(more)
    return line


def get(number, got, begin, end, version=1, **more):
    return {"op": number, "client": number, "kind": "get", "key": "a", "begin": begin, "end": end,
            "code": "done", "got": got, "version": version, "seq": number, **more}


def delete(number, begin, end, code="done", version=0, previous=1, **more):
    return {"op": number, "client": number, "kind": "delete", "key": "a", "begin": begin, "end": end,
            "code": code, "version": version, "previous": previous, "seq": number, **more}


def stale_reads(lines):
    """A read tells of the write before the one that it must have seen."""
    writes = {}
    for line in lines:
        if line["kind"] == "put" and line.get("code") == "done":
            writes.setdefault((line["key"], line["version"]), []).append(line)
    for at, line in enumerate(lines):
        if line["kind"] != "get" or line.get("got") is None:
            continue
        seen = writes.get((line["key"], line["version"]), [])
        before = writes.get((line["key"], line["version"] - 1), [])
        # Where versions began anew it may be another's.
        if len(seen) == 1 and len(before) == 1 and seen[0]["end"] < line["begin"]:
            yield at, dict(line, got=before[0]["value"], version=before[0]["version"], modified=before[0]["seq"])


def lost_writes(lines):
    """A write that was read has never been made."""
    got = {line["got"] for line in lines if line["kind"] == "get" and line.get("got") is not None}
    for at, line in enumerate(lines):
        if line["kind"] == "put" and (line["value"] in got or line.get("other") in got):
            yield at, None


def false_successes(lines):
    """What was refused is said to have been done."""
    for at, line in enumerate(lines):
        if line.get("code") == "conflict" and line["kind"] != "roster":
            yield at, dict(line, code="done")


def torn_reads(lines):
    """A read of all keys has one of them as it was before."""
    writes = {(key, version + 1): line for line in lines if line["kind"] == "txn" and line.get("code") == "done"
              for key, version in line["compares"].items()}
    for at, line in enumerate(lines):
        for key, (_, version, _) in line["got"].items() if line["kind"] == "range" and "got" in line else ():
            before = writes.get((key, version - 1))
            if before is not None:
                cell = [before["value"], version - 1, before["seq"]]
                yield at, dict(line, got={**line["got"], key: cell})


def false_transactions(lines):
    """A transaction whose comparison failed is said to have been done."""
    for at, line in enumerate(lines):
        if line.get("code") == "else":
            yield at, dict(line, code="done")


def lost_transactions(lines):
    """One that was done is said to have compared in vain."""
    for at, line in enumerate(lines):
        if line["kind"] == "txn" and line.get("code") == "done":
            yield at, dict(line, code="else")


class Judge(unittest.TestCase):
    def accepts(self, *lines):
        history.judge(list(lines))

    def refuses(self, words, *lines):
        with self.assertRaisesRegex(Violation, words):
            history.judge(list(lines))

    def test_what_one_client_did_in_turn_is_accepted(self):
        self.accepts(put(1, 1, 0, 1), get(2, 1, 2, 3), put(3, 3, 4, 5, version=2), delete(4, 6, 7, previous=2),
                     get(5, None, 8, 9, version=0))

    def test_a_deletion_has_its_condition(self):
        condition = {"if_version": 2}
        self.accepts(put(1, 1, 0, 1), delete(2, 2, 3, "conflict", 1, **condition), get(3, 1, 4, 5))
        self.refuses("no order explains", put(1, 1, 0, 1), delete(2, 2, 3, **condition))

    def test_an_answer_names_the_right_outcome(self):
        self.accepts(delete(1, 0, 1, "not-found", previous=0))
        self.accepts(delete(1, 0, 1, "conflict", previous=0, if_version=1))
        self.refuses("no order explains", delete(1, 0, 1, "not-found", previous=0, if_version=1))
        self.refuses("no order explains", delete(1, 0, 1, previous=0))

    def test_a_refusal_tells_the_version_that_is_there(self):
        refused = {"code": "conflict", "if_version": 5, "version": 1, "previous": 1}
        self.accepts(put(1, 1, 0, 1), put(2, 2, 2, 3, **refused))
        self.refuses("no order explains", put(1, 1, 0, 1), put(2, 2, 2, 3, **dict(refused, version=2, previous=2)))

    def test_of_two_bodies_one_is_executed_and_either_may_be(self):
        both = put(1, 1, 0, 1, other=1001)
        self.accepts(both, get(2, 1001, 2, 3), get(3, 1001, 4, 5))
        self.refuses("both bodies", both, get(2, 1, 2, 3), get(3, 1001, 4, 5))

    def test_what_was_not_answered_may_have_happened_or_not(self):
        lost = put(1, 1, 0)
        self.accepts(lost, get(2, None, 1, 2, version=0), get(3, 1, 3, 4))
        self.refuses("no order explains", lost, get(2, 1, 1, 2), get(3, None, 3, 4, version=0))

    def test_numbers_follow_real_time(self):
        self.refuses("sequence 1 after 2", put(2, 2, 0, 1), get(3, 2, 2, 3, seq=1))

    def test_moments_that_are_the_same_are_in_no_order(self):
        self.accepts(put(1, 1, 0, 5), get(2, None, 5, 6, version=0, seq=0))
        self.refuses("no order explains", put(1, 1, 0, 5), get(2, None, 6, 7, version=0, seq=2))

    def test_whatever_the_simulator_wrote_is_refused_with_one_answer_changed(self):
        for changes in (stale_reads, lost_writes, false_successes, torn_reads, false_transactions,
                        lost_transactions):
            tried = 0
            for path in FILES:
                lines = history.read(path)
                for at, line in changes(lines):
                    tried += 1
                    wrong = lines[:at] + ([] if line is None else [line]) + lines[at + 1:]
                    with self.assertRaises(Violation, msg="%s: %s of %r" % (path, changes.__name__, lines[at])):
                        history.judge(wrong)
            self.assertGreater(tried, 0, changes.__doc__)


if __name__ == "__main__":
    FILES = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
