#!/usr/bin/env python3
"""The judges of linear.py refuse what is wrong and nothing else."""
import itertools
import random
import unittest

from linear import FAILED, OK, UNKNOWN, History, Op, Violation, step


class Script:
    """Write histories down: begin() and end(), or do() for both."""

    def __init__(self):
        self.history = History()
        self.count = 0

    def begin(self, kind, key="k", **more):
        self.count += 1
        op = Op(self.count, kind, key, **more)
        self.history.begins(op)
        return op

    def end(self, op, outcome=OK, done=True, **answer):
        op.done = done
        for name, value in answer.items():
            setattr(op, name, value)
        self.history.ends(op, outcome)
        return op

    def put(self, value, version=None, outcome=OK, **more):
        return self.end(self.begin("put", value=value), outcome, version=version, **more)

    def get(self, got, version=None, **more):
        return self.end(self.begin("get"), got=got, version=version, **more)

    def cas(self, expect, value, done=True):
        return self.end(self.begin("cas", expect=expect, value=value), done=done)

    def delete(self, done=True):
        return self.end(self.begin("delete"), done=done)


class Judges(unittest.TestCase):
    def setUp(self):
        self.script = Script()

    def accepts(self):
        self.assertTrue(self.script.history.judge())

    def refuses(self, words):
        with self.assertRaisesRegex(Violation, words):
            self.script.history.judge()

    def test_what_one_client_did_in_turn_is_accepted(self):
        s = self.script
        s.get(None)
        s.put("a", 1)
        s.get("a", 1)
        s.cas("a", "b")
        s.cas("a", "c", done=False)
        s.put("d", 3)
        s.delete()
        s.delete(done=False)
        s.put("e", 1)
        self.accepts()

    def test_lost_write_is_refused(self):
        s = self.script
        s.put("a")
        s.put("b")
        s.get("a")
        self.refuses("no order explains")

    def test_lost_first_write_is_refused(self):
        self.script.put("a")
        self.script.get(None)
        self.refuses("no order explains")

    def test_stale_read_is_refused(self):
        s = self.script
        s.put("a")
        write = s.begin("put", value="b")
        s.get("b")
        s.get("a")
        s.end(write)
        self.refuses("no order explains")

    def test_read_during_a_write_may_see_either(self):
        s = self.script
        s.put("a")
        write = s.begin("put", value="b")
        s.get("a")
        s.get("b")
        s.end(write)
        self.accepts()

    def test_comparison_that_held_twice_is_refused(self):
        s = self.script
        s.put("a")
        one = s.begin("cas", expect="a", value="b")
        two = s.begin("cas", expect="a", value="c")
        s.end(one)
        s.end(two)
        self.refuses("no order explains")

    def test_write_done_twice_is_refused(self):
        """A put, executed again after another: read and version show it."""
        s = self.script
        s.put("a")
        s.put("b")
        s.get("b")
        s.get("a")
        self.refuses("no order explains")

    def test_write_done_twice_in_place_is_refused_by_its_version(self):
        s = self.script
        s.put("a", 1)
        s.put("b", 2)
        s.get("b", 3)
        self.refuses("no order explains")

    def test_comparison_that_failed_wrongly_is_refused(self):
        s = self.script
        s.put("a")
        s.cas("a", "b", done=False)
        self.refuses("no order explains")

    def test_key_that_came_back_is_refused(self):
        s = self.script
        s.put("a")
        s.delete()
        s.get("a")
        self.refuses("no order explains")

    def test_delete_of_nothing_is_refused_when_there_was_something(self):
        s = self.script
        s.put("a")
        s.delete(done=False)
        self.refuses("no order explains")

    def test_failed_write_that_happened_is_refused(self):
        s = self.script
        s.put("a", outcome=FAILED)
        s.get("a")
        self.refuses("nothing had happened")

    def test_failed_write_that_happened_is_seen_in_versions(self):
        s = self.script
        s.put("a", outcome=FAILED)
        s.put("b", 2)
        self.refuses("no order explains")

    def test_unknown_write_may_happen_late(self):
        s = self.script
        s.put("a", 1)
        s.put("b", outcome=UNKNOWN)
        s.get("a", 1)
        s.put("c", 2)
        s.get("b", 3)
        self.accepts()

    def test_unknown_write_may_never_happen(self):
        s = self.script
        s.put("a", outcome=UNKNOWN)
        s.get(None)
        self.accepts()

    def test_unknown_write_happens_once(self):
        s = self.script
        s.put("a", outcome=UNKNOWN)
        s.get("a")
        s.delete()
        s.get("a")
        self.refuses("no order explains")

    def test_unknown_delete_may_explain_absence(self):
        s = self.script
        s.put("a")
        s.end(s.begin("delete"), UNKNOWN)
        s.get("a")
        s.get(None)
        self.accepts()

    def test_unknown_comparison_needs_its_value(self):
        s = self.script
        s.put("a")
        s.end(s.begin("cas", expect="x", value="b"), UNKNOWN)
        s.get("b")
        self.refuses("no order explains")

    def test_value_from_nowhere_is_refused(self):
        self.script.get("z")
        self.refuses("nobody wrote")

    def test_number_that_falls_is_refused(self):
        s = self.script
        s.put("a", seq=7)
        s.end(s.begin("put", key="other", value="b"), seq=6)
        self.refuses("sequence 6 after 7")

    def test_read_of_an_old_state_is_refused_across_keys(self):
        s = self.script
        s.put("a", seq=7)
        s.end(s.begin("get", key="other"), seq=6)
        self.refuses("sequence 6 after 7")

    def test_read_with_the_number_of_another_write_is_refused(self):
        s = self.script
        s.put("a", seq=7)
        s.get("a", seq=9, modified=8)
        self.refuses("for a write of another")

    def test_what_has_not_ended_is_not_judged_yet(self):
        s = self.script
        write = s.begin("put", value="a")
        s.get("a")
        self.assertFalse(s.history.judge())
        s.end(write)
        self.accepts()

    def test_many_unknown_writes_are_judged(self):
        s = self.script
        for i in range(12):
            s.put("u%d" % i, outcome=UNKNOWN)
        s.put("a", 1)
        s.put("b", 4)
        s.get("b", 4)
        self.accepts()


def explained(events):
    """By trying all orders: the meaning of linearizable, word for word."""
    ops = [op for is_begin, op in events if is_begin]
    begin, end = {}, {}
    for place, (is_begin, op) in enumerate(events):
        (begin if is_begin else end)[op.id] = place
    must = [op for op in ops if op.outcome == OK]
    may = [op for op in ops if op.outcome == UNKNOWN and op.kind != "get"]
    for count in range(len(may) + 1):
        for some in itertools.combinations(may, count):
            for order in itertools.permutations(must + list(some)):
                if fits(order, begin, end):
                    return True
    return False


def fits(order, begin, end):
    state = (None, 0)
    for place, op in enumerate(order):
        if any(late.outcome == OK and end[late.id] < begin[op.id] for late in order[place + 1:]):
            return False
        state = step(op, *state)
        if state is None:
            return False
    return True


def some_history(rng):
    """A few operations that overlap, executed at a moment each, with answers
    that are sometimes wrong."""
    script = Script()
    state = (None, 0)
    under_way = []
    todo = rng.randrange(3, 6)
    while todo or under_way:
        if todo and (not under_way or rng.random() < 0.5):
            todo -= 1
            kind = rng.choice(["get", "put", "put", "cas", "delete"])
            value = "v%d" % script.count if kind in ("put", "cas") else None
            expect = rng.choice([None, "v0", "v1"]) if kind == "cas" else None
            op = script.begin(kind, value=value, expect=expect)
            under_way.append((op, rng.random() < 0.3))
            continue
        op, is_unknown = under_way.pop(rng.randrange(len(under_way)))
        happens = not is_unknown or rng.random() < 0.5
        value, version = state
        done = {"get": True, "put": True, "cas": value == op.expect, "delete": value is not None}[op.kind]
        if happens and done and op.kind in ("put", "cas"):
            state = (op.value, version + 1)
        elif happens and done and op.kind == "delete":
            state = (None, 0)
        answer = {"got": value} if op.kind == "get" else {}
        if op.kind == "put" and rng.random() < 0.5:
            answer["version"] = state[1]
        if rng.random() < 0.15:
            if op.kind == "get":
                answer["got"] = rng.choice([None, "v0", "v1"])
            elif op.kind == "put":
                answer["version"] = rng.randrange(1, 4)
            else:
                done = not done
        if is_unknown:
            script.end(op, UNKNOWN)
        else:
            script.end(op, OK, done, **answer)
    return script.history


class AgainstAllOrders(unittest.TestCase):
    def test_verdicts_are_those_of_trying_all_orders(self):
        rng = random.Random(1)
        verdicts = {True: 0, False: 0}
        for _ in range(3000):
            history = some_history(rng)
            expected = explained(history.log)
            # What is read without having been written is Order's business.
            history.order.judge_read = lambda op: None
            try:
                history.judge()
                got = True
            except Violation:
                got = False
            self.assertEqual(got, expected, "\n".join(repr(event) for event in history.log))
            verdicts[got] += 1
        self.assertGreater(min(verdicts.values()), 300, verdicts)


if __name__ == "__main__":
    unittest.main()
