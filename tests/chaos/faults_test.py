#!/usr/bin/env python3
"""What a partition leaves possible is told rightly, and decks are whole."""
import itertools
import random
import types
import unittest

from campaign import Campaign
from chaos import KINDS, SHORT, campaigns, deck
from faults import NEED_NAMESPACES, NEED_NEXT, NEED_SEAM, Faults, cut


def cluster(count):
    """Nothing but a number of members."""
    faults = Faults()
    faults.ground = types.SimpleNamespace(count=count)
    faults.trial = types.SimpleNamespace(names=["n%d" % (i + 1) for i in range(count)], faults=(count - 1) // 3)
    return faults


class Partitions(unittest.TestCase):
    def judged(self, count, ways):
        faults = cluster(count)
        return faults.hearing(set(ways)), faults.can_agree(set(ways))

    def test_all_hear_each_other_when_nothing_is_cut(self):
        self.assertEqual(self.judged(4, []), (["n1", "n2", "n3", "n4"], True))

    def test_three_of_four_go_on_without_the_fourth(self):
        self.assertEqual(self.judged(4, cut([[0], [1, 2, 3]])), (["n2", "n3", "n4"], True))

    def test_who_only_speaks_or_only_hears_is_no_member_of_a_quorum(self):
        for ways in ([(0, i) for i in (1, 2, 3)], [(i, 0) for i in (1, 2, 3)]):
            self.assertEqual(self.judged(4, ways)[0], ["n2", "n3", "n4"])

    def test_halves_can_agree_on_nothing(self):
        self.assertEqual(self.judged(4, cut([[0, 1], [2, 3]])), ([], False))
        self.assertEqual(self.judged(7, cut([[0, 1, 2], [3, 4, 5, 6]])), ([], False))

    def test_four_of_seven_are_no_quorum_and_five_are(self):
        self.assertEqual(self.judged(7, cut([[0, 1], [2, 3, 4, 5, 6]]))[0], ["n3", "n4", "n5", "n6", "n7"])

    def test_member_of_both_groups_may_pass_words_on(self):
        """No five of seven hear each other, but what four say reaches it."""
        self.assertEqual(self.judged(7, cut([[1, 2, 3], [4, 5, 6]])), ([], True))

    def test_words_that_only_go_one_way_reach_somebody(self):
        self.assertEqual(self.judged(4, [(a, b) for a in (2, 3) for b in (0, 1)]), ([], True))

    def test_cut_is_both_ways_and_leaves_groups_whole(self):
        groups = [[0, 1], [2, 3]]
        self.assertEqual(set(cut(groups)), {(a, b) for a, b in itertools.permutations(range(4), 2)
                                            if (a < 2) != (b < 2)})


class Decks(unittest.TestCase):
    def options(self, **more):
        return types.SimpleNamespace(**{
            "has_namespaces": True, "has_seam": True, "next": "aegis", "kinds": None, "short": False, "seed": 1, "rounds": 200,
            "nodes": None, "writes": 7000, "campaign": None, **more})

    def test_every_kind_is_a_round(self):
        for kind in list(KINDS) + list(SHORT):
            self.assertTrue(hasattr(Campaign, "round_" + kind), kind)

    def test_what_this_machine_cannot_do_is_not_asked_for(self):
        kinds = deck(random.Random(1), 200, self.options(has_namespaces=False, has_seam=False, next=None))
        self.assertEqual(set(kinds), set(KINDS) - NEED_NAMESPACES - NEED_NEXT - NEED_SEAM)

    def test_short_deck_is_whole(self):
        kinds = deck(random.Random(1), sum(SHORT.values()), self.options(short=True))
        self.assertEqual({kind: kinds.count(kind) for kind in kinds}, SHORT)

    def test_campaigns_share_rounds_and_writes_and_some_have_seven_nodes(self):
        options = self.options()
        plan = campaigns(options)
        self.assertEqual(sum(len(kinds) for _, _, kinds in plan), 200)
        self.assertEqual(options.writes_each, 1000)
        self.assertEqual({nodes for _, nodes, _ in plan}, {4, 7})

    def test_one_campaign_has_the_rounds_it_has_among_all(self):
        whole = campaigns(self.options())
        self.assertEqual(campaigns(self.options(campaign=3)), [whole[2]])


if __name__ == "__main__":
    unittest.main()
