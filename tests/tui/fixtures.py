#!/usr/bin/env python3
"""Write the fixtures the screens are tested with: answers in the API's shapes.

Run by hand when the API gains a field; the files are committed, so tests do
not depend on this.
"""
import hashlib
import json
import os
import sys

NOW = "2026-11-24T04:31:07.000Z"


def digest(seq):
    return hashlib.sha256(b"round %d" % seq).hexdigest()


def member(i, n, state="OK", role="REPLICA", lag=0, executed=184203, **more):
    self_ = state == "SELF"
    out = {
        "name": "n%d" % (i + 1), "index": i, "address": "10.0.%d.4:7422" % (i + 1),
        "role": role, "state": state, "view": "17", "executed": str(executed - lag),
        "stable": "184064", "lag": str(lag), "rtt_us": "0" if self_ else str(300 + 410 * i),
        "last_heard_ms": "0" if self_ else "35", "link_up_ms": "0" if self_ else "187200000",
        "retry_ms": "0", "attempts": "0", "tx_bytes": "0" if self_ else str(90000000 + i),
        "rx_bytes": "0" if self_ else str(80000000 + i), "queued_bytes": "0", "dropped": "0",
        "error": "", "node_fingerprint": "SHA256:%s" % digest(i)[:43],
        "link_fingerprint": "SHA256:%s" % digest(100 + i)[:43],
    }
    out.update(more)
    return out


def status(n, members, health="OK", missing=0, **more):
    f = (n - 1) // 3
    out = {
        "v": 1, "version": "0.1.0", "cluster": "prod-eu", "cluster_id": digest(7), "strategy": "pbft",
        "epoch": "3", "node": "n1", "self": 0, "n": n, "f": f, "quorum": n - f, "missing": missing,
        "margin": f - missing, "health": health, "view": "17", "primary": "n2", "changing_view": False,
        "view_since": "2026-11-24T01:19:00.000Z", "view_changes": "2", "executed": "184203",
        "stable": "184064", "proposed": "184206", "stable_digest": digest(184064),
        "time": NOW, "keys": "18204", "bytes": "41000000", "pending": "3", "uptime_ms": "100000",
        "commits": "180000", "commit_p50_us": "2100", "commit_p99_us": "9800", "sync_p99_us": "4200",
        "rss_bytes": "31000000", "members": members,
    }
    out.update(more)
    return out


def history(last, seconds=30):
    """The same status, earlier: what rates are made of."""
    out = []
    for back in range(seconds, 0, -1):
        one = json.loads(json.dumps(last))
        one["uptime_ms"] = str(100000 - 1000 * back)
        one["commits"] = str(180000 - 1000 * back - 40 * back * (back % 7))
        one["commit_p99_us"] = str(9000 + 900 * (back % 5))
        one["sync_p99_us"] = str(4000 + 300 * (back % 4))
        for m in one["members"]:
            if m["state"] != "SELF":
                m["tx_bytes"] = str(int(m["tx_bytes"]) - 310000 * back)
                m["rx_bytes"] = str(int(m["rx_bytes"]) - 290000 * back)
        out.append(one)
    return sorted(out, key=lambda o: int(o["commits"])) + [last]


def rounds(n, silent=(), count=20, view=17):
    q = n - (n - 1) // 3
    out = []
    for k in range(count):
        voters = ["n%d" % (i + 1) for i in range(n) if i not in silent]
        prepares, commits, phase = voters, voters, "EXECUTED"
        if k == 0:
            prepares, commits, phase = voters[:q - 1], [], "PROPOSED"
        elif k == 1:
            prepares, commits, phase = voters, voters[:q - 1], "PREPARED"
        out.append({
            "seq": str(184206 - k), "view": str(view), "phase": phase, "digest": digest(184206 - k),
            "prepares": prepares, "commits": commits, "requests": 12 + k, "bytes": 3100 + 770 * k,
            "age_us": str(1000 + 4000 * k), "took_us": "0" if k < 2 else "2300",
        })
    return {"v": 1, "rounds": out}


def views(changing=False):
    out = [
        {"view": "17", "primary": "n2", "began": "2026-11-24T01:19:00.000Z"},
        {"view": "16", "primary": "n1", "began": "2026-11-24T01:17:00.000Z"},
        {"view": "15", "primary": "n4", "began": "2026-11-23T16:37:00.000Z"},
    ]
    if changing:
        out.insert(0, {"view": "18", "primary": "n3", "began": None})
    return {"v": 1, "views": out}


def logs(extra=()):
    lines = []
    for i in range(30):
        lines.append({"ts": "2026-11-24T04:30:%02d.100Z" % i, "level": "info", "comp": "consensus",
                      "msg": "batch executed", "seq": str(184100 + i), "requests": 12 + i})
    lines += extra
    return {"v": 1, "lines": lines}


def alert(severity, name, node, since, text):
    return {"severity": severity, "name": name, "node": node, "since": since, "text": text}


def healthy(n=4):
    members = [member(i, n, "SELF" if i == 0 else "OK", "PRIMARY" if i == 1 else "REPLICA")
               for i in range(n)]
    members[0].update(link_serial="1763181067000", link_key_age_ms="777600000")
    return {"status": history(status(n, members)), "rounds": rounds(n), "views": views(),
            "alerts": {"v": 1, "alerts": []}, "logs": logs()}


def degraded():
    out = healthy()
    last = out["status"][-1]
    last["members"][2].update(state="BEHIND", lag="1", executed="184202")
    last["members"][3] = member(3, 4, "SILENT", lag=3292, rtt_us="0", last_heard_ms="12100",
                                link_up_ms="0", retry_ms="8000", attempts="3", tx_bytes="0", rx_bytes="0",
                                dropped="312", error="ssh handshake timeout")
    last.update(health="DEGRADED", missing=1, margin=0)
    out["rounds"] = rounds(4, silent=(3,))
    out["alerts"]["alerts"] = [
        alert("CRIT", "replica_silent", "n4", "2026-11-24T04:30:55.000Z",
              "no signed message for 12 s (threshold 5 s); check the link and the node's log"),
        alert("WARN", "fault_margin_zero", "", "2026-11-24T04:30:55.000Z",
              "fault margin is 0: one more failure stops the cluster"),
    ]
    out["logs"] = logs([
        {"ts": "2026-11-24T04:30:55.102Z", "level": "warn", "comp": "net", "msg": "keepalive missed",
         "peer": "n4", "count": 1},
        {"ts": "2026-11-24T04:30:57.105Z", "level": "error", "comp": "net", "msg": "link down",
         "peer": "n4", "why": "no answer for 5 s"},
        {"ts": "2026-11-24T04:31:07.415Z", "level": "info", "comp": "consensus", "msg": "batch executed",
         "seq": "184203", "requests": 12},
    ])
    return out


def evidence():
    """A member that takes part, and is proved to have voted for two things."""
    out = healthy()
    out["status"][-1]["members"][3].update(evidence="2")
    out["alerts"]["alerts"] = [
        alert("CRIT", "evidence", "n4", "2026-11-24T04:30:12.000Z",
              "n4 signed what no correct member signs, 2 proved: it lies, its key is used elsewhere, or its "
              "disk went back (aegis consensus-inspect evidence)"),
    ]
    return out


def rejoining():
    """The node itself gives no votes, and one of the others none either."""
    out = healthy(7)
    last = out["status"][-1]
    last["members"][3].update(state="REJOINING")
    last.update(health="DEGRADED", missing=2, margin=0, rejoining=True, rejoin_seq="184320")
    out["alerts"]["alerts"] = [
        alert("WARN", "rejoining", "n1", "2026-11-24T04:30:12.000Z",
              "n1 may have forgotten votes and gives none until sequence 184320 is stable"),
        alert("WARN", "rejoining", "n4", "2026-11-24T04:30:40.000Z",
              "n4 may have forgotten votes and gives none until the others are past them"),
    ]
    return out


def observers():
    """Two nodes that follow: one is behind, one is gone, and all is well."""
    out = healthy()
    last = out["status"][-1]
    last["members"] += [
        member(4, 4, "BEHIND", "OBSERVER", lag=900, name="o1", attempts="0"),
        member(5, 4, "SILENT", "OBSERVER", name="o2", rtt_us="0", last_heard_ms="72100", link_up_ms="0",
               retry_ms="8000", attempts="9", tx_bytes="0", rx_bytes="0", error="connection refused"),
    ]
    last.update(observers=2)
    out["status"] = history(last)
    return out


def transfer():
    """The node that is asked has little of the state that others give it."""
    out = healthy()
    last = out["status"][-1]
    last["members"][0].update(executed="0", stable="0", lag="184203")
    last.update(health="STARTING", missing=0, executed="0", stable="0", keys="0", bytes="0",
                transfer={"seq": "184064", "bytes": "41200000", "total": "98000000",
                          "from": ["n2", "n3", "n4"]})
    out["status"] = history(last)
    return out


def viewchange():
    out = degraded()
    last = out["status"][-1]
    last["members"][1].update(state="SILENT", last_heard_ms="4100", link_up_ms="0", attempts="1")
    last.update(health="NO_QUORUM", missing=2, margin=-1, changing_view=True)
    out["views"] = views(True)
    out["rounds"] = rounds(4, silent=(1, 3))
    return out


def empty():
    members = [member(i, 4, "SELF" if i == 0 else "CONNECTING", executed=0, view="0", stable="0",
                      rtt_us="0", link_up_ms="0", tx_bytes="0", rx_bytes="0", attempts="1")
               for i in range(4)]
    last = status(4, members, "STARTING", 3, margin=-2, view="0", primary="n1", executed="0", stable="0",
                  proposed="0", keys="0", bytes="0", pending="0", commits="0", view_changes="0",
                  commit_p50_us="0", commit_p99_us="0", sync_p99_us="0", uptime_ms="900",
                  view_since=None)
    return {"status": last, "rounds": {"v": 1, "rounds": []}, "views": {"v": 1, "views": []},
            "alerts": {"v": 1, "alerts": []}, "logs": {"v": 1, "lines": []}}


def hostile():
    """What a node that lies may send: escapes, overrides, nothing, too much."""
    bad = "\x1b[31m\x07\x9b2J\u202eevil\u2066\ufeff\r\n\tx\x00y"
    out = degraded()
    last = out["status"][-1]
    last["cluster"] = "prod\x1b]0;owned\x07"
    last["health"] = "OK\x1b[2J"
    last["members"][1].update(name="n2\u202e" + "A" * 100, error=bad, address=bad, state="\x1b[7mOK")
    last["members"][2].update(name="\u65e5\u672c\u8a9e\u306e\u30ce\u30fc\u30c9", executed="99999999999999999999",
                              lag="-1", rtt_us="18446744073709551615", error="%s%n%d")
    last["members"][3].update(name="e\u0301\u0301\u0301e\u0301", last_heard_ms=12, state=None, role=7)
    last["members"].append("not an object")
    out["rounds"]["rounds"][0].update(prepares=[bad, 7, None, "n1"], digest=bad, phase=bad, seq="x")
    out["alerts"]["alerts"].append(alert(bad, bad, bad, bad, bad * 20))
    out["logs"]["lines"].append({"ts": bad, "level": bad, "comp": bad, "msg": bad, bad.replace("\x00", ""): bad, "deep": {"a": [1]}})
    out["logs"]["lines"].append({})
    return out


def write(folder, name, fixture):
    text = json.dumps(fixture, indent=None, separators=(",", ":"), sort_keys=True)
    data = text.encode()
    if name == "hostile":
        # A name that is not UTF-8 at all, which JSON can not say otherwise.
        data = data.replace(b"not an object", b"not \xff\xc0\x80 an object")
        data = data.replace(b"%s%n%d", b"%s%n%d \xed\xa0\x80 \xf5")
    with open(os.path.join(folder, name + ".json"), "wb") as out:
        out.write(data + b"\n")


def main():
    folder = sys.argv[1]
    for name, make in (("healthy", healthy), ("degraded", degraded), ("viewchange", viewchange),
                       ("empty", empty), ("n7", lambda: healthy(7)), ("hostile", hostile),
                       ("evidence", evidence), ("rejoining", rejoining),
                       ("observers", observers), ("transfer", transfer)):
        write(folder, name, make())


main()
