#!/usr/bin/env python3
"""The judges of serial.py and transfers.py refuse what is wrong, and nothing
else."""
import random
import unittest

from linear import FAILED, OK, UNKNOWN, Violation
from serial import SerialHistory, Txn
from transfers import ACCOUNTS, BALANCE, Bank, Lists


class Script:
    """Write histories down: begin() and end(), or change() and read()."""

    def __init__(self):
        self.history = SerialHistory()

    def begin(self, **what):
        txn = Txn("c", **what)
        self.history.begins(txn)
        return txn

    def end(self, txn, outcome=OK, **answer):
        for name, value in answer.items():
            setattr(txn, name, value)
        self.history.ends(txn, outcome)
        return txn

    def change(self, seq, compares, puts, done=True, outcome=OK):
        txn = self.begin(compares=compares, puts=puts)
        if outcome != OK:
            seq = done = None
        return self.end(txn, outcome, seq=seq, done=done)

    def read(self, seq, got, prefix=""):
        return self.end(self.begin(prefix=prefix), seq=seq, got=got)


class Judge(unittest.TestCase):
    def setUp(self):
        self.script = Script()
        self.script.change(1, {"a": 0, "b": 0}, {"a": "a1", "b": "b1"})

    def accepts(self):
        self.script.history.judge()

    def refuses(self, words):
        with self.assertRaisesRegex(Violation, words):
            self.script.history.judge()

    def test_what_was_done_in_turn_is_accepted(self):
        s = self.script
        s.read(1, {"a": ("a1", 1, 1), "b": ("b1", 1, 1)})
        s.change(3, {"a": 1, "b": 1}, {"a": "a2", "b": "b2"})
        s.change(4, {"a": 1}, {"a": "a3"}, done=False)
        s.read(4, {"a": ("a2", 2, 3), "b": ("b2", 2, 3)})
        s.read(5, {"a": ("a2", 2, 3)}, prefix="a")
        self.accepts()

    def test_lost_transaction_is_refused(self):
        self.script.change(3, {"a": 1}, {"a": "a2"})
        self.script.read(4, {"a": ("a1", 1, 1), "b": ("b1", 1, 1)})
        self.refuses("changes have left")

    def test_half_a_transaction_is_refused(self):
        self.script.change(3, {"a": 1, "b": 1}, {"a": "a2", "b": "b2"})
        self.script.read(3, {"a": ("a2", 2, 3), "b": ("b1", 1, 1)})
        self.refuses("changes have left")

    def test_lost_key_is_refused(self):
        self.script.read(2, {"a": ("a1", 1, 1)})
        self.refuses("changes have left")

    def test_stale_read_is_refused(self):
        self.script.change(3, {"a": 1}, {"a": "a2"})
        self.script.read(2, {"a": ("a1", 1, 1), "b": ("b1", 1, 1)})
        self.refuses("sequence 2 after 3")

    def test_two_that_compared_the_same_version_are_refused(self):
        s = self.script
        one, two = (s.begin(compares={"a": 1}, puts={"a": value}) for value in ("a2", "a3"))
        s.end(one, seq=3, done=True)
        s.end(two, seq=3, done=True)
        self.refuses("did not hold at 3")

    def test_two_of_one_batch_are_put_in_their_order(self):
        s = self.script
        one, two = (s.begin(compares={"a": version}, puts={"a": "a%d" % (version + 1)}) for version in (2, 1))
        s.end(one, seq=3, done=True)
        s.end(two, seq=3, done=True)
        s.read(3, {"a": ("a3", 3, 3)}, prefix="a")
        self.accepts()

    def test_write_skew_is_refused(self):
        """Each saw the other's key as it had been before."""
        s = self.script
        one = s.begin(compares={"a": 1, "b": 1}, puts={"a": "a2"})
        two = s.begin(compares={"a": 1, "b": 1}, puts={"b": "b2"})
        s.end(one, seq=3, done=True)
        s.end(two, seq=4, done=True)
        self.refuses("did not hold at 4")

    def test_comparison_that_failed_wrongly_is_refused(self):
        self.script.change(3, {"a": 1}, {"a": "a2"}, done=False)
        self.refuses("and yet they failed")

    def test_transaction_done_twice_is_refused(self):
        self.script.change(3, {"a": 1}, {"a": "a2"})
        self.script.read(4, {"a": ("a2", 3, 4)}, prefix="a")
        self.refuses("another's number")

    def test_refused_transaction_that_happened_is_refused(self):
        self.script.change(3, {"a": 1}, {"a": "a2"}, outcome=FAILED)
        self.script.read(4, {"a": ("a2", 2, 3)}, prefix="a")
        self.refuses("changed nothing")

    def test_unknown_transaction_may_happen(self):
        self.script.change(3, {"a": 1, "b": 1}, {"a": "a2", "b": "b2"}, outcome=UNKNOWN)
        self.script.read(4, {"a": ("a2", 2, 4), "b": ("b2", 2, 4)})
        self.accepts()

    def test_unknown_transaction_may_never_happen(self):
        self.script.change(3, {"a": 1}, {"a": "a2"}, outcome=UNKNOWN)
        self.script.read(4, {"a": ("a1", 1, 1)}, prefix="a")
        self.accepts()

    def test_half_an_unknown_transaction_is_refused(self):
        self.script.change(3, {"a": 1, "b": 1}, {"a": "a2", "b": "b2"}, outcome=UNKNOWN)
        self.script.read(4, {"a": ("a2", 2, 4), "b": ("b1", 1, 1)})
        self.refuses("changes have left")

    def test_unknown_transaction_whose_comparison_cannot_hold_is_refused(self):
        s = self.script
        s.change(3, {"a": 1}, {"a": "a2"})
        s.change(4, {"a": 1, "b": 1}, {"a": "a3", "b": "b3"}, outcome=UNKNOWN)
        s.read(5, {"b": ("b3", 2, 5)}, prefix="b")
        self.refuses("did not hold at 5")

    def test_value_from_nowhere_is_refused(self):
        self.script.read(2, {"a": ("z", 1, 1)}, prefix="a")
        self.refuses("nobody wrote")


class AgainstAStore(unittest.TestCase):
    """What a store that is right answers is accepted; what a store with one
    mistake answers is refused whenever the mistake can be seen."""

    def history(self, rng, mistake):
        script, state, seq, is_wrong = Script(), {}, 0, False
        for number in range(30):
            versions = {key: state.get(key, (None, 0, 0))[1] for key in "abc"}
            keys = rng.sample("abc", 2)
            seq += rng.randrange(1, 3)
            if rng.random() < 0.5:
                script.read(seq, dict(state))
                continue
            compares = {key: versions[key] - (versions[key] > 0 and rng.random() < 0.2) for key in keys}
            holds = all(versions[key] == version for key, version in compares.items())
            puts = {key: "%s%d" % (key, number) for key in keys}
            script.change(seq, compares, dict(puts), done=holds)
            if mistake == number and holds:
                puts.popitem()
                is_wrong = True
            if holds:
                state.update({key: (value, versions[key] + 1, seq) for key, value in puts.items()})
        script.read(seq + 1, dict(state))
        return script.history, is_wrong

    def test_verdicts(self):
        rng = random.Random(1)
        refused = 0
        for turn in range(400):
            history, is_wrong = self.history(rng, None if turn % 2 else rng.randrange(30))
            try:
                history.judge()
                verdict = False
            except Violation:
                verdict = True
            self.assertEqual(verdict, is_wrong)
            refused += verdict
        self.assertGreater(refused, 50)


class Works(unittest.TestCase):
    def setUp(self):
        self.script = Script()

    def bank(self, first):
        accounts = {"bank/0/%d" % i: ("%d c.%d" % (BALANCE, i), 1, 1) for i in range(ACCOUNTS)}
        accounts["bank/0/0"] = ("%d c.0" % first, 1, 1)
        self.script.read(1, accounts, prefix="bank/0/")
        Bank.judge(self.script.history)

    def test_accounts_of_the_same_sum_are_accepted(self):
        self.bank(BALANCE)

    def test_money_from_nowhere_is_refused(self):
        with self.assertRaisesRegex(Violation, "in sum"):
            self.bank(BALANCE + 1)

    def lists(self, *values):
        self.script.change(1, {"list/0/0": 0}, {"list/0/0": "x"})
        for seq, value in enumerate(values, 2):
            self.script.read(seq, {"list/0/0": (value, 1, 1)}, prefix="list/")
        Lists.judge(self.script.history)

    def test_lists_that_grow_are_accepted(self):
        self.lists("x", "x,y")

    def test_lost_item_is_refused(self):
        with self.assertRaisesRegex(Violation, "not in the list once"):
            self.lists("y")

    def test_item_that_is_there_twice_is_refused(self):
        with self.assertRaisesRegex(Violation, "not in the list once"):
            self.lists("x", "x,x")

    def test_list_that_changed_its_order_is_refused(self):
        with self.assertRaisesRegex(Violation, "no longer"):
            self.lists("x,y", "y,x")


if __name__ == "__main__":
    unittest.main()
