"""Clients that change several keys at once, and what their changes keep true.

Bank   Transfers between accounts: every read of all accounts has the same
       sum.
Lists  An item goes to the ends of two lists, or of one: what was read of a
       list once is the beginning of all that is read later, and each item
       that was acknowledged is in its lists once, for good.

What a client changes rests on the versions it has read, so that of two that
change a key at the same time one comes too late.  serial.py judges all of it;
the sums and lists here say the same in words of their own, and would find a
mistake of that judge.
"""
import json
import random
import threading

from linear import FAILED, OK, UNKNOWN, Violation
from load import TIMEOUT_MS, Caller, encode
from serial import Txn
from trial import Lost, NotSent

ACCOUNTS = 5
BALANCE = 100
LISTS = 3
ITEMS_MAX = 60


def balance(value):
    return int(value.split(" ")[0])


def items(value):
    return value.split(",")


class Teller(Caller):
    """Reads all keys of a prefix, and changes some."""

    def __init__(self, trial, history, name, node, clock):
        super().__init__(trial, history, name, node)
        self.clock = clock

    def stamp(self):
        return "%s.%d" % (self.name, next(self.numbers))

    def do(self, txn, method, target, body=b""):
        """False: ask elsewhere."""
        txn.begin = self.clock()
        self.history.begins(txn)
        try:
            outcome = self.outcome(txn, *self.link.ask(method, target, body, TIMEOUT_MS))
        except NotSent:
            outcome = FAILED
        except Lost:
            outcome = UNKNOWN
        txn.end = self.clock()
        self.history.ends(txn, outcome)
        return outcome == OK

    def outcome(self, txn, status, _headers, body):
        answer = json.loads(body)
        if status == 200 and txn.prefix is not None:
            txn.got = {entry["key"]: (entry["value"], int(entry["version"]), int(entry["modified"]))
                       for entry in answer["entries"]}
            txn.seq = int(answer["seq"])
            return OK
        if status == 200:
            txn.done, txn.seq = answer["succeeded"], int(answer["seq"])
            return OK
        if status in (429, 503):
            return FAILED
        if status == 504:
            return UNKNOWN if txn.prefix is not None else self.find_out(txn, answer.get("request"))
        self.surprises.append("%r was answered %d %s" % (txn, status, body.decode("utf-8", "replace")))
        return UNKNOWN

    def find_out(self, txn, request):
        answer = self.trial.ask(self.node, "/v1/requests?id=" + request) if request else None
        if answer is None or answer["code"] not in ("DONE", "ELSE"):
            return UNKNOWN
        txn.done, txn.seq = answer["code"] == "DONE", int(answer["seq"])
        return OK

    def read(self, prefix):
        """{key: (value, version, number)}, or None."""
        txn = Txn(self.name, prefix=prefix)
        return txn.got if self.do(txn, "GET", "/v1/kv?limit=100&prefix=" + encode(prefix)) else None

    def change(self, seen, puts):
        """Put these if their keys are still as they were seen."""
        compares = {key: seen.get(key, (None, 0))[1] for key in puts}
        body = {"compare": [{"key": key, "version": str(version)} for key, version in compares.items()],
                "then": [{"put": key, "value": value} for key, value in puts.items()]}
        return self.do(Txn(self.name, compares, puts), "POST", "/v1/kv/txn", json.dumps(body).encode())


class Bank:
    def __init__(self):
        self.age = 0

    def turn(self, teller, rng):
        prefix = "bank/%d/" % self.age
        seen = teller.read(prefix)
        if seen is None:
            return False
        if not seen:
            return teller.change(seen, {"%s%d" % (prefix, i): "%d %s" % (BALANCE, teller.stamp())
                                        for i in range(ACCOUNTS)})
        giver, taker = rng.sample(sorted(seen), 2)
        amount = rng.randrange(1 + max(0, balance(seen[giver][0])))
        return teller.change(seen, {key: "%d %s" % (balance(seen[key][0]) + change, teller.stamp())
                                    for key, change in ((giver, -amount), (taker, amount))})

    @staticmethod
    def judge(history):
        for is_begin, txn in history.log:
            if is_begin or not txn.got or not txn.prefix.startswith("bank/"):
                continue
            sums = {}
            for key, (value, _, _) in txn.got.items():
                age = key.split("/")[1]
                sums[age] = sums.get(age, 0) + balance(value)
            if set(sums.values()) != {ACCOUNTS * BALANCE}:
                raise Violation("accounts have %s in sum, not %d:\n  %r" % (sums, ACCOUNTS * BALANCE, txn))


class Lists:
    def __init__(self):
        self.age = 0

    def turn(self, teller, rng):
        age = self.age
        prefix = "list/%d/" % age
        seen = teller.read(prefix)
        if seen is None:
            return False
        if any(len(items(entry[0])) > ITEMS_MAX for entry in seen.values()):
            self.age = age + 1
        item = teller.stamp()
        keys = rng.sample(["%s%d" % (prefix, i) for i in range(LISTS)], rng.choice([1, 2]))
        return teller.change(seen, {key: ",".join(items(seen[key][0]) + [item]) if key in seen else item
                                    for key in keys})

    @staticmethod
    def judge(history):
        last = {}
        reads = sorted((txn for is_begin, txn in history.log
                        if not is_begin and txn.got and txn.prefix.startswith("list/")), key=lambda txn: txn.seq)
        for txn in reads:
            for key, (value, _, _) in txn.got.items():
                before, now = last.get(key, []), items(value)
                if now[:len(before)] != before:
                    raise Violation("%s was %s and is no longer:\n  %r" % (key, ",".join(before), txn))
                last[key] = now
        for is_begin, txn in history.log:
            if is_begin or not txn.done or not txn.puts:
                continue
            for key, value in txn.puts.items():
                if key.startswith("list/") and last.get(key, []).count(items(value)[-1]) != 1:
                    raise Violation("%s is not in the list once:\n  %r\nat the end %s" % (
                        items(value)[-1], txn, last.get(key)))


class Transfers:
    """Threads of tellers, some for each kind of work."""

    def __init__(self, trial, history, seed, clock):
        self.trial = trial
        self.history = history
        self.works = [Bank(), Lists()]
        self.stopping = threading.Event()
        self.failures = []
        self.tellers = []
        self.threads = []
        for i, work in enumerate(self.works * 2):
            teller = Teller(trial, history, "t%d" % i, trial.names[i % len(trial.names)], clock)
            rng = random.Random("%s/teller/%d" % (seed, i))
            self.tellers.append(teller)
            self.threads.append(threading.Thread(target=self.run, args=(work, teller, rng), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def new_age(self):
        """New accounts and lists, which what is unknown of old ones does not
        burden."""
        for work in self.works:
            work.age += 1

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            if thread.ident is not None:
                thread.join(60)
                if thread.is_alive():
                    self.failures.append("a teller is still waiting for its answer after 60 s")

    def run(self, work, teller, rng):
        try:
            while not self.stopping.is_set():
                if not work.turn(teller, rng):
                    teller.move(rng.choice(self.trial.names))
                    # All nodes may be dead: their return makes no event here.
                    self.stopping.wait(0.02)
        except Exception as error:  # the driver's own fault; told, not lost
            self.failures.append("%s: %r" % (teller.name, error))
            raise

    def surprises(self):
        return self.failures + [text for teller in self.tellers for text in teller.surprises]

    def judge(self, entries):
        """entries: all keys, as they are at the end."""
        for prefix in ("bank/", "list/"):
            txn = Txn("final", prefix=prefix)
            self.history.begins(txn)
            txn.got = {key: entry for key, entry in entries.items() if key.startswith(prefix)}
            txn.seq = 1 << 62
            self.history.ends(txn, OK)
        self.history.judge()
        for work in self.works:
            work.judge(self.history)
