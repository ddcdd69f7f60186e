"""What was demanded of one program so far, over many runs.

FORMAT  A line of JSON for each campaign that has ended:
        {"seed", "campaign", "rounds": {kind: count}, "acknowledged", "reads",
         "histories", "seconds", "failure": what was wrong, or null}
        The file is named after the program's bytes: another program begins
        another ledger.

A campaign that was cut short is in no ledger: what was written in it was not
judged.  One that failed is, for good.
"""
import hashlib
import json
import os
import time

HISTORIES = 2  # of a campaign that ended well: of keys, of transactions


class Ledger:
    def __init__(self, folder, program):
        os.makedirs(folder, exist_ok=True)
        with open(program, "rb") as file:
            name = hashlib.sha256(file.read()).hexdigest()[:16]
        self.path = os.path.join(folder, name)
        self.before = None
        self.began = 0.0

    @staticmethod
    def tally(figures):
        return {"rounds": dict(figures.rounds), "acknowledged": figures.acknowledged, "reads": figures.reads}

    def begin(self, figures):
        """A campaign begins, which adds to the figures."""
        self.before = self.tally(figures)
        self.began = time.monotonic()

    def end(self, seed, campaign, figures, failure=None):
        line = self.tally(figures)
        before = self.before
        line["rounds"] = {kind: count - before["rounds"].get(kind, 0) for kind, count in line["rounds"].items()
                          if count > before["rounds"].get(kind, 0)}
        for word in ("acknowledged", "reads"):
            line[word] -= before[word]
        line.update(seed=seed, campaign=campaign, histories=0 if failure else HISTORIES,
                    seconds=round(time.monotonic() - self.began), failure=failure)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, sort_keys=True) + "\n")

    def lines(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def totals(self):
        """One line of all of them."""
        lines = self.lines()
        rounds = {}
        for line in lines:
            for kind, count in line["rounds"].items():
                rounds[kind] = rounds.get(kind, 0) + count
        return {"rounds": rounds, "campaigns": len(lines),
                "failures": [line for line in lines if line["failure"]],
                **{word: sum(line[word] for line in lines)
                   for word in ("acknowledged", "reads", "histories", "seconds")}}

    def tell(self):
        sums = self.totals()
        told = ["in all, of this program (%s): %d faults over %d acknowledged writes and %d reads, %d campaigns, %.1f h"
                % (self.path, sum(sums["rounds"].values()), sums["acknowledged"], sums["reads"], sums["campaigns"],
                   sums["seconds"] / 3600),
                "  " + ", ".join("%d %s" % (count, kind) for kind, count in sorted(sums["rounds"].items()))]
        if sums["failures"]:
            told += ["  FAILED: --seed %d --campaign %d: %s" % (line["seed"], line["campaign"], line["failure"])
                     for line in sums["failures"]]
        else:
            told.append("  none lost, %d histories linearizable" % sums["histories"])
        return "\n".join(told)
