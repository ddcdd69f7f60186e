"""Rounds in which nodes live on, with less than they need.

partition  one member alone, two halves, one that only speaks or only hears, or
           two groups with one member in both.  Members that all hear one
           another and are a quorum go on.  When the words of no quorum
           reach anybody, also through others, nothing that is begun is
           answered
weather    late and lost pieces, slow links, streams that overtake each other:
           everywhere, or around one member
reset      connections that break, again and again
full_disk  a node's disk fills up: it ends and says so, comes back with space
bad_sync   one sync fails, and the next would not: the node ends at that one
slow_disk  each sync of some nodes takes long
rough      calls on files and links of some nodes do less than they were
           asked for, are interrupted, or find no descriptor free; one of
           those nodes starts anew meanwhile
clock      a wall clock steps away for a while, and back
config     all nodes are restarted, one after another, with a changed
           configuration
version    the same, with a program of another version, there and back
"""
import itertools
import random
import time

from linear import OK
from trial import Failure

# What only namespaces, another version, or the seam makes possible.
NEED_NAMESPACES = {"full_disk"}
NEED_NEXT = {"version"}
NEED_SEAM = {"bad_sync", "slow_disk", "rough", "clock"}

SKEW_SECONDS = 10
STEPS = [5, -5, 3600, -3600, 400 * 86400, -400 * 86400]
SETTINGS = {"consensus__pipeline": ["8", "32", "64"], "net__heartbeat": ["250ms", "500ms", "1s"],
            "consensus__view_timeout": ["1s", "1500ms"], "log__level": ["info", "debug"],
            "log__format": ["logfmt", "json"], "store__log_retain": ["16MiB", "64MiB"]}


def cut(groups):
    """The ways between different groups, both ways."""
    return [(a, b) for one, other in itertools.permutations(groups, 2) for a in one for b in other]


class Faults:
    def some_time(self, least, most):
        """Not a wait for anything: for how long it is bad."""
        time.sleep(self.rng.uniform(least, most))

    def some_member(self):
        """Half of the time the primary, which matters most."""
        if self.rng.random() < 0.5:
            return self.trial.primary()[0]
        return self.rng.choice(self.trial.names)

    # --- network ---

    def shape(self):
        """(what it is called, ways that are blocked)"""
        count = self.ground.count
        victim = self.trial.names.index(self.some_member())
        others = [i for i in range(count) if i != victim]
        self.rng.shuffle(others)
        half = count // 2
        return self.rng.choice([
            ("alone", cut([[victim], others])),
            ("halves", cut([[victim] + others[:half - 1], others[half - 1:]])),
            ("deaf", [(other, victim) for other in others]),
            ("mute", [(victim, other) for other in others]),
            ("bridge", cut([others[:half], others[half:]]))])

    def hearing(self, blocked):
        """The largest group whose members all hear each other, if it is a
        quorum; else none."""
        members = range(self.ground.count)
        for size in range(self.ground.count, 2 * self.trial.faults, -1):
            for group in itertools.combinations(members, size):
                if not any(way in blocked for way in itertools.permutations(group, 2)):
                    return [self.trial.names[i] for i in group]
        return []

    def can_agree(self, blocked):
        """Whether the words of a quorum reach anyone, who may have them from
        others: what is signed can be passed on."""
        for end in range(self.ground.count):
            heard, fresh = {end}, [end]
            while fresh:
                to = fresh.pop()
                more = {a for a in range(self.ground.count) if a not in heard and (a, to) not in blocked}
                heard |= more
                fresh += more
            if len(heard) > 2 * self.trial.faults:
                return True
        return False

    def round_partition(self):
        name, ways = self.shape()
        began = time.monotonic()
        self.ground.block(ways)
        group = self.hearing(set(ways))
        since = time.monotonic()
        if group:
            first, _ = self.failover(began, group)
            told = "writes at %s after %.0f ms" % (", ".join(group), first)
        else:
            told = "no quorum hears itself"
        self.some_time(0.3, 4)
        if not self.can_agree(set(ways)):
            self.nothing_answered(since, time.monotonic())
        if self.rng.random() < 0.5:
            for a, b in {tuple(sorted(way)) for way in ways}:
                self.ground.reset(a, b)
        self.ground.clear()
        return "%s: %s" % (name, told)

    def nothing_answered(self, since, until):
        """What began when no quorum could be had cannot have been agreed."""
        for is_begin, op in list(self.history.log) + list(self.serial.log):
            if not is_begin and op.outcome == OK and op.begin >= since and op.end <= until:
                raise Failure("without a quorum %r was answered" % op)

    def round_weather(self):
        ways = self.ground.everybody()
        where = "everywhere"
        delay = self.rng.choice([2, 20, 60])
        if self.rng.random() < 0.5:
            victim = self.some_member()
            place = self.trial.names.index(victim)
            ways = [way for way in ways if place in way]
            where = "around " + victim
            delay = self.rng.choice([20, 100, 300])
        jitter = self.rng.choice([delay, 2 * delay])
        loss = self.rng.choice([5, 20, 50])
        rate = self.rng.choice([0, 0, 250000, 2000000])
        began = time.monotonic()
        self.ground.weather(ways, delay * 1000, jitter * 1000, loss, rate)
        first, _ = self.failover(began)
        self.some_time(1, 4)
        self.ground.clear()
        return "%d to %d ms, %.1f %% lost, %s kB/s %s: write after %.0f ms" % (
            delay, delay + jitter, loss / 10, rate // 1000 or "any", where, first)

    def round_reset(self):
        began = time.monotonic()
        count = self.rng.randrange(5, 20)
        for _ in range(count):
            self.ground.reset(*self.rng.sample(range(self.ground.count), 2))
            self.some_time(0, 0.15)
        first, _ = self.failover(began)
        return "%d links reset, writes after %.0f ms" % (count, first)

    # --- disk ---

    def round_full_disk(self):
        victim = self.trial.names[-1]
        others = self.trial.names[:-1]
        process = self.trial.processes[victim]
        process.is_killed = True
        end = time.monotonic() + 30
        # It may give back what it has no use for any more.
        while not process.has_ended(0.05) and time.monotonic() < end:
            self.ground.fill(self.trial.folder(victim))
        # Where SQLite does not say why, the node cannot.
        self.trial.ends(victim, 3, "No space left on device|disk I/O error", 1)
        first, _ = self.failover(time.monotonic(), others)
        self.some_operations(self.rng.randrange(20, 300))
        self.ground.drain(self.trial.folder(victim))
        self.trial.up()
        return "%s had no space, writes after %.0f ms" % (victim, first)

    def round_bad_sync(self):
        victim = self.some_member()
        others = [name for name in self.trial.names if name != victim]
        seam = self.ground.seams[self.trial.names.index(victim)]
        self.trial.processes[victim].is_killed = True
        seam.set("sync_errors", 1)
        self.trial.ends(victim, 3, "Input/output error", 30)
        first, _ = self.failover(time.monotonic(), others)
        self.restart()
        return "a sync of %s failed, writes after %.0f ms" % (victim, first)

    def round_slow_disk(self):
        count = self.rng.choice([1, self.trial.faults, len(self.trial.names)])
        victims = self.rng.sample(self.trial.names, count)
        delay = self.rng.choice([20, 100, 300])
        began = time.monotonic()
        for name in victims:
            self.ground.seams[self.trial.names.index(name)].set("sync_delay_us", delay * 1000)
        first, _ = self.failover(began)
        self.some_time(1, 3)
        for seam in self.ground.seams:
            seam.set("sync_delay_us", 0)
        return "syncs of %s take %d ms more, write after %.0f ms" % (", ".join(victims), delay, first)

    def round_rough(self):
        count = self.rng.choice([1, self.trial.faults, len(self.trial.names)])
        victims = self.rng.sample(self.trial.names, count)
        of_65536 = self.rng.choice([64, 1024, 8192])
        began = time.monotonic()
        self.roughen(victims, rough_seed=self.rng.randrange(1 << 62), rough=of_65536, no_descriptor=8 * of_65536)
        first, _ = self.failover(began)
        # Links that are dialled anew need descriptors.
        for _ in range(self.rng.randrange(8)):
            self.ground.reset(*self.rng.sample(range(self.ground.count), 2))
            self.some_time(0, 0.4)
        # Without one to listen with a node does not start, and says so.
        self.roughen(victims, no_descriptor=0)
        again = self.rng.choice(victims)
        self.kill([again])
        self.restart()
        self.trial.until("%s has started" % again, 60, lambda: self.trial.ask(again, "/v1/status"))
        self.roughen(victims, rough=0)
        for name in victims:
            self.trial.log_is_whole(name)
        return "%.1f %% of the calls of %s, write after %.0f ms, %s started anew" % (
            of_65536 / 655.36, ", ".join(victims), first, again)

    def roughen(self, names, **words):
        for name in names:
            for word, value in words.items():
                self.ground.seams[self.trial.names.index(name)].set(word, value)

    # --- clock ---

    def round_clock(self):
        victim = self.some_member()
        primary, view = self.trial.primary()
        others = [name for name in self.trial.names if name != victim]
        step = self.rng.choice(STEPS)
        seam = self.ground.seams[self.trial.names.index(victim)]
        began = time.monotonic()
        seam.set("wall_offset_us", step * 1000000)
        first, _ = self.failover(began, others)
        self.some_time(0.5, 2)
        # One that is behind proposes the time that was agreed last, for so
        # long as that is near enough.
        if victim == primary and step > SKEW_SECONDS and self.trial.primary()[1] == view:
            raise Failure("the clock of the primary %s is %d s ahead, and the view is the same" % (victim, step))
        seam.set("wall_offset_us", 0)
        return "that of %s %+d s for a while, writes after %.0f ms" % (victim, step, first)

    # --- configuration ---

    def round_config(self):
        chosen = random.Random(self.rng.random())
        key = chosen.choice(sorted(SETTINGS))
        before = self.trial.settings[self.trial.names[0]].get(key)
        value = chosen.choice([value for value in SETTINGS[key] if value != before])
        for name in chosen.sample(self.trial.names, len(self.trial.names)):
            self.trial.stop([name])
            self.trial.configure(name, **{key: value})
            self.trial.up()
            self.trial.until_ready()
            self.is_set(name, key.replace("__", "."), value)
        return "%s: %s, one node after another" % (key.replace("__", "."), value)

    def is_set(self, name, key, value):
        shown = {row["key"]: row["value"] for row in self.trial.ask(name, "/v1/config")["settings"]}
        if shown[key] != value:
            raise Failure("%s of %s is %s, not %s" % (key, name, shown[key], value))

    # --- version ---

    def round_version(self):
        """To the other version all of them, or some and these back again."""
        changed = self.rng.sample(self.trial.names, self.rng.randrange(1, len(self.trial.names) + 1))
        path = changed if len(changed) == len(self.trial.names) else changed + changed[::-1]
        for name in path:
            self.trial.stop([name])
            before = self.trial.runs.get(name, self.trial.aegis)
            self.trial.runs[name] = self.trial.aegis if before == self.trial.next else self.trial.next
            self.trial.up()
            self.trial.until_ready()
            self.versions_are_told()
        return "%s by another version%s" % (", ".join(changed), "" if path == changed else ", and back")

    def versions_are_told(self):
        """Each says of all members what they say of themselves."""
        own = {name: self.trial.ask(name, "/v1/status") for name in self.trial.names}
        if None in own.values():
            raise Failure("no status of a node that is ready")
        versions = {name: status["version"] for name, status in own.items()}
        if len(set(versions.values())) != len({self.trial.runs.get(name, self.trial.aegis) for name in versions}):
            raise Failure("versions are %s" % versions)
        for name, status in own.items():
            told = {member["name"]: member["version"] for member in status["members"]}
            if told != versions:
                raise Failure("%s says that versions are %s, and they are %s" % (name, told, versions))
