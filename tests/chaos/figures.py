#!/usr/bin/env python3
"""What faults cost: figures, and the bars they are held to.

    tests/chaos/figures.py [--short] OUT

failover         the primary is killed, under a light load: how long until a
                 write that was begun later is acknowledged
successive       with seven nodes, the primary is killed or stopped and with
                 it the one that would be next: the same
silent           writes a second with f members stopped that are not the
                 primary, to those without faults
garbage, flood,  the same with f members replaced by traitor.c, which votes
ahead, proofs,   for one thing here and another there, or sends ten thousand
changes          votes a second to each, forged ones or of views to come, or a
                 thousand messages full of them, or ten thousand view changes;
                 how many it made is told beside, because a machine that all
                 share may not let it
slow_primary     the same with f primaries, this one and the next, whose
                 every word is late by 0.9 of the time after which a request
                 that waits has the primary replaced
memory           the most that any member that is not at fault ever had
                 resident during one of those that are told as ratios

Rates are measured in pairs, without the fault and with it, in turn, on the
same cluster and through the same members, none of which is at fault; the
median of the pairs' ratios is told, with the range of all.  Where traitors
sign what is of views to come each pair has a cluster of its own.

OUT gets a line of JSON for each figure.  Ends with 1 when a bar is missed, a
write of a measurement failed, or the states of the members differ; with
--short, which only tries whether figures come out, not for a bar.
"""
import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from campaign import Campaign, Figures, quantile
from chaos import MEMORY_MIB, add_tools, find_tools
from ground import Told
from trial import Failure

VIEW_TIMEOUT_MS = 1000
SLOW_MS = VIEW_TIMEOUT_MS * 9 // 10

# name: (bar, whether it is a floor)
BARS = {"failover": (1500, False), "successive": (4000, False), "silent": (0.8, True), "garbage": (0.5, True),
        "flood": (0.5, True), "ahead": (0.5, True), "proofs": (0.5, True), "changes": (0.5, True),
        "slow_primary": (0.5, True), "memory": (MEMORY_MIB, False)}
# What a traitor does in the place of f members, and what of that binds their
# keys to views to come: they could vote no more.
TREASONS = ("garbage", "flood", "ahead", "proofs", "changes")
BINDING = ("ahead", "changes")


class Reported:
    """Of clusters of one size."""

    def __init__(self):
        self.lines = []
        self.complaints = []
        self.peaks = {}  # MiB, by fault


class Bench(Campaign):
    """A campaign with figures in place of rounds."""

    def __init__(self, options, nodes, told):
        super().__init__(options, nodes, nodes, [], Figures())
        self.lines = told.lines
        self.complaints = told.complaints
        self.peaks = told.peaks
        self.frames = []  # a second, of each traitor of the last pair

    def begin(self):
        self.ground.open()
        self.trial.make()
        self.trial.up()
        self.trial.until_ready()

    def add(self, name, unit, ours, values, **more):
        """A figure, its range, and whether it reaches its bar."""
        bar, is_floor = BARS[name]
        line = {"name": "%s_n%d" % (name, self.ground.count), "unit": unit, "ours": round(ours, 3), "bar": bar,
                "runs": len(values), "min": round(min(values), 3), "max": round(max(values), 3), **more}
        line["is_met"] = ours >= bar if is_floor else ours <= bar
        self.lines.append(line)
        print("%-18s %9.3f %-6s (%s %s) of %d, %.3f to %.3f %s" % (
            line["name"], ours, unit, "at least" if is_floor else "at most", bar, len(values), min(values),
            max(values), " ".join("%s=%s" % item for item in more.items())), flush=True)
        if not line["is_met"] and not self.options.short:
            self.complaints.append("%s misses its bar" % line["name"])

    # --- how long ---

    def failover_figure(self, count):
        values = []
        self.load.start()
        for _ in range(count):
            self.some_operations(50)
            primary, _ = self.trial.primary()
            values.append(self.failover(self.trial.kill([primary]))[0])
            self.trial.up()
            self.trial.until_ready(90)
        self.load.stop()
        self.add("failover", "ms", quantile(values, 0.99), values, p50=round(quantile(values, 0.5), 1))

    def successive_figure(self, count):
        values = []
        self.load.start()
        for turn in range(count):
            self.some_operations(50)
            victims = self.primaries()
            survivors = [name for name in self.trial.names if name not in victims]
            began = time.monotonic()
            if turn % 2:
                self.trial.kill(victims)
            else:
                for name in victims:
                    self.trial.signal(name, signal.SIGSTOP)
            values.append(self.failover(began, survivors)[0])
            if not turn % 2:
                for name in victims:
                    self.trial.signal(name, signal.SIGCONT)
            self.trial.up()
            self.trial.until_ready(90)
        self.load.stop()
        self.add("successive", "ms", max(values), values, p50=round(quantile(values, 0.5), 1))

    def primaries(self):
        """This one, and the next, as many as may be at fault."""
        at = self.trial.names.index(self.trial.primary()[0])
        return [self.trial.names[(at + i) % len(self.trial.names)] for i in range(self.trial.faults)]

    # --- how much ---

    def rate(self, names):
        """Writes a second through these, by tests/bench/load."""
        done = subprocess.run(
            [self.options.load, "--target", "aegis", "--clients", str(self.options.load_clients),
             "--seconds", str(self.options.seconds), "--warm-ms", "500", "--bytes", "128",
             *[self.trial.file(name, "aegis.sock") for name in names]],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.options.seconds + 60, check=False)
        try:
            result = json.loads(done.stdout)
        except ValueError as error:
            raise Failure("load ended with %d: %s" % (done.returncode, done.stderr.strip())) from error
        if done.returncode != 0:
            self.complaints.append(done.stderr.strip())
        return result["rate"]

    def past_votes(self, victims, names):
        """Whose key a traitor had finds votes that it does not remember, and
        gives none until the others are past them: so let them go on."""
        for _ in range(30):
            states = [self.trial.ask(name, "/v1/status") for name in victims]
            if all(state is not None and state["health"] == "OK" for state in states):
                return
            self.rate(names)

    def rate_despite(self, name, fault, victims, names):
        """Writes a second through these, while the victims are at fault."""
        for one in names:
            self.trial.forget_peak(one)
        with fault(victims):
            rate = self.rate(names)
            peak = max(self.trial.usage(one)[0] for one in names) / (1 << 20)
        self.peaks[name] = max(self.peaks.get(name, 0), peak)
        return rate

    def memory_figure(self):
        if self.peaks:
            worst = max(self.peaks, key=self.peaks.get)
            self.add("memory", "MiB", self.peaks[worst], list(self.peaks.values()), during=worst)

    def rates(self, name):
        """Writes a second without this fault, and with it."""
        fault = functools.partial(self.traitors, how=name) if name in TREASONS else getattr(self, name)
        primaries = self.primaries()
        # The last before the primary in turn: it is longest until they are.
        at = self.trial.names.index(primaries[0])
        backups = [self.trial.names[at - i - 1] for i in range(self.trial.faults)]
        victims = primaries if name == "slow_primary" else backups
        names = [one for one in self.trial.names if one not in victims]
        free = self.rate(names)
        bad = self.rate_despite(name, fault, victims, names)
        if name not in BINDING:
            self.trial.up()
            self.past_votes(victims, names)
            self.trial.until_ready(90)
        return free, bad

    def rate_figure(self, name, rates):
        ratios = [bad / free for free, bad in rates]
        free, bad = rates[ratios.index(quantile(ratios, 0.5))]
        more = {"frames_each": self.frames} if name in TREASONS else {}
        self.add(name, "ratio", quantile(ratios, 0.5), ratios, free=free, bad=bad, **more)

    @contextlib.contextmanager
    def silent(self, victims):
        for name in victims:
            self.trial.signal(name, signal.SIGSTOP)
        yield
        for name in victims:
            self.trial.signal(name, signal.SIGCONT)

    @contextlib.contextmanager
    def traitors(self, victims, how):
        self.trial.kill(victims)
        programs = []
        for name in victims:
            i = self.trial.names.index(name)
            programs.append(Told(*self.ground.words(i), os.path.join(self.options.tools, "traitor"),
                                 self.trial.folder(name), os.path.join(self.trial.path, "roster"),
                                 self.ground.listen(i), how, env=self.ground.environment(i), is_waited_for=False))
        try:
            for program in programs:  # each waits for the others
                program.is_up()
            began = time.monotonic()
            yield
            took = time.monotonic() - began
            self.frames = [round(program.tell("stop")[0] / took) for program in programs]
        finally:
            for program in programs:
                program.close()

    @contextlib.contextmanager
    def slow_primary(self, victims):
        slow = [self.trial.names.index(name) for name in victims]
        self.ground.weather([way for way in self.ground.everybody() if way[0] in slow], SLOW_MS * 1000)
        yield
        self.ground.clear()

    def finish(self):
        self.same_state()
        self.trial.stop(self.trial.names)


@contextlib.contextmanager
def standing(options, nodes, told):
    """A cluster to measure, which adds what it tells to what was told."""
    bench = Bench(options, nodes, told)
    try:
        bench.begin()
        yield bench
    finally:
        bench.end()
        if not options.keep:
            shutil.rmtree(bench.path)


def measure(options, nodes, told):
    with standing(options, nodes, told) as bench:
        for name in options.only:
            if name == "failover":
                bench.failover_figure(options.kills)
            elif name == "successive" and (bench.trial.faults > 1 or options.short):
                bench.successive_figure(max(2, options.kills // 3))
            elif name not in ("successive", "memory", *BINDING):
                bench.rate_figure(name, [bench.rates(name) for _ in range(options.pairs)])
        bench.finish()
    for name in [name for name in options.only if name in BINDING]:
        rates = []
        for _ in range(options.pairs):
            with standing(options, nodes, told) as bench:
                rates.append(bench.rates(name))
        bench.rate_figure(name, rates)
    if "memory" in options.only:
        bench.memory_figure()


def main():
    parser = argparse.ArgumentParser(description="what faults cost; see the top of this file")
    add_tools(parser)
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--load", default="build/release/tests/bench/load")
    parser.add_argument("--nodes", type=lambda text: [int(word) for word in text.split(",")], default=[4, 7])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(BARS))
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=3, help="odd, so that there is a median")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement of a rate")
    parser.add_argument("--load-clients", type=int, default=64, help="of each measurement of a rate")
    parser.add_argument("--short", action="store_true", help="a moment of some, and no bars")
    parser.add_argument("--keep", action="store_true", help="keep the directories")
    options = parser.parse_args()
    options.load = os.path.abspath(options.load)
    if options.short:
        options.nodes, options.only = [4], [
            "failover", "successive", "garbage", "proofs", "changes", "slow_primary", "memory"]
        options.kills = options.pairs = options.seconds = 1
    options.clients, options.crowd, options.keys, options.writes_each = 4, 0, 0, 0
    options.verbose = False
    options.seed = random.SystemRandom().randrange(1 << 32)
    find_tools(options)
    complaints = []
    with open(options.out + ".new", "w", encoding="ascii") as file:
        for nodes in options.nodes:
            told = Reported()
            try:
                measure(options, nodes, told)
            finally:
                complaints += told.complaints
                for line in told.lines:
                    file.write(json.dumps(line) + "\n")
    os.rename(options.out + ".new", options.out)
    for complaint in complaints:
        print("figures: %s" % complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
