#!/usr/bin/env python3
"""A ledger adds up what was judged, of one program and no other."""
import os
import tempfile
import types
import unittest

from ledger import Ledger


class Ledgers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.figures = types.SimpleNamespace(rounds={}, acknowledged=0, reads=0)

    def program(self, words):
        path = os.path.join(self.folder, words)
        with open(path, "w", encoding="ascii") as file:
            file.write(words)
        return path

    def ledger(self, words="one"):
        return Ledger(os.path.join(self.folder, "ledgers"), self.program(words))

    def campaign(self, ledger, number, kinds, writes, failure=None):
        ledger.begin(self.figures)
        for kind in kinds:
            self.figures.rounds[kind] = self.figures.rounds.get(kind, 0) + 1
        self.figures.acknowledged += writes
        self.figures.reads += 10 * writes
        ledger.end(7, number, self.figures, failure)

    def test_campaigns_of_several_runs_add_up(self):
        self.campaign(self.ledger(), 1, ["clock", "clock", "one"], 100)
        ledger = self.ledger()
        self.campaign(ledger, 2, ["clock", "version"], 50)
        sums = ledger.totals()
        self.assertEqual(sums["rounds"], {"clock": 3, "one": 1, "version": 1})
        self.assertEqual((sums["acknowledged"], sums["reads"], sums["histories"]), (150, 1500, 4))
        self.assertIn("5 faults over 150 acknowledged writes", ledger.tell())
        self.assertIn("none lost, 4 histories linearizable", ledger.tell())

    def test_another_program_begins_anew(self):
        self.campaign(self.ledger(), 1, ["one"], 100)
        self.assertEqual(self.ledger("two").totals()["campaigns"], 0)
        self.assertEqual(self.ledger("one").totals()["campaigns"], 1)

    def test_campaign_that_was_cut_short_counts_for_nothing(self):
        ledger = self.ledger()
        ledger.begin(self.figures)
        self.figures.acknowledged += 1000
        self.campaign(ledger, 2, ["one"], 1)
        self.assertEqual(ledger.totals()["acknowledged"], 1)

    def test_failure_is_told_for_good(self):
        self.campaign(self.ledger(), 1, ["one"], 100, "a write is lost")
        ledger = self.ledger()
        self.campaign(ledger, 2, ["one"], 100)
        self.assertIn("FAILED: --seed 7 --campaign 1: a write is lost", ledger.tell())
        self.assertNotIn("none lost", ledger.tell())
        self.assertEqual(ledger.totals()["histories"], 2)


if __name__ == "__main__":
    unittest.main()
