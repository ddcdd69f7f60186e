"""Is there one order that explains transactions over several keys?

Every answer names the sequence number at which it is true: the place in the
order all members agree on.  So the order need not be searched for, as that
of single keys is (linear.py); it has been claimed, and is checked.  A history
that passes is strictly serializable: carried out alone, one after another, in
an order that no client can tell from real time, transactions give exactly
these answers.

Transactions compare the version of each key they write.  Those that took
effect at one sequence number (one batch) therefore have but one order too:
each makes the versions that the next one of its keys demands.

RULES  1. Numbers follow real time: nothing that began after another's end has
          a smaller one, and a change has one of its own.
       2. A read is of one prefix, all of it, at one number: it sees what all
          changes up to there have left, each value with the version and the
          number of the change it came from, and nothing else.
       3. A transaction that was refused, or whose comparison failed, has
          changed nothing.
       4. One whose outcome is unknown has happened if somebody has read a
          value of it, at the number that was read with it.  Nobody can have
          written over it without having read it.
"""
from linear import FAILED, OK, Violation


class Txn:
    """A transaction, or a read of a prefix.

    compares  {key: version}, which has each key of puts
    puts      {key: value}; a key's values are all different
    prefix    of a read, and got: {key: (value, version, number)}
    done      the comparisons held; None: unknown
    """
    __slots__ = ("client", "compares", "puts", "prefix", "got", "done", "seq", "outcome", "floor", "begin", "end")

    def __init__(self, client, compares=None, puts=None, prefix=None):
        self.client = client
        self.compares = compares
        self.puts = puts
        self.prefix = prefix
        self.got = self.done = self.seq = self.outcome = self.begin = self.end = None
        self.floor = 0

    def fields(self):
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}

    def __repr__(self):
        return " ".join("%s=%s" % item for item in self.fields().items())


class SerialHistory:
    """begins() and ends() may be called from any thread; judge() after all
    of them."""

    def __init__(self):
        self.log = []
        self.writers = {}
        self.state = {}

    def begins(self, txn):
        self.log.append((True, txn))

    def ends(self, txn, outcome):
        txn.outcome = outcome
        self.log.append((False, txn))

    def judge(self):
        self.judge_time()
        self.find_writers()
        self.find_unknown()
        self.state = {}
        changes, reads = {}, {}
        for is_begin, txn in self.log:
            if not is_begin and txn.seq is not None:
                (changes if txn.prefix is None else reads).setdefault(txn.seq, []).append(txn)
        for seq in sorted(set(changes) | set(reads)):
            self.change(seq, changes.get(seq, []))
            for txn in reads.get(seq, []):
                self.judge_read(txn)

    def judge_time(self):
        high = 0
        for is_begin, txn in self.log:
            if is_begin:
                txn.floor = high
            elif txn.outcome == OK:
                if txn.seq < txn.floor or (txn.prefix is None and txn.seq == txn.floor):
                    raise Violation("sequence %d after %d had been answered:\n  %r" % (txn.seq, txn.floor, txn))
                high = max(high, txn.seq)

    def find_writers(self):
        for is_begin, txn in self.log:
            for key, value in (txn.puts or {}).items() if is_begin else ():
                if (key, value) in self.writers or key not in txn.compares:
                    raise AssertionError("%r cannot be judged" % txn)
                self.writers[key, value] = txn

    def find_unknown(self):
        for is_begin, read in self.log:
            if is_begin or not read.got:
                continue
            for key, (value, _, seq) in read.got.items():
                txn = self.writers.get((key, value))
                if txn is None:
                    raise Violation("%s has a value that nobody wrote:\n  %r" % (key, read))
                if txn.outcome == FAILED or txn.done is False:
                    raise Violation("%s was read of what changed nothing:\n  %r\n  %r" % (key, txn, read))
                if txn.seq is None:
                    txn.seq, txn.done = seq, True
                if txn.seq != seq:
                    raise Violation("%s was read with another's number:\n  %r\n  %r" % (key, txn, read))

    def version(self, key):
        return self.state.get(key, (None, 0, 0))[1]

    def holds(self, txn):
        return all(self.version(key) == version for key, version in txn.compares.items())

    def change(self, seq, txns):
        """All of one number, in the order their versions leave."""
        left = [txn for txn in txns if txn.done]
        while left:
            txn = next((txn for txn in left if self.holds(txn)), None)
            if txn is None:
                raise Violation("comparisons did not hold at %d and yet:\n%s\nof versions %s" % (
                    seq, "\n".join("  %r" % txn for txn in left),
                    {key: self.version(key) for txn in left for key in txn.compares}))
            left.remove(txn)
            for key, value in txn.puts.items():
                self.state[key] = (value, self.version(key) + 1, seq)
        # Versions rise: what holds when all is done has held all the time.
        for txn in txns:
            if not txn.done and self.holds(txn):
                raise Violation("comparisons held, and yet they failed:\n  %r" % txn)

    def judge_read(self, txn):
        right = {key: entry for key, entry in self.state.items() if key.startswith(txn.prefix)}
        if txn.got != right:
            raise Violation("read at %d:\n  %r\nbut up to there changes have left\n  %r" % (txn.seq, txn, right))
