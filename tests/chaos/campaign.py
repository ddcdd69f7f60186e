"""One cluster from its setup to the verdict: load, rounds, judgement.

What a round does is in kills.py and faults.py.  Each leaves a cluster behind
that can heal by itself, and the campaign waits until it has.
"""
import json
import math
import os
import random
import tempfile
import threading
import time

from faults import Faults
from ground import Ground, Told
from kills import Kills
from linear import OK, History
from load import Client, Load, encode
from serial import SerialHistory
from transfers import Transfers
from trial import Failure, Lost, NotSent, Trial

KEYS_IN_TXN = 64
ROUNDS_IN_AGE = 2
CLOCK_SECONDS = 60
WRITTEN_SECONDS = 900
HEALED_SECONDS = 90


def quantile(values, q):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


class Figures:
    """Of all campaigns together."""

    def __init__(self):
        self.rounds = {}
        self.acknowledged = self.failed = self.unknown = self.reads = 0
        self.failover_ms = []
        self.failover_every_ms = []
        self.recovery_ms = []
        self.recovery_every_ms = []
        self.counts = {}
        self.resident = self.descriptors = 0


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


class Campaign(Kills, Faults):
    def __init__(self, options, number, nodes, kinds, figures):
        self.options = options
        self.seed = "%d/%d" % (options.seed, number)
        self.rng = random.Random(self.seed)
        self.kinds = kinds
        self.figures = figures
        self.path = tempfile.mkdtemp(prefix="aegis-chaos-")
        self.ground = Ground(os.path.join(self.path, "ground"), nodes, options.tools, options.seed + number,
                             options.has_namespaces, options.has_seam)
        self.trial = Trial([options.aegis, options.next], os.path.join(self.path, "trial"), self.ground)
        self.history = History()
        self.load = Load(self.trial, self.history, self.seed, options.clients, time.monotonic)
        self.serial = SerialHistory()
        self.transfers = Transfers(self.trial, self.serial, self.seed, time.monotonic)
        self.crowd = None
        self.loaded = {}
        self.round = 0

    # --- what every campaign does ---

    def run(self):
        self.ground.open()
        self.trial.make()
        self.trial.up()
        self.trial.until_ready()
        self.fill()
        self.load.start()
        self.transfers.start()
        if self.options.crowd:
            self.crowd = Told(os.path.join(self.options.tools, "crowd"), str(self.options.crowd),
                              str(self.rng.randrange(1 << 32)),
                              *[self.trial.file(name, "aegis.sock") for name in self.trial.names])
        for kind in self.kinds:
            self.round += 1
            if self.round % ROUNDS_IN_AGE == 0:
                self.load.age += 1
                self.transfers.new_age()
            self.one_round(kind)
        self.finish()

    def one_round(self, kind):
        began = time.monotonic()
        said = getattr(self, "round_" + kind)()
        self.trial.until_ready(HEALED_SECONDS)
        if self.crowd is not None and self.crowd.process.poll() is not None:
            raise Failure("the crowd has ended with %d" % self.crowd.process.returncode)
        self.until_written()
        self.figures.rounds[kind] = self.figures.rounds.get(kind, 0) + 1
        self.tell("%3d  %-9s %-52s %5.1f s" % (self.round, kind, said, time.monotonic() - began))

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

    def until_written(self):
        """Go on until the crowd has its share of the writes asked for."""
        share = self.options.writes_each * self.round // len(self.kinds)
        if self.crowd is None or share == 0:
            return

        def written():
            return True if self.crowd.tell("counts")[0] >= share else None
        self.trial.until("%d writes of the crowd" % share, WRITTEN_SECONDS, written)

    # --- what rounds need ---

    def some_operations(self, count, seconds=5):
        """Let clients go on for so many operations."""
        goal = len(self.history.log) + 2 * count
        end = time.monotonic() + seconds
        while len(self.history.log) < goal and time.monotonic() < end:
            time.sleep(0.002)

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
        """The same from the start of all nodes, for a read and a write."""
        key = self.rng.choice(sorted(self.loaded))
        ends = []
        began = time.monotonic()
        self.trial.up()

        def probe(name):
            client = Client(self.trial, self.history, "probe", name)
            self.read_loaded(client.link, key)
            ends.append(self.insist(client, "put", "probe/%d/%s" % (self.round, name)).end)
            client.link.close()
        together([lambda name=name: probe(name) for name in self.trial.names])
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
        self.transfers.stop()
        surprises = self.load.failures + [text for client in self.load.clients for text in client.surprises]
        surprises += self.transfers.surprises()
        if surprises:
            raise Failure(surprises[0])
        self.stop_crowd()
        self.count()
        self.same_state()
        self.same_keys()
        if not self.history.judge():
            raise Failure("an operation has not ended")
        self.count_faults()
        self.no_accusations()
        self.trial.stop(self.trial.names)

    def stop_crowd(self):
        if self.crowd is None:
            return
        self.crowd.say("stop")
        done, failed, unknown, reads = self.crowd.heard()
        if self.crowd.process.wait(10) != 0:
            raise Failure("the crowd ended with %d" % self.crowd.process.returncode)
        self.figures.acknowledged += done
        self.figures.failed += failed
        self.figures.unknown += unknown
        self.figures.reads += reads

    def count(self):
        for is_begin, op in self.history.log + self.serial.log:
            is_read = getattr(op, "kind", None) == "get" or getattr(op, "prefix", None) is not None
            if is_begin:
                continue
            if op.outcome == OK and is_read:
                self.figures.reads += 1
            elif op.outcome == OK:
                self.figures.acknowledged += bool(op.done)
            elif op.outcome == "failed":
                self.figures.failed += 1
            else:
                self.figures.unknown += 1

    def count_faults(self):
        """Those that were asked for must have happened."""
        counts = self.ground.count_up()
        for name, number in counts.items():
            self.figures.counts[name] = self.figures.counts.get(name, 0) + number
        for kind, name in (("partition", "held"), ("weather", "late"), ("weather", "lost"), ("reset", "resets"),
                           ("slow_disk", "slow_syncs"), ("bad_sync", "failed_syncs"), ("clock", "wrong_times")):
            # Words of the seam, when there is one.
            if kind in self.kinds and counts.get(name) == 0:
                raise Failure("there were rounds of %s, and nothing was %s" % (kind, name))

    def no_accusations(self):
        for name in self.trial.names:
            resident, descriptors = self.trial.usage(name)
            self.figures.resident = max(self.figures.resident, resident)
            self.figures.descriptors = max(self.figures.descriptors, descriptors)
            if os.listdir(self.trial.file(name, "evidence")):
                raise Failure("%s has evidence that a member signed what no correct member signs: %s" % (
                    name, self.trial.file(name, "evidence")))

    def same_state(self):
        """All at one sequence, and of one digest and one time there, which
        is not far from the true one."""
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
        self.judge_time(found[self.trial.names[0]]["time"])

    @staticmethod
    def judge_time(text):
        agreed = time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        if abs(agreed - time.time()) > CLOCK_SECONDS:
            raise Failure("the agreed time is %s, which is %.0f s off" % (text, agreed - time.time()))

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
        self.transfers.judge({key: (value, version, modified)
                              for key, (value, version, _, modified) in first.items()})
        # The rest must be what the history leads to: read in it, at its end.
        rest = {key: entry for key, entry in first.items() if not key.startswith(("bank/", "list/", "crowd/"))}
        for key in sorted({op.key for _, op in self.history.log} | set(rest)):
            self.history_read(key, rest.get(key))

    def history_read(self, key, entry):
        op = Client.final(key)
        op.done = True
        if entry is not None:
            op.got, op.version, _, op.modified = entry
        self.history.begins(op)
        self.history.ends(op, OK)

    def keep(self):
        """Write the histories down; where all of it is."""
        for name, log in (("history.jsonl", self.history.log), ("transactions.jsonl", self.serial.log)):
            with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
                for is_begin, op in list(log):
                    file.write(json.dumps({"event": "begins" if is_begin else "ends", **op.fields()}) + "\n")
        self.ground.keep()
        return self.path

    def end(self):
        """Whatever happened: leave nothing behind that runs."""
        for part in (self.load, self.transfers):
            part.stopping.set()
        if self.crowd is not None:
            self.crowd.close()
        self.trial.end()
        self.ground.close()
