"""Is this history what one copy of the store could have answered?

Operations on keys, with their beginnings, ends and answers, go in in the
order in which they began and ended.  Two judges look at each of them, and
the first to find something impossible raises Violation.

Registers   A key alone is a register with a version.  It is linearizable
            when each operation can be given one moment between its beginning
            and its end such that, taken in that order, every answer is right
            (Wing & Gong 1993).  The search is Lowe's (2017): all states that
            explain what has ended so far are kept; when an operation ends,
            those in which its moment has not come yet are led on by moments
            of what is under way until it has.  Versions that were answered
            are compared with those the register counts; they order nothing.
Order       The sequence numbers that were answered, over all keys: nothing
            that began after another's end may have a smaller one, and what
            is read carries the number of the write it came from.

RULES  1. An operation that was answered "nothing happened" must have had no
          effect, ever: it is not among those that explain anything.
       2. One whose outcome is unknown may take effect at any time after it
          began, or never.
       3. Values are written once: a value names its write.
       4. When there are too many explanations the history is not judged, and
          that is a failure too.
"""

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
CONFIGURATIONS_MAX = 200000


class Violation(Exception):
    """The history cannot be explained."""


class Op:
    """One operation of a client.

    kind     get, put (with if_version, or None), cas (put if the value is
             expect; None: if absent), delete
    done     what was answered: it took effect; or it did not, because its
             comparison failed or there was nothing to delete
    got      a get's value; None: absent
    version  after a put, or of what was read; previous: before a write
    """
    __slots__ = ("id", "client", "node", "kind", "key", "value", "if_version", "expect", "begin", "end",
                 "outcome", "done", "got", "version", "previous", "seq", "modified", "note", "floor")

    def __init__(self, number, kind, key, value=None, if_version=None, expect=None, client="", node=""):
        self.id = number
        self.kind = kind
        self.key = key
        self.value = value
        self.if_version = if_version
        self.expect = expect
        self.client = client
        self.node = node
        self.begin = self.end = None
        self.outcome = None
        self.done = None
        self.got = self.version = self.previous = self.seq = self.modified = None
        self.note = None
        self.floor = 0

    def fields(self):
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}

    def __repr__(self):
        return " ".join("%s=%s" % item for item in self.fields().items())


def step(op, value, version):
    """The register after op, or None when op's answer is wrong for it."""
    if op.kind == "get":
        if op.got != value or (value is not None and op.version is not None and op.version != version):
            return None
        return value, version
    if op.kind == "put":
        holds = op.if_version is None or op.if_version == version
    elif op.kind == "cas":
        holds = value == op.expect
    else:
        holds = value is not None
    if op.outcome == OK and not op.done:
        return None if holds else (value, version)
    if not holds or (op.previous is not None and op.previous != version):
        return None
    if op.kind == "delete":
        return None, 0
    if op.version is not None and op.version != version + 1:
        return None
    return op.value, version + 1


def changes_nothing(op):
    return op.kind == "get" or (op.outcome == OK and not op.done)


class Register:
    """All states of one key that explain its history so far."""
    step = staticmethod(step)
    changes_nothing = staticmethod(changes_nothing)

    def __init__(self, key):
        self.key = key
        self.pending = {}
        # (value, version, those under way whose moment has passed)
        self.states = {(None, 0, frozenset())}
        self.recent = []

    def begins(self, op):
        self.recent = self.recent[-40:] + [("begins", op)]
        self.pending[op.id] = op
        if self.changes_nothing(op):
            self.states = {self.settle(state) for state in self.states}

    def settle(self, state):
        """Give moments to what fits this state and does not change it:
        waiting longer could only make it harder."""
        value, version, passed = state
        fits = [op.id for op in self.pending.values()
                if op.id not in passed and self.changes_nothing(op) and self.step(op, value, version)]
        return (value, version, passed.union(fits)) if fits else state

    def lead(self, state, goal, found):
        """From state on, give moments to writes until goal has had its."""
        seen = {state}
        stack = [state]
        while stack:
            value, version, passed = stack.pop()
            for op in self.pending.values():
                if op.id in passed:
                    continue
                after = self.step(op, value, version)
                if after is None:
                    continue
                state = self.settle((after[0], after[1], passed | {op.id}))
                if goal in state[2]:
                    found.add((state[0], state[1], state[2] - {goal}))
                elif state not in seen:
                    seen.add(state)
                    stack.append(state)
                    if len(seen) > CONFIGURATIONS_MAX:
                        raise Violation("key %s: too many explanations to judge" % self.key)

    def ends(self, op):
        self.recent = self.recent[-40:] + [("ends", op)]
        found = set()
        for state in self.states:
            if op.id in state[2]:
                found.add((state[0], state[1], state[2] - {op.id}))
            else:
                self.lead(state, op.id, found)
        if not found:
            raise Violation("key %s: no order explains\n  %r\nit could have been %s; before it:\n%s" % (
                self.key, op, sorted({(state[0], state[1]) for state in self.states}, key=repr)[:8],
                "\n".join("  %s %r" % pair for pair in self.recent)))
        if len(found) > CONFIGURATIONS_MAX:
            raise Violation("key %s: too many explanations to judge" % self.key)
        del self.pending[op.id]
        self.states = found


class Order:
    """Sequence numbers against real time, and reads against writes."""

    def __init__(self):
        self.high = 0
        self.writes = {}

    def begins(self, op):
        op.floor = self.high
        if op.value is not None:
            self.writes[op.value] = op

    def ends(self, op):
        if op.kind == "get" and op.got is not None:
            self.judge_read(op)
        if op.seq is None:
            return
        # A write has a number of its own, a read that of a state.
        if op.seq < op.floor or (op.kind != "get" and op.seq == op.floor):
            raise Violation("sequence %d after %d had been answered:\n  %r" % (op.seq, op.floor, op))
        self.high = max(self.high, op.seq)

    def judge_read(self, op):
        write = self.writes.get(op.got)
        if write is None or write.key != op.key:
            raise Violation("a value that nobody wrote there:\n  %r" % op)
        if write.outcome == FAILED or write.done is False:
            raise Violation("a write of which nothing had happened was read:\n  %r\n  %r" % (write, op))
        if write.outcome == OK and None not in (write.seq, op.modified) and write.seq != op.modified:
            raise Violation("a read has sequence %d for a write of another:\n  %r\n  %r" % (
                op.modified, write, op))


class History:
    """What clients did, and the judges' verdict on the part that is settled.

    begins() and ends() may be called from any thread; judge() from one.
    """
    register = Register

    def __init__(self):
        self.log = []
        self.at = 0
        self.order = Order()
        self.registers = {}

    def begins(self, op):
        self.log.append((True, op))

    def ends(self, op, outcome):
        op.outcome = outcome
        self.log.append((False, op))

    def judge(self):
        """Judge up to the first operation that has not ended yet."""
        while self.at < len(self.log) and self.log[self.at][1].outcome is not None:
            is_begin, op = self.log[self.at]
            self.at += 1
            if is_begin:
                self.order.begins(op)
            elif op.outcome == OK:
                self.order.ends(op)
            if op.outcome == FAILED or (op.outcome == UNKNOWN and op.kind == "get"):
                continue
            register = self.registers.get(op.key)
            if register is None:
                register = self.registers[op.key] = self.register(op.key)
            if is_begin:
                register.begins(op)
            elif op.outcome == OK:
                register.ends(op)
        return self.at == len(self.log)
