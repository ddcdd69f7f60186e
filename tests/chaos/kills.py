"""Rounds in which nodes die or sleep.

primary   the primary dies: how long until a write that was begun after that
          is acknowledged?
one       any node dies
faults    f nodes die at once
all       all nodes die, with all keys of the campaign: how long from the
          start of the nodes until the cluster has answered a linearizable
          read and acknowledged a write?
again     one, f or all die, and die again while they recover
pause     the primary is stopped with SIGSTOP, replaced, and continued with
          requests in its hands

Some of those that are killed find a torn record at the end of their log, as a
crash of the machine would leave it.  (What is in the page cache survives
signal 9: lost writes are the business of the simulator and of tests/fault.)
"""
import signal
import time

from load import Client
from trial import Failure


class Kills:
    def kill(self, names):
        began = self.trial.kill(names)
        for name in names:
            if self.rng.random() < 0.3:
                self.trial.tear(name, self.rng)
        return began

    def restart(self):
        self.some_operations(self.rng.randrange(20, 300))
        self.trial.up()

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
        self.trial.up()
        # Not a wait for anything: where in its recovery it is hit.
        time.sleep(self.rng.random() * 0.3)
        again = victims
        if count == len(self.trial.names):
            again = self.rng.sample(self.trial.names, self.rng.randrange(1, count + 1))
        self.kill(again)
        self.restart()
        return "%s killed, %s again" % (", ".join(victims), ", ".join(again))

    def round_pause(self):
        primary, _ = self.trial.primary()
        others = [name for name in self.trial.names if name != primary]
        began = time.monotonic()
        self.trial.signal(primary, signal.SIGSTOP)
        first, _ = self.failover(began, others)
        self.some_operations(self.rng.randrange(300))
        # While it slept the others have gone on: it must not answer from
        # what it knows.
        witness = Client(self.trial, self.history, "witness", self.rng.choice(others))
        key = "witness/%d" % self.round
        self.insist(witness, "put", key)
        self.trial.signal(primary, signal.SIGCONT)
        witness.move(primary)
        self.insist(witness, "get", key)
        witness.link.close()
        return "%s stopped, writes after %.0f ms" % (primary, first)
