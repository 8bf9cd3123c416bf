#!/usr/bin/env python3
"""Side-by-side benchmark: our server, the physical limit, and peers. Standard library and wrk only; see README.md.

  bench.py check  [--systems a,b]     the answers are right
  bench.py count  [--systems a,b]     SQL statements per request
  bench.py time   [--systems a,b] [--rounds 3] [--seconds 15] [--warm 4] [--conns 32] [--out file.json]
  bench.py report file.json...        a table: median (min-max)
"""
import argparse, collections, datetime, glob, json, os, random, re, resource, statistics, subprocess, time, urllib.error, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
E = os.environ
TICK = os.sysconf("SC_CLK_TCK")
DEALS, DEALT = os.path.join(E["RUN_DIR"], "deals.jsonl"), os.path.join(E["RUN_DIR"], "dealt.json")
# name: who of the manifest asks, with which variables of our request. {field} is one of the person's line in the
# manifest, {key} was never used before. `writes`: every answer leaves a row in this table of ours, of the peers.
# `deals`: each request takes a free time that no other takes, {slotId}, for a person who has taken none before.
# A further workload is a line here, a case in `right`, and its request in ours/; who has no such request takes no part.
WORKLOADS = {
    "w1": dict(kind="patient", variables={}),
    "w2": dict(kind="staff", variables={"unitId": "{careUnitId}"}),
    "w3": dict(kind="patient", variables={"threadId": "{threadId}", "key": "{key}", "body": "{text}"}, writes=("thread_message", "message")),
    "w4": dict(kind="patient", variables={"from": "{today}", "until": "{inAMonth}"}),
    "w5": dict(kind="patient", variables={"slotId": "{slotId}", "key": "{key}"}, writes=("appointment", None), deals=True),
}
TEXT = "Hej! Kan jag boka om tiden till nästa vecka? Jag behöver också nytt recept på blodtryckstabletterna. Tack!"
# name: port, folder of the request texts, database
SYSTEMS = {
    "ours": (int(E.get("PK_HTTP__LISTEN", ":7000").rsplit(":", 1)[1]), "ours", "DB_OURS"),
    "axum-sql": (7003, "peers/workloads/plan", "DB_PEERS"),
    "axum-rows": (7005, "peers/workloads/plan", "DB_PEERS"),
    "postgraphile": (7001, "peers/workloads/postgraphile", "DB_PEERS"),
    "yoga": (7002, "peers/workloads/plan", "DB_PEERS"),
}

def psql(sql, db):
    r = subprocess.run([f"{E['PGBIN']}/psql", "-X", "-q", "-At", "-h", "127.0.0.1", "-p", E["PGPORT_BENCH"], "-U", "bench",
                        "-d", E.get(db, db), "-v", "ON_ERROR_STOP=1", "-c", sql], capture_output=True, text=True)
    if r.returncode: raise SystemExit(r.stderr)
    return r.stdout.strip()

def ints(sql, db): return [int(x) for x in psql(sql, db).split("|")]

# ---------- processes ----------
def stat(pid):
    try: s = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError): return None
    return dict(ppid=int(s[1]), cpu=sum(int(s[k]) for k in (11, 12, 13, 14)) / TICK)

def tree(root):
    kids = collections.defaultdict(list)
    for p in filter(str.isdigit, os.listdir("/proc")):
        s = stat(int(p))
        if s: kids[s["ppid"]].append(int(p))
    out, todo = [], [root]
    while todo:
        p = todo.pop(); out.append(p); todo += kids[p]
    return out

def cpu(root):
    """user+sys of a process and its descendants, also of those that have ended and been waited for."""
    return sum(s["cpu"] for s in map(stat, tree(root)) if s)

def rss(root):
    sizes = (re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{p}/status").read()) for p in tree(root) if os.path.exists(f"/proc/{p}/status"))
    return sum(int(m.group(1)) for m in sizes if m) / 1024

def server_pid(name):
    port, inodes = SYSTEMS[name][0], set()
    for f in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in open(f).readlines()[1:]:
            c = line.split()
            if c[3] == "0A" and int(c[1].rsplit(":", 1)[1], 16) == port: inodes.add(f"socket:[{c[9]}]")
    for p in filter(str.isdigit, os.listdir("/proc")):
        for fd in glob.glob(f"/proc/{p}/fd/*"):
            try:
                if os.readlink(fd) in inodes: return int(p)
            except OSError: continue
    raise SystemExit(f"nothing listens on port {port}: start {name} first")

def postmaster(): return int(open(os.path.join(E["PGDATA_BENCH"], "postmaster.pid")).readline())

def machine():
    """Busy and stolen CPU seconds of the whole machine."""
    v = [int(x) / TICK for x in open("/proc/stat").readline().split()[1:9]]
    return v[0] + v[1] + v[2] + v[5] + v[6], v[7]

def calm():
    """Waits, at most some minutes, until others leave the machine alone: their load spoils every figure."""
    for i in range(40):
        before = machine()[0]; time.sleep(1)
        if machine()[0] - before < 0.25: return
        if i == 0: print("   waiting for a calm machine", flush=True)
        time.sleep(4)
    print("   not calm, going on", flush=True)

# ---------- requests ----------
def query_file(name, wl): return os.path.join(HERE, SYSTEMS[name][1], f"{wl}.graphql")

def post(name, wl, variables, token=None): return ask(name, open(query_file(name, wl)).read(), variables, token)

def ask(name, query, variables, token=None):
    q = re.sub(r"\s+", " ", query)
    head = {"Content-Type": "application/json", "Accept": "application/json"}
    if token: head["Authorization"] = f"Bearer {token}"
    body = json.dumps({"operationName": re.match(r"\s*\w+\s+(\w+)", q).group(1), "query": q, "variables": variables}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{SYSTEMS[name][0]}/graphql", body, head)
    try: answer = urllib.request.urlopen(request, timeout=20).read()
    except urllib.error.HTTPError as e: raise SystemExit(f"{name} {q[:40]}: HTTP {e.code} {e.read()[:800]!r}")
    d = json.loads(answer)
    if d.get("errors"): raise SystemExit(f"{name} {q[:40]}: {json.dumps(d['errors'])[:800]}")
    return d["data"], len(answer)

def people(kind):
    return [p for p in map(json.loads, open(E["MANIFEST"])) if p["kind"] == kind and p.get("role", "CARE") == "CARE"]

def known():
    """What does not depend on who asks."""
    today = datetime.date.today()
    return dict(text=TEXT, today=f"{today}", inAMonth=f"{today + datetime.timedelta(days=30)}")

def variables_of(wl, person):
    return {k: v.format(**person, key=f"check-{time.time_ns()}", **known()) for k, v in WORKLOADS[wl]["variables"].items()}

OFFERS = "query Offers($unit: ID!, $after: String) { freeSlots(first: 100, after: $after, filter: { careUnitIds: [$unit] }) { nodes { id } pageInfo { hasNextPage endCursor } } }"

def deal():
    """Free times for people of the unit, a time and a person once each: written where the load finds them."""
    units = collections.defaultdict(list)
    for p in people("patient"): units[p["careUnitId"]].append(p)
    rnd, dealt = random.Random(5), []
    for unit, living_there in units.items():
        free, after = [], None
        for _ in range(len(living_there) // 20 + 2):  # four free times a patient, a hundred a page
            page = ask("ours", OFFERS, dict(unit=unit, after=after), living_there[0]["token"])[0]["freeSlots"]
            free += [n["id"] for n in page["nodes"]]; after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]: break
        rnd.shuffle(free); rnd.shuffle(living_there)
        dealt += [dict(p, slotId=slot) for p, slot in zip(living_there, free)]
    rnd.shuffle(dealt)
    with open(DEALS, "w") as f: f.writelines(json.dumps(d, separators=(",", ":")) + "\n" for d in dealt)
    json.dump(0, open(DEALT, "w"))

def dealt(): return json.load(open(DEALT))

def next_deal():
    """Deals are made once for a seeded database, and used up one by one."""
    if not os.path.exists(DEALS) or os.path.getmtime(DEALS) < os.path.getmtime(E["MANIFEST"]): deal()
    deals, n = open(DEALS).read().splitlines(), dealt()
    if n >= len(deals): raise SystemExit("every person has booked: seed anew")
    json.dump(n + 1, open(DEALT, "w"))
    return json.loads(deals[n])

def one_request(name, wl, rnd):
    """A random person's request: the answer and its size."""
    if name == "ours":
        p = next_deal() if WORKLOADS[wl].get("deals") else rnd.choice(people(WORKLOADS[wl]["kind"]))
        return p, *post(name, wl, variables_of(wl, p), p["token"])
    n, units = ints("select patients, units from bench_meta", "DB_PEERS")
    k = rnd.randint(1, units if wl == "w2" else n)
    v = {"w1": {"patientId": k}, "w2": {"unitId": k}, "w3": {"threadId": 2 * k, "patientId": k, "body": "Hej åäö"}}[wl]
    return k, *post(name, wl, v)

# ---------- right answers ----------
def norm(x):
    """The same data, whatever the dialect: {nodes: [...]} unwrapped, instants as seconds."""
    if isinstance(x, dict): return norm(x["nodes"]) if set(x) == {"nodes"} else {k: norm(v) for k, v in x.items()}
    if isinstance(x, list): return [norm(v) for v in x]
    if isinstance(x, str) and re.match(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d", x):
        return datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", x.replace(" UTC", "+00:00")).replace("Z", "+00:00").replace(" ", "T", 1)).timestamp()
    return x

OURS_ROWS = "select (select count(*) from {}), (select count(*) from domain_event), (select count(*) from idempotency_key), (select count(*) from access_event)"
PEER_ROWS = "select (select count(*) from message), (select count(*) from audit_log), (select count(*) from outbox)"

def right(wl, who, d):
    """Raises unless our answer is what the manifest lets us expect."""
    if wl == "w1":
        me = d["me"]; a = me["agreement"]
        assert me["id"] == who["patientId"] and a["id"] == who["agreementId"], (me["id"], who["patientId"])
        assert (len(a["goals"]), len(a["planItems"])) == (3, 8) and me["fixedCareContact"] and me["nextAppointment"], d
        assert all(i["responsibleStaff"]["name"] for i in a["planItems"]), d
    elif wl == "w2":
        nodes = d["careUnit"]["agreements"]["nodes"]
        assert 0 < len(nodes) <= 50 and nodes == sorted(nodes, key=lambda n: n["updatedAt"], reverse=True), len(nodes)
        assert all(n["patient"]["familyName"] and n["openItemCount"] > 0 and n["nextStep"] for n in nodes), nodes[0]
    elif wl == "w3":
        assert d["messageSend"]["message"]["body"] == TEXT and not d["messageSend"]["userErrors"], d
    elif wl == "w4":
        nodes = d["freeSlots"]["nodes"]
        assert len(nodes) == 20 and d["freeSlots"]["pageInfo"]["hasNextPage"], len(nodes)
        tiers = ["YOUR_DOCTOR", "YOUR_TEAM", "THE_UNIT"]
        order = [(tiers.index(n["tier"]), n["startsAt"]) for n in nodes]
        assert order == sorted(order) and all(n["careUnit"]["name"] and n["appointmentType"]["name"] for n in nodes), order
    elif wl == "w5":
        booked = d["appointmentBook"]["appointment"]
        assert booked and booked["status"] == "BOOKED" and not d["appointmentBook"]["userErrors"], d
    else:
        raise SystemExit(f"nothing says what a right answer to {wl} is")

def check(name, wl):
    """Raises unless the answers are right; gives their mean size."""
    rnd, sizes = random.Random(7), []
    ours, writes = name == "ours", WORKLOADS[wl].get("writes")
    db, rows = ("DB_OURS", OURS_ROWS.format(writes[0] if writes else "thread_message")) if ours else ("DB_PEERS", PEER_ROWS)
    for _ in range(8):
        before = ints(rows, db)
        who, d, size = one_request(name, wl, rnd); sizes.append(size)
        if writes:
            grown = [b - a for a, b in zip(before, ints(rows, db))]
            assert min(grown) >= 1, f"{name}: a write without its rows: {grown}"
        if ours: right(wl, who, d)
        elif not writes:
            want = norm(json.loads(psql(open(os.path.join(HERE, "peers/workloads/sql", f"{wl}.sql")).read().replace("$1", str(who)), db)))
            assert norm(d) == want, f"WRONG {name} {wl} {who}\n got {json.dumps(norm(d))[:900]}\nwant {json.dumps(want)[:900]}"
    if wl == "w5":
        again = next_deal()
        for _ in range(2): d, _ = post(name, wl, variables_of(wl, again), again["token"])
        assert [e["code"] for e in d["appointmentBook"]["userErrors"]] == ["ALREADY_OCCUPIED"], f"booked twice: {d}"
    if wl == "w3" and ours:
        mine, other = people("patient")[:2]
        d, _ = post(name, wl, variables_of(wl, other), mine["token"])
        assert d["messageSend"]["userErrors"], "wrote to another patient's thread"
    return statistics.mean(sizes)

def count(name, wl, n=10):
    """SQL statements per request, from the database's own log: the work, the access log, BEGIN and COMMIT."""
    log = os.path.join(E["PGDATA_BENCH"], "server.log")
    # One person throughout: who a token belongs to is remembered.
    once = lambda: one_request(name, wl, random.Random(11))
    for _ in range(3): once()
    def logging(value):
        psql(f"alter system {value}", "postgres"); psql("select pg_reload_conf()", "postgres"); time.sleep(1)
    db = E[SYSTEMS[name][2]]
    psql(f"alter database {db} set log_statement = 'none'", "postgres")
    logging("set log_statement = 'all'"); psql(f"alter database {db} reset log_statement", "postgres")
    at = os.path.getsize(log)
    for _ in range(n): once()
    time.sleep(0.3); end = os.path.getsize(log); logging("reset log_statement")
    with open(log, "rb") as f: f.seek(at); text = f.read(end - at).decode("utf8", "replace")
    statements = re.findall(r"LOG:  (?:execute [^:]*|statement): (.*)", text)
    statements = [s for s in statements if "bench_meta" not in s]
    ends = [s for s in statements if re.match(r"(?i)(begin|commit|rollback|set transaction)", s)]
    # A write that logs itself in the same statement is work.
    trail = [s for s in statements if "access_event" in s and "thread_message" not in s]
    if E.get("SHOW"): print("\n".join(s[:200] for s in statements[: len(statements) // n]))
    other = len(statements) - len(ends) - len(trail)
    return dict(statements=other / n, access_log=len(trail) / n, begin_commit=len(ends) / n)

# ---------- timing ----------
def wrk(name, wl, seconds, conns, seed):
    work = WORKLOADS[wl]
    variables = json.dumps(work["variables"], separators=(",", ":"), ensure_ascii=False)
    for name_of, value in known().items(): variables = variables.replace(f"{{{name_of}}}", value)
    env = dict(E, WL=wl, QUERY_FILE=query_file(name, wl), SEED=str(seed), KIND=work["kind"], WRITES="yes" if work.get("writes") else "",
               VARIABLES=variables)
    script = "ours.lua" if name == "ours" else "peers.lua"
    if name != "ours":
        n, units = ints("select patients, units from bench_meta", "DB_PEERS")
        env |= dict(N_PATIENTS=str(n), N_UNITS=str(units))
    if work.get("deals"): env |= dict(DEALS=DEALS, DEALT=str(dealt()))
    r = subprocess.run(["wrk", "-t1", f"-c{conns}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", os.path.join(HERE, script),
                        f"http://127.0.0.1:{SYSTEMS[name][0]}/graphql"], capture_output=True, text=True, env=env)
    m = re.search(r"JSON (\{.*\})", r.stdout)
    if not m: raise SystemExit(r.stdout + r.stderr)
    told = json.loads(m.group(1))
    if work.get("deals"): json.dump(dealt() + told["made"], open(DEALT, "w"))
    return told

def time_one(name, wl, a, rnd, want_size):
    writes = WORKLOADS[wl].get("writes")
    if writes and name != "ours":
        base = ints("select base_message_id from bench_meta", "DB_PEERS")[0]
        psql(f"truncate audit_log, outbox; delete from message where id > {base}", "DB_PEERS"); psql("vacuum analyze message", "DB_PEERS")
    if a.warm: wrk(name, wl, a.warm, a.conns, 900 + rnd)
    server, pg = server_pid(name), postmaster()
    table, db = (writes and writes[0], "DB_OURS") if name == "ours" else (writes and writes[1], "DB_PEERS")
    rows = ints(f"select count(*) from {table}", db)[0] if writes else 0
    u0, (b0, st0), c0, g0, t0 = resource.getrusage(resource.RUSAGE_CHILDREN), machine(), cpu(server), cpu(pg), time.time()
    w = wrk(name, wl, a.seconds, a.conns, rnd)
    c1, g1, (b1, st1), u1, took = cpu(server), cpu(pg), machine(), resource.getrusage(resource.RUSAGE_CHILDREN), time.time() - t0
    n = w["requests"]; load = u1.ru_utime + u1.ru_stime - u0.ru_utime - u0.ru_stime
    r = dict(rps=n / (w["us"] / 1e6), p50=w["p50"] / 1e3, p90=w["p90"] / 1e3, p99=w["p99"] / 1e3, server_us=(c1 - c0) / n * 1e6,
             pg_us=(g1 - g0) / n * 1e6, rss=rss(server), errors=w["errors"], bytes=w["bytes"] / n, n=n,
             other_cores=max(0, (b1 - b0 - (c1 - c0) - (g1 - g0) - load) / took), steal=(st1 - st0) / took)
    if writes:
        made = ints(f"select count(*) from {table}", db)[0] - rows
        if made < n: r["bad"] = f"{n} answers but {made} rows"
    elif not 0.9 * want_size < r["bytes"] < 1.1 * want_size + 700: r["bad"] = f"mean size {r['bytes']:.0f}, checked answers had {want_size:.0f}"
    return r

def report(files):
    rows = [run for f in files for run in json.load(open(f))["runs"]]
    show = lambda v, k=0: f"{statistics.median(v):.{k}f} ({min(v):.{k}f}-{max(v):.{k}f})"
    for wl in WORKLOADS:
        of = lambda s: [r for r in rows if r["wl"] == wl and r["system"] == s]
        total = lambda s: statistics.median([r["server_us"] + r["pg_us"] for r in of(s)])
        names = list(dict.fromkeys(r["system"] for r in rows if r["wl"] == wl))
        if not names: continue
        limits = [total(s) for s in names if s.startswith("axum-")]
        print(f"\n### {wl.upper()}\n\n| system | server µs | PostgreSQL µs | together | × limit | requests/s | p50 ms | p99 ms | RSS MiB |\n|---|---|---|---|---|---|---|---|---|")
        for s in names:
            rr = of(s); col = lambda k: [r[k] for r in rr]
            flag = " (!)" if any(r.get("bad") or r["errors"] for r in rr) else ""
            times = f"{total(s) / min(limits):.2f}" if limits else ""
            print(f"| {s}{flag} | {show(col('server_us'))} | {show(col('pg_us'))} | {total(s):.0f} | {times} | {show(col('rps'))} | {show(col('p50'), 1)} | {show(col('p99'), 1)} | {statistics.median(col('rss')):.0f} |")

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cmd", choices=["check", "count", "time", "report"]); p.add_argument("files", nargs="*")
    p.add_argument("--systems", default="ours,axum-sql,axum-rows"); p.add_argument("--wl", default=",".join(WORKLOADS))
    p.add_argument("--rounds", type=int, default=3); p.add_argument("--seconds", type=int, default=15)
    p.add_argument("--warm", type=int, default=4); p.add_argument("--conns", type=int, default=32); p.add_argument("--out", default="bench.json")
    a = p.parse_args()
    if a.cmd == "report": return report(a.files)
    if a.seconds > 60 or a.conns > 256 or a.rounds > 10: raise SystemExit("loads stay bounded: 60 s, 256 connections, 10 rounds")
    names, wls = a.systems.split(","), a.wl.split(",")
    if unknown := [n for n in names if n not in SYSTEMS]: raise SystemExit(f"unknown: {unknown}; there are {list(SYSTEMS)}")
    if unknown := [wl for wl in wls if wl not in WORKLOADS]: raise SystemExit(f"unknown: {unknown}; there are {list(WORKLOADS)}")
    takes_part = lambda name, wl: os.path.exists(query_file(name, wl))
    if a.cmd == "count":
        for name in names:
            for wl in (wl for wl in wls if takes_part(name, wl)): print(f"{name:14s} {wl} {json.dumps(count(name, wl))}", flush=True)
        return
    sizes = {(name, wl): check(name, wl) for name in names for wl in wls if takes_part(name, wl)}
    for (name, wl), size in sizes.items(): print(f"{name:14s} {wl} right, mean bytes {size:.0f}", flush=True)
    if a.cmd == "check": return
    runs = []
    for rnd in range(1, a.rounds + 1):
        for wl in wls:
            for name in (name for name in names if takes_part(name, wl)):
                for _ in range(3):
                    calm()
                    r = time_one(name, wl, a, rnd, sizes[name, wl])
                    if r["other_cores"] < 0.25 and r["steal"] < 0.1: break
                    print(f"   disturbed ({r['other_cores']:.2f} cores used by others): {name} {wl} again", flush=True)
                runs.append(dict(r, system=name, wl=wl, round=rnd))
                print(f"r{rnd} {wl} {name:14s} rps {r['rps']:8.0f}  server {r['server_us']:7.0f} µs  pg {r['pg_us']:7.0f} µs  p50 {r['p50']:7.2f}  p99 {r['p99']:7.2f} ms"
                      f"  rss {r['rss']:5.0f} M  others {r['other_cores']:.2f}  errors {r['errors']} {r.get('bad', '')}", flush=True)
                json.dump(dict(conns=a.conns, seconds=a.seconds, runs=runs), open(a.out, "w"))
    report([a.out])

if __name__ == "__main__": main()
