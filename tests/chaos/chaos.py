#!/usr/bin/env python3
"""A real cluster, killed again and again under load.

Clients read and write over the nodes' sockets and write down all they do
(load.py).  Meanwhile nodes are killed with signal 9 and started again, or
stopped and continued.  In the end:

    no acknowledged write is lost, the history is linearizable (linear.py);
    all members have executed the same, hold the same keys with the same
    versions, and the same digest of their state;
    nobody has evidence that a member signed conflicting statements, which a
    member that forgot something by being killed would have done;
    no node ended by itself, or said anything that is not in its log.

ROUNDS  primary   the primary dies: how long until a write that was begun
                  after that is acknowledged?
        one       any node dies
        faults    f nodes die at once
        all       all nodes die, with all keys of the campaign: how long from
                  `aegis cluster up` until the cluster has answered a
                  linearizable read and acknowledged a write?
        again     one, f or all die, and die again while they recover
        pause     the primary is stopped with SIGSTOP, replaced, and continued
                  with requests in its hands

    Some of those that are killed find a torn record at the end of their log,
    as a crash of the machine would leave it.  (What is in the page cache
    survives signal 9: lost writes are the business of the simulator and of
    tests/fault.)

REPLAY  A campaign is made from a seed, which is printed at the end and when
        something fails; so are the rounds, in the same order, with the same
        victims where the cluster is in the same condition:

            tests/chaos/chaos.py --seed SEED
            tests/chaos/chaos.py --seed SEED --rounds 200 --campaign 3

        Processes run as the machine lets them, so a failure may need several
        runs to come back; the directory of the failed campaign is kept, with
        the nodes' logs and data, and the history as JSON lines.

Exit status 0, or 1 when something of the above does not hold.
"""
import argparse
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

from linear import OK, History, Violation
from load import Client, Load, encode
from trial import Failure, Lost, NotSent, Trial

KEYS = 100000
KEYS_IN_TXN = 64
ROUNDS_IN_CAMPAIGN = 20
ROUNDS_IN_AGE = 2
FAILOVER_P99_MS = 2500
RECOVERY_MS = 5000

# Of twenty rounds.
KINDS = {"primary": 7, "one": 3, "faults": 2, "all": 4, "again": 2, "pause": 2}


class Figures:
    def __init__(self):
        self.rounds = self.acknowledged = self.failed = self.unknown = 0
        self.failover_ms = []
        self.failover_every_ms = []
        self.recovery_ms = []
        self.recovery_every_ms = []
        self.resident = self.descriptors = 0


def quantile(values, q):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def deck(rng, rounds):
    """Kinds in their proportions, shuffled; twenty have all of them."""
    kinds = []
    while len(kinds) < rounds:
        hand = [kind for kind, count in KINDS.items() for _ in range(count)]
        rng.shuffle(hand)
        kinds += hand
    return kinds[:rounds]


def together(calls):
    """Run all at once and wait for them; the first failure counts."""
    failures = []

    def guarded(call):
        try:
            call()
        except Exception as error:
            failures.append(error)
    threads = [threading.Thread(target=guarded, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        if thread.is_alive():
            failures.append(Failure("no answer for 90 s"))
    if failures:
        raise failures[0]


class Campaign:
    def __init__(self, options, number, nodes, rounds, figures):
        self.options = options
        self.seed = "%d/%d" % (options.seed, number)
        self.rng = random.Random(self.seed)
        self.rounds = rounds
        self.figures = figures
        self.path = tempfile.mkdtemp(prefix="aegis-chaos-")
        self.trial = Trial(options.aegis, os.path.join(self.path, "trial"), nodes)
        self.history = History()
        self.load = Load(self.trial, self.history, self.seed, options.clients, time.monotonic)
        self.loaded = {}
        self.round = 0

    # --- what every campaign does ---

    def run(self):
        self.trial.make()
        self.trial.start()
        self.trial.until_ready()
        self.fill()
        self.load.start()
        for kind in deck(self.rng, self.rounds):
            self.round += 1
            self.load.age = (self.round - 1) // ROUNDS_IN_AGE
            began = time.monotonic()
            said = getattr(self, "round_" + kind)()
            self.trial.until_ready()
            self.figures.rounds += 1
            self.tell("%3d  %-8s %-44s %5.1f s" % (self.round, kind, said, time.monotonic() - began))
        self.finish()

    def tell(self, words):
        if self.options.verbose:
            print(words, flush=True)

    def fill(self):
        """The keys that recovery has to deal with."""
        names = ["load/%06d" % i for i in range(self.options.keys)]
        parts = [names[i:i + KEYS_IN_TXN] for i in range(0, len(names), KEYS_IN_TXN)]

        def writer(start, node):
            link = self.trial.link(node)
            for part in parts[start::4]:
                values = {name: ("%s is held" % name).ljust(64, ".") for name in part}
                body = json.dumps({"then": [{"put": name, "value": value} for name, value in values.items()]})
                status, _, answer = link.ask("POST", "/v1/kv/txn", body.encode(), 30000)
                if status != 200:
                    raise Failure("fill: %d %s" % (status, answer.decode("utf-8", "replace")))
                self.loaded.update(values)
            link.close()
        together([lambda i=i: writer(i, self.trial.names[i % len(self.trial.names)]) for i in range(4)])

    def some_operations(self, count, seconds=5):
        """Let clients go on for so many operations."""
        goal = len(self.history.log) + 2 * count
        end = time.monotonic() + seconds
        while len(self.history.log) < goal and time.monotonic() < end:
            time.sleep(0.002)

    def kill(self, names):
        began = self.trial.kill(names)
        for name in names:
            if self.rng.random() < 0.3:
                self.trial.tear(name, self.rng)
        return began

    def restart(self):
        self.some_operations(self.rng.randrange(20, 300))
        self.trial.start()

    # --- rounds; each says what it did ---

    def round_primary(self):
        self.some_operations(self.rng.randrange(300))
        primary, view = self.trial.primary()
        began = self.kill([primary])
        first, every = self.failover(began)
        if self.trial.primary()[1] == view:
            raise Failure("%s was killed as the primary of view %d, and the view is the same" % (primary, view))
        self.figures.failover_ms.append(first)
        self.figures.failover_every_ms.append(every)
        self.restart()
        return "%s killed, writes after %.0f ms" % (primary, first)

    def round_one(self):
        victim = self.rng.choice(self.trial.names)
        first, _ = self.failover(self.kill([victim]))
        self.restart()
        return "%s killed, writes after %.0f ms" % (victim, first)

    def round_faults(self):
        victims = self.rng.sample(self.trial.names, self.trial.faults)
        first, _ = self.failover(self.kill(victims))
        self.restart()
        return "%s killed, writes after %.0f ms" % (", ".join(victims), first)

    def round_all(self):
        self.some_operations(self.rng.randrange(300))
        self.kill(self.rng.sample(self.trial.names, len(self.trial.names)))
        first, every = self.recovery()
        self.figures.recovery_ms.append(first)
        self.figures.recovery_every_ms.append(every)
        return "all killed, serving after %.0f ms" % first

    def round_again(self):
        count = self.rng.choice([1, self.trial.faults, len(self.trial.names)])
        victims = self.rng.sample(self.trial.names, count)
        self.kill(victims)
        command = self.trial.up()
        self.trial.find_new(victims)
        # Not a wait for anything: where in its recovery it is hit.
        time.sleep(self.rng.random() * 0.3)
        again = victims
        if count == len(self.trial.names):
            again = self.rng.sample(self.trial.names, self.rng.randrange(1, count + 1))
        self.kill(again)
        self.trial.up_wait(command, may_fail=True)
        self.restart()
        return "%s killed, %s again" % (", ".join(victims), ", ".join(again))

    def round_pause(self):
        primary, _ = self.trial.primary()
        began = time.monotonic()
        self.trial.signal(primary, signal.SIGSTOP)
        first, _ = self.failover(began, [name for name in self.trial.names if name != primary])
        self.some_operations(self.rng.randrange(300))
        # While it slept the others have gone on: it must not answer from
        # what it knows.
        witness = Client(self.trial, self.history, "witness", self.rng.choice(
            [name for name in self.trial.names if name != primary]))
        key = "witness/%d" % self.round
        self.insist(witness, "put", key)
        self.trial.signal(primary, signal.SIGCONT)
        witness.move(primary)
        self.insist(witness, "get", key)
        witness.link.close()
        return "%s stopped, writes after %.0f ms" % (primary, first)

    # --- measuring ---

    def insist(self, client, kind, key, seconds=30):
        """Until it is acknowledged."""
        end = time.monotonic() + seconds
        while not (client.do(kind, key, clock=time.monotonic) and client.last.outcome == OK):
            if time.monotonic() > end:
                raise Failure("%s through %s: not acknowledged within %d s; at last %r" % (
                    kind, client.node, seconds, client.last))
            time.sleep(0.005)
        if client.surprises:
            raise Failure(client.surprises[0])
        return client.last

    def failover(self, began, names=None):
        """Milliseconds from began to the first acknowledged write of those
        begun later, and to the acknowledgement through every survivor."""
        mark = len(self.history.log)
        ends = []

        def probe(name):
            client = Client(self.trial, self.history, "probe", name)
            ends.append(self.insist(client, "put", "probe/%d/%s" % (self.round, name)).end)
            client.link.close()
        together([lambda name=name: probe(name) for name in names or self.trial.running()])
        others = [op.end for is_begin, op in self.history.log[mark:]
                  if not is_begin and op.outcome == OK and op.kind != "get" and op.done and op.begin >= began]
        return (min(ends + others) - began) * 1000, (max(ends) - began) * 1000

    def recovery(self):
        """The same from `aegis cluster up`, for a read and a write."""
        key = self.rng.choice(sorted(self.loaded))
        ends = []
        began = time.monotonic()
        command = self.trial.up()

        def probe(name):
            client = Client(self.trial, self.history, "probe", name)
            self.read_loaded(client.link, key)
            ends.append(self.insist(client, "put", "probe/%d/%s" % (self.round, name)).end)
            client.link.close()
        together([lambda name=name: probe(name) for name in self.trial.names])
        self.trial.up_wait(command)
        return (min(ends) - began) * 1000, (max(ends) - began) * 1000

    def read_loaded(self, link, key, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                status, _, body = link.ask("GET", "/v1/kv?key=" + encode(key))
                if status == 200 and json.loads(body)["value"] == self.loaded[key]:
                    return
                if status not in (429, 503):
                    raise Failure("%s is lost: %d %s" % (key, status, body.decode("utf-8", "replace")))
            except (NotSent, Lost):
                pass
            if time.monotonic() > end:
                raise Failure("read of %s: no answer within %d s" % (key, seconds))
            time.sleep(0.005)

    # --- the end ---

    def finish(self):
        self.load.stop()
        surprises = self.load.failures + [text for client in self.load.clients for text in client.surprises]
        if surprises:
            raise Failure(surprises[0])
        self.count()
        self.same_state()
        self.same_keys()
        if not self.history.judge():
            raise Failure("an operation has not ended")
        for name in self.trial.names:
            resident, descriptors = self.trial.usage(name)
            self.figures.resident = max(self.figures.resident, resident)
            self.figures.descriptors = max(self.figures.descriptors, descriptors)
            if os.listdir(self.trial.file(name, "evidence")):
                raise Failure("%s has evidence that a member signed conflicting statements: %s" % (
                    name, self.trial.file(name, "evidence")))
        self.trial.down()
        for name in self.trial.names:
            # What is not in its log: of a sanitizer, an assertion, a start.
            with open(self.trial.file(name, "node.out"), encoding="utf-8", errors="replace") as file:
                said = file.read()
            if said:
                raise Failure("%s said: %s" % (name, said[:2000]))

    def count(self):
        for is_begin, op in self.history.log:
            if is_begin:
                continue
            if op.outcome == OK:
                self.figures.acknowledged += 1
            elif op.outcome == "failed":
                self.figures.failed += 1
            else:
                self.figures.unknown += 1

    def same_state(self):
        """All at one sequence, and of one digest there."""
        def states():
            found = {name: self.trial.ask(name, "/v1/consensus/state") for name in self.trial.names}
            if None in found.values() or len({state["seq"] for state in found.values()}) > 1:
                return None
            return found
        found = self.trial.until("all nodes at the same sequence", 60, states)
        if len({(state["time"], state["digest"]) for state in found.values()}) > 1:
            raise Failure("states differ at sequence %s:\n%s" % (
                found[self.trial.names[0]]["seq"],
                "\n".join("  %s %s %s" % (name, state["time"], state["digest"]) for name, state in found.items())))

    def listing(self, name):
        """key: (value, version, created, modified), as this node has them."""
        found = {}
        cursor = ""
        link = self.trial.link(name)
        while cursor is not None:
            status, _, body = link.ask("GET", "/v1/kv?prefix=&limit=1000&consistency=local&cursor=" + cursor)
            if status != 200:
                raise Failure("list keys of %s: %d" % (name, status))
            page = json.loads(body)
            for entry in page["entries"]:
                found[entry["key"]] = (entry["value"], int(entry["version"]), int(entry["created"]),
                                       int(entry["modified"]))
            cursor = page["cursor"]
        link.close()
        return found

    def same_keys(self):
        first = self.listing(self.trial.names[0])
        for name in self.trial.names[1:]:
            other = self.listing(name)
            if other != first:
                key = next(key for key in sorted(set(first) | set(other)) if first.get(key) != other.get(key))
                raise Failure("key %s is %r at %s and %r at %s" % (
                    key, first.get(key), self.trial.names[0], other.get(key), name))
        for key, value in self.loaded.items():
            if first.pop(key, (None,))[0] != value:
                raise Failure("key %s, written before the first round, is lost or changed" % key)
        # The rest must be what the history leads to: read in it, at its end.
        for key in sorted({op.key for _, op in self.history.log} | set(first)):
            self.history_read(key, first.get(key))

    def history_read(self, key, entry):
        op = Client.final(key)
        op.done = True
        if entry is not None:
            op.got, op.version, _, op.modified = entry
        self.history.begins(op)
        self.history.ends(op, OK)

    def keep(self):
        """Write the history down; where all of it is."""
        with open(os.path.join(self.path, "history.jsonl"), "w", encoding="utf-8") as file:
            for is_begin, op in list(self.history.log):
                file.write(json.dumps({"event": "begins" if is_begin else "ends", **op.fields()}) + "\n")
        return self.path


def campaigns(options):
    """(number, nodes, rounds); in a long run every third has seven nodes."""
    plan = []
    left = options.rounds
    while left > 0:
        number = len(plan) + 1
        rounds = min(left, ROUNDS_IN_CAMPAIGN)
        plan.append((number, options.nodes or (7 if number % 3 == 0 else 4), rounds))
        left -= rounds
    return [one for one in plan if options.campaign in (None, one[0])]


def run_campaign(options, number, nodes, rounds, figures):
    campaign = Campaign(options, number, nodes, rounds, figures)
    is_kept = options.keep
    try:
        campaign.run()
    except Exception as error:
        if not isinstance(error, (Failure, Violation)):
            traceback.print_exc()
        campaign.load.stop()
        is_kept = True
        print("chaos: campaign %d, round %d: %s\nchaos: kept in %s\nchaos: replay: %s --seed %d --rounds %d --campaign %d"
              % (number, campaign.round, error, campaign.keep(), sys.argv[0], options.seed, options.rounds, number))
        return False
    finally:
        campaign.trial.end()
        if not is_kept:
            shutil.rmtree(campaign.path)
    return True


def report(options, figures):
    print("%d rounds, seed %d: %d operations acknowledged, %d failed, %d unknown; history linearizable, states equal"
          % (figures.rounds, options.seed, figures.acknowledged, figures.failed, figures.unknown))
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
    print("largest node at the end: %.1f MB resident, %d descriptors" % (figures.resident / 1e6, figures.descriptors))
    return is_good


def main():
    parser = argparse.ArgumentParser(description="kill a real cluster under load; see the top of this file")
    parser.add_argument("--aegis", default=os.environ.get("AEGIS", "build/release/aegis"), help="the binary")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="default: another each time")
    parser.add_argument("--campaign", type=int, help="only this one of the rounds' campaigns")
    parser.add_argument("--nodes", type=int, help="members; default 4, sometimes 7 in a long run")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--keys", type=int, default=KEYS, help="keys written before the first round")
    parser.add_argument("--verbose", action="store_true", default=sys.stdout.isatty(), help="a line a round")
    parser.add_argument("--keep", action="store_true", help="keep the directory in any case")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    options.aegis = os.path.abspath(options.aegis)
    # So that an end from outside leaves no node behind either.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(128 + number))
    figures = Figures()
    for number, nodes, rounds in campaigns(options):
        if options.verbose:
            print("campaign %d: %d nodes, seed %d" % (number, nodes, options.seed), flush=True)
        if not run_campaign(options, number, nodes, rounds, figures):
            return 1
    return 0 if report(options, figures) else 1


if __name__ == "__main__":
    sys.exit(main())
