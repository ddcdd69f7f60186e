#!/usr/bin/env python3
"""Real clusters under load, and everything that happens to real clusters.

Clients read and write over the nodes' sockets and judge or write down all
they are answered: single keys that many write (load.py), several keys at once
(transfers.py), and a crowd that makes millions of writes (crowd.c).
Meanwhile nodes die and sleep (kills.py), their network, disks and clocks go
bad, and they are restarted (faults.py); ground.py says what they stand on,
and ledger.py how runs add up.  In the end:

    no acknowledged write is lost; the histories of keys are linearizable
    (linear.py), those of transactions strictly serializable (serial.py);
    all members have executed the same, hold the same keys with the same
    versions, and the same digest of their state;
    the agreed time is the true one;
    nobody has evidence that a member signed what no correct member signs, which a
    member that forgot something by being killed would have done;
    no node ever had more than 256 MiB resident;
    no node ended by itself unless it had to, or said anything that is not in
    its log; and each kind of fault that was asked for did happen.

REPLAY  A campaign is made from a seed, which is printed at the end and when
        something fails; so are the rounds, in the same order, with the same
        victims where the cluster is in the same condition:

            tests/chaos/chaos.py --seed SEED
            tests/chaos/chaos.py --seed SEED --rounds 200 --campaign 3

        Processes run as the machine lets them, so a failure may need several
        runs to come back; the directory of the failed campaign is kept, with
        the nodes' logs and data, and the histories as JSON lines.

Exit status 0, or 1 when something of the above does not hold.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import traceback

from campaign import Campaign, Figures, quantile
from faults import NEED_NAMESPACES, NEED_NEXT, NEED_SEAM
from ground import GroundError, enter_namespaces
from ledger import Ledger
from linear import Violation
from trial import Failure

KEYS = 100000
ROUNDS_IN_CAMPAIGN = 30
# With all the load and the other faults; figures.py measures it alone.
FAILOVER_P99_MS = 2500
RECOVERY_MS = 5000
MEMORY_MIB = 256  # resident, of a member that is not at fault

# Of fifty rounds.
KINDS = {"primary": 8, "one": 3, "faults": 3, "all": 4, "again": 3, "pause": 3,
         "partition": 7, "weather": 3, "reset": 2, "full_disk": 1, "bad_sync": 2, "slow_disk": 2, "rough": 3,
         "clock": 2, "config": 2, "version": 2}

# One of each that is quick, and more of what fails most easily.
SHORT = {"primary": 3, "one": 1, "faults": 2, "all": 2, "again": 1, "pause": 1,
         "partition": 1, "weather": 1, "reset": 1, "full_disk": 1, "bad_sync": 1, "slow_disk": 1, "rough": 1, "clock": 1,
         "version": 1}


def deck(rng, rounds, options):
    """Kinds in their proportions, shuffled."""
    impossible = (set() if options.has_namespaces else NEED_NAMESPACES) | (
        set() if options.has_seam else NEED_SEAM) | (set() if options.next else NEED_NEXT)
    table = {kind: KINDS[kind] for kind in options.kinds} if options.kinds else SHORT if options.short else KINDS
    hand = [kind for kind, count in table.items() for _ in range(count) if kind not in impossible]
    kinds = []
    while len(kinds) < rounds:
        rng.shuffle(hand)
        kinds += hand
    return kinds[:rounds]


def campaigns(options):
    """(number, nodes, kinds of rounds); every third has seven nodes."""
    kinds = deck(random.Random("%d/deck" % options.seed), options.rounds, options)
    plan = []
    for at in range(0, len(kinds), ROUNDS_IN_CAMPAIGN):
        number = len(plan) + 1
        plan.append((number, options.nodes or (7 if number % 3 == 0 else 4), kinds[at:at + ROUNDS_IN_CAMPAIGN]))
    options.writes_each = options.writes // len(plan)
    return [one for one in plan if options.campaign in (None, one[0])]


def run_campaign(options, number, nodes, kinds, figures):
    campaign = Campaign(options, number, nodes, kinds, figures)
    is_kept = options.keep
    ledger = options.ledger
    if ledger:
        ledger.begin(figures)
    try:
        campaign.run()
        if ledger:
            ledger.end(options.seed, number, figures)
    except Exception as error:
        if not isinstance(error, (Failure, GroundError, Violation)):
            traceback.print_exc()
        if ledger and isinstance(error, (Failure, Violation)):
            ledger.end(options.seed, number, figures, str(error).split("\n", maxsplit=1)[0])
        is_kept = True
        print("chaos: campaign %d, round %d: %s\nchaos: kept in %s\nchaos: replay: %s --seed %d --campaign %d" % (
            number, campaign.round, error, campaign.keep(), " ".join(sys.argv), options.seed, number), flush=True)
        return False
    finally:
        campaign.end()
        if not is_kept:
            shutil.rmtree(campaign.path)
    return True


def run_campaigns(options, figures):
    for number, nodes, kinds in campaigns(options):
        if options.verbose:
            print("campaign %d: %d nodes, seed %d" % (number, nodes, options.seed), flush=True)
        try:
            if not run_campaign(options, number, nodes, kinds, figures):
                return False
        except GroundError as error:
            print("chaos: %s" % error)
            return False
    return True


def report(options, figures):
    print("%d rounds, seed %d: %d writes acknowledged, none lost; %d reads; %d refused, %d unknown\n"
          "histories linearizable, states equal" % (
              sum(figures.rounds.values()), options.seed, figures.acknowledged, figures.reads, figures.failed,
              figures.unknown))
    print("faults: %s" % ", ".join("%d %s" % (count, kind) for kind, count in sorted(figures.rounds.items())))
    print("network: %(passed)d pieces, %(late)d late, %(lost)d lost, %(held)d held; %(resets)d resets" % figures.counts)
    if options.has_seam:
        print("syncs: %(slow_syncs)d slow, %(failed_syncs)d failed; calls: %(rough_calls)d cut short or failed; "
              "clocks: %(wrong_times)d times wrong" % figures.counts)
    is_good = True
    for what, values, every, bar in (
            ("primary killed, next write acknowledged", figures.failover_ms, figures.failover_every_ms,
             FAILOVER_P99_MS),
            ("all killed with %d keys, serving again" % options.keys, figures.recovery_ms, figures.recovery_every_ms,
             RECOVERY_MS)):
        if not values:
            continue
        print("%s: p50 %.0f, p99 %.0f, worst %.0f ms of %d (at most %d); through every node: worst %.0f ms" % (
            what, quantile(values, 0.5), quantile(values, 0.99), max(values), len(values), bar, max(every)))
        if quantile(values, 0.99) > bar:
            print("chaos: %s: p99 is over %d ms" % (what, bar))
            is_good = False
    peak = figures.resident / (1 << 20)
    print("largest node: %.1f MiB resident (at most %d), %d descriptors" % (peak, MEMORY_MIB, figures.descriptors))
    # A sanitizer has memory of its own.
    if peak > MEMORY_MIB and options.has_seam:
        print("chaos: a node had more than %d MiB resident" % MEMORY_MIB)
        is_good = False
    return is_good


def add_tools(parser):
    parser.add_argument("--aegis", default=os.environ.get("AEGIS", "build/release/aegis"), help="the binary")
    parser.add_argument("--next", help="the same under another version; none: nothing is upgraded")
    parser.add_argument("--tools", default="build/release/tests/chaos", help="where relay, crowd and seam.so are")


def find_tools(options):
    options.aegis = os.path.abspath(options.aegis)
    options.next = options.next and os.path.abspath(options.next)
    options.tools = os.path.abspath(options.tools)
    options.has_namespaces = enter_namespaces()
    linked = subprocess.run(["ldd", options.aegis], capture_output=True, text=True, check=False).stdout
    options.has_seam = "libasan" not in linked and "libtsan" not in linked
    # So that an end from outside leaves no node behind either.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(128 + number))


def main():
    parser = argparse.ArgumentParser(description="real clusters under load and faults; see the top of this file")
    add_tools(parser)
    parser.add_argument("--rounds", type=int, help="default 50, and with --short as many as there are")
    parser.add_argument("--short", action="store_true", help="rounds of other proportions, one of each kind")
    parser.add_argument("--seed", type=int, default=None, help="default: another each time")
    parser.add_argument("--campaign", type=int, help="only this one of the rounds' campaigns")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="only rounds of these kinds")
    parser.add_argument("--nodes", type=int, help="members; default 4, and 7 in every third campaign")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--crowd", type=int, default=16, help="clients of the crowd; 0: no crowd")
    parser.add_argument("--writes", type=int, default=0, help="go on until the crowd has made so many")
    parser.add_argument("--keys", type=int, default=KEYS, help="keys written before the first round")
    parser.add_argument("--verbose", action="store_true", default=sys.stdout.isatty(), help="a line a round")
    parser.add_argument("--ledgers", help="folder of ledgers to add this run to; see ledger.py")
    parser.add_argument("--keep", action="store_true", help="keep the directory in any case")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    if options.rounds is None:
        options.rounds = sum(SHORT.values()) if options.short else 50
    find_tools(options)
    options.ledger = Ledger(options.ledgers, options.aegis) if options.ledgers else None
    figures = Figures()
    is_good = run_campaigns(options, figures) and report(options, figures)
    if options.ledger:
        print(options.ledger.tell())
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
