"""Clients that write down all they do.

RULES  1. What was answered decides: 200 and what it says; 412 and 404, which
          are answers too; 429 and 503, nothing happened; 504, unknown.  An
          answer that is none of these fails the run.
       2. A request that could not be handed over has not happened.  One whose
          connection was cut may have.
       3. An unknown write is asked for by its id: when a node knows what
          became of it, it has ended at that time.
       4. Values are written once.
"""
import base64
import itertools
import json
import random
import threading

from linear import FAILED, OK, UNKNOWN, Op
from trial import Lost, NotSent

KEYS = 6
VALUE_BYTES = 64
TIMEOUT_MS = 5000


def encode(key):
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


class Caller:
    """One that waits for each answer.  node: the one it talks to."""

    numbers = itertools.count(1)

    def __init__(self, trial, history, name, node):
        self.trial = trial
        self.history = history
        self.name = name
        self.node = node
        self.link = trial.link(node)
        self.surprises = []

    def move(self, node):
        self.link.close()
        self.node = node
        self.link = self.trial.link(node)


class Client(Caller):
    """Of single keys."""

    def value(self):
        """Of about VALUE_BYTES, like no other."""
        return ("%s.%d." % (self.name, next(self.numbers))).ljust(VALUE_BYTES, ".")

    def do(self, kind, key, timeout_ms=TIMEOUT_MS, clock=None, **more):
        """Do it and write it down.  False: nobody listens at the node."""
        value = self.value() if kind in ("put", "cas") else None
        op = Op(next(self.numbers), kind, key, value, client=self.name, node=self.node, **more)
        op.begin = clock() if clock else None
        self.history.begins(op)
        is_there = True
        try:
            outcome = self.outcome(op, *self.link.ask(*self.request(op), timeout_ms=timeout_ms))
        except NotSent:
            outcome = FAILED
            is_there = False
        except Lost as error:
            outcome = UNKNOWN
            op.note = str(error)
        op.end = clock() if clock else None
        self.history.ends(op, outcome)
        self.last = op
        return is_there

    @classmethod
    def final(cls, key):
        """A read that is answered elsewhere."""
        return Op(next(cls.numbers), "get", key, client="final")

    @staticmethod
    def request(op):
        if op.kind == "get":
            return "GET", "/v1/kv?key=" + encode(op.key)
        if op.kind == "delete":
            return "DELETE", "/v1/kv?key=" + encode(op.key)
        if op.kind == "put":
            condition = "" if op.if_version is None else "&if_version=%d" % op.if_version
            return "PUT", "/v1/kv?key=" + encode(op.key) + condition, op.value.encode()
        compare = {"key": op.key, "exists": False} if op.expect is None else {"key": op.key, "value": op.expect}
        return "POST", "/v1/kv/txn", json.dumps({"compare": [compare], "then": [
            {"put": op.key, "value": op.value}]}).encode()

    def outcome(self, op, status, headers, body):
        answer = json.loads(body)
        if op.kind == "get" and status in (200, 404):
            return self.read(op, headers, answer if status == 200 else None)
        if status == 200:
            return self.done(op, answer, answer.get("succeeded", True))
        if (status == 412 and op.kind == "put") or (status == 404 and op.kind == "delete"):
            op.done = False
            return OK
        if status in (429, 503):
            op.note = answer.get("detail")
            return FAILED
        if status == 504:
            op.note = answer.get("request")
            return self.find_out(op) if op.kind != "get" else UNKNOWN
        self.surprises.append("%r was answered %d %s" % (op, status, body.decode("utf-8", "replace")))
        return UNKNOWN

    @staticmethod
    def read(op, headers, answer):
        op.done = True
        op.seq = int(headers["aegis-seq"])
        if answer is not None:
            op.got = answer["value"]
            op.version = int(answer["version"])
            op.modified = int(answer["modified"])
        return OK

    @staticmethod
    def done(op, answer, done):
        op.done = done
        op.seq = int(answer["seq"])
        if op.kind != "cas" and done:
            op.previous = int(answer["previous_version"])
            if op.kind == "put":
                op.version = int(answer["version"])
        return OK

    def find_out(self, op):
        answer = self.trial.ask(self.node, "/v1/requests?id=" + op.note) if op.note else None
        code = answer["code"] if answer else None
        if code in ("DONE", "CONFLICT", "NOT_FOUND", "ELSE"):
            return self.done(op, answer, code == "DONE")
        return UNKNOWN


class Load:
    """Threads of clients over all nodes, on keys they share and on keys of
    their own.  The shared ones change with each age, so that what is unknown
    of one age does not burden the next."""

    def __init__(self, trial, history, seed, clients, clock):
        self.trial = trial
        self.history = history
        self.clock = clock
        self.age = 0
        self.stopping = threading.Event()
        self.failures = []
        self.clients = []
        self.turners = []
        self.threads = []
        for i in range(clients):
            client = Client(trial, history, "c%d" % i, trial.names[i % len(trial.names)])
            rng = random.Random("%s/client/%d" % (seed, i))
            self.clients.append(client)
            self.turners.append((client, rng))

    def start(self):
        """Also again, after a stop."""
        self.stopping.clear()
        self.threads = [threading.Thread(target=self.run, args=turner, daemon=True) for turner in self.turners]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            if thread.ident is not None:
                thread.join(60)
                if thread.is_alive():
                    self.failures.append("a client is still waiting for its answer after 60 s")

    def run(self, client, rng):
        try:
            self.turns(client, rng)
        except Exception as error:  # the driver's own fault; told, not lost
            self.failures.append("%s: %r" % (client.name, error))
            raise

    def turns(self, client, rng):
        known = {}
        refused = 0
        while not self.stopping.is_set():
            is_there = self.turn(client, rng, known)
            if is_there and client.last.outcome != FAILED:
                refused = 0
                continue
            refused += 1
            client.move(rng.choice(self.trial.names))
            # All nodes may be dead: their return makes no event here.
            if refused > 1:
                self.stopping.wait(0.02)

    def turn(self, client, rng, known):
        dice = rng.random()
        if dice < 0.1:
            return client.do("put", "own/%s/%d" % (client.name, next(Client.numbers)), clock=self.clock)
        if dice < 0.15:
            return client.do("get", self.key(rng.randrange(self.age + 1), rng), clock=self.clock)
        key = self.key(self.age, rng)
        value, version = known.get(key, (None, 0))
        if dice < 0.55:
            is_there = client.do("get", key, clock=self.clock)
        elif dice < 0.75:
            is_there = client.do("put", key, clock=self.clock)
        elif dice < 0.83:
            is_there = client.do("put", key, if_version=version, clock=self.clock)
        elif dice < 0.93:
            is_there = client.do("cas", key, expect=value, clock=self.clock)
        else:
            is_there = client.do("delete", key, clock=self.clock)
        self.learn(known, client.last)
        return is_there

    @staticmethod
    def key(age, rng):
        return "age%d/%d" % (age, rng.randrange(KEYS))

    @staticmethod
    def learn(known, op):
        if op.outcome != OK or not op.done:
            return
        if op.kind == "get":
            known[op.key] = (op.got, op.version or 0)
        elif op.kind == "put":
            known[op.key] = (op.value, op.version)
        elif op.kind == "delete":
            known[op.key] = (None, 0)
