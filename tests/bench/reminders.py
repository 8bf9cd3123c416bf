#!/usr/bin/env python3
"""How many reminders the worker sends, against SMTP on loopback. Standard library only; see README.md.

  reminders.py [--databases sqlite,postgres] [--count 20000] [--rounds 3] [--per-round-limit 300]

Real processes throughout: the service books nothing here, but one reminder is planned by the patient's own choice in the
API and copied in the database; the worker claims, looks again, logs, sends and records each as it always does. What is
counted is what the mail server took.
"""
import argparse, asyncio, json, multiprocessing, os, re, signal, sqlite3, statistics, subprocess, sys, time, urllib.request, uuid

from bench import cpu, machine, postmaster, psql

E = os.environ
SQLITE = os.path.join(E["PERF_DIR"], "reminders.db")
PG_NAME = "patientkontrakt_reminders"
URLS = {
    "sqlite": f"sqlite://{SQLITE}",
    "postgres": f"postgres://bench@127.0.0.1:{E['PGPORT_BENCH']}/{PG_NAME}",
}
MANIFEST = os.path.join(E["PERF_DIR"], "reminders.jsonl")

# ---------- the mail server: a process of its own, which takes everything ----------
class Sink(asyncio.Protocol):
    taken = None

    def connection_made(self, transport):
        self.transport, self.rest, self.content = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        self.rest += data
        while True:
            if self.content:
                mail, end, self.rest = self.rest.partition(b"\r\n.\r\n")
                if not end:
                    self.rest = mail
                    return
                self.content = False
                with Sink.taken.get_lock(): Sink.taken.value += 1
                self.transport.write(b"250 taken\r\n")
                continue
            line, end, rest = self.rest.partition(b"\r\n")
            if not end: return
            self.rest, verb = rest, line[:4].upper()
            if verb == b"EHLO": self.transport.write(b"250-sink\r\n250 8BITMIME\r\n")
            elif verb == b"DATA": self.content = True; self.transport.write(b"354 go on\r\n")
            elif verb == b"QUIT": self.transport.write(b"221 bye\r\n"); self.transport.close(); return
            else: self.transport.write(b"250 ok\r\n")

def sink(taken, port):
    async def run():
        Sink.taken = taken
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()
    asyncio.run(run())

# ---------- the service ----------
def settings(database, port):
    return dict(E, PK_DATABASE__URL=URLS[database], PK_HTTP__LISTEN="127.0.0.1:0", PK_METRICS__LISTEN="127.0.0.1:0", PK_LOG__FORMAT="json",
                PK_LOG__LEVEL="info", PK_SMTP__HOST="127.0.0.1", PK_SMTP__PORT=str(port), PK_SMTP__TLS="none", PK_SMTP__FROM="paminnelse@exempel.se",
                PK_REMINDERS__POLL_INTERVAL_SECONDS="0.1", PK_DATA_DIR=os.path.join(E["PERF_DIR"], f"data-{database}"))

def run(database, port, *arguments):
    done = subprocess.run([E["OURS_BIN"], *arguments], env=settings(database, port), capture_output=True, text=True)
    if done.returncode: raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")

class Process:
    """`serve` or `worker`, from the moment it listens until the end of the block."""
    def __init__(self, database, port, role):
        self.log = os.path.join(E["RUN_DIR"], f"reminders-{database}-{role}.log")
        with open(self.log, "w") as log:
            self.child = subprocess.Popen([E["OURS_BIN"], role], env=settings(database, port), stdout=log, stderr=log)

    def __enter__(self):
        for _ in range(600):
            found = re.search(r'^.*"listening".*$', open(self.log).read(), re.M)
            if found:
                self.address = json.loads(found.group(0))["address"]
                return self
            if self.child.poll() is not None: break
            time.sleep(0.05)
        raise SystemExit(open(self.log).read())

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(60)

    def graphql(self, token, query, variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://{self.address}/graphql", body, head)
        answer = json.loads(urllib.request.urlopen(request, timeout=20).read())
        if answer.get("errors") or '"userErrors":[{' in json.dumps(answer, separators=(",", ":")): raise SystemExit(json.dumps(answer)[:800])
        return answer["data"]

# ---------- the crowd ----------
CHOOSE = """mutation Choose($input: ReminderPreferencesSetInput!) {
  reminderPreferencesSet(input: $input) { preferences { kind } userErrors { field code message } } }"""

def seed(database, port):
    """A few people, one of whom says yes to mail: the service plans real reminders for the visits ahead."""
    if database == "sqlite":
        for end in ("", "-wal", "-shm", ".lock"):
            if os.path.exists(SQLITE + end): os.remove(SQLITE + end)
    else:
        psql(f"DROP DATABASE IF EXISTS {PG_NAME} WITH (FORCE)", "postgres"); psql(f"CREATE DATABASE {PG_NAME}", "postgres")
    run(database, port, "migrate", "up")
    run(database, port, "seed", "--patients", "100", "--seed", "1", "--manifest", MANIFEST)
    people = [p for p in map(json.loads, open(MANIFEST)) if p["kind"] == "patient"]
    with Process(database, port, "serve") as serve:
        for person in people:
            choice = dict(kind="APPOINTMENT", channel="MAIL", optedIn=True, textShown="Bokad tid")
            serve.graphql(person["token"], CHOOSE, dict(input=dict(
                choices=[choice], contactWays=dict(mail="nagon@exempel.se"), idempotencyKey=str(uuid.uuid4()))))
            if one(database): return
    raise SystemExit("nobody has a visit ahead")

def sql(database, text, fetch=False):
    if database == "postgres":
        out = psql(text, PG_NAME)
        return out if fetch else None
    with sqlite3.connect(SQLITE, timeout=30) as db:
        row = db.execute(text).fetchone() if fetch else db.executescript(text) and None
    return "" if not row else "|".join(map(str, row))

def one(database):
    """A reminder whose visit is furthest ahead."""
    key = "id::text" if database == "postgres" else "hex(id)"
    return sql(database, f"SELECT {key} FROM notice WHERE state = 'PLANNED' AND kind = 'REMINDER' ORDER BY useless_at DESC LIMIT 1", True)

def crowd(database, count):
    """So many copies that are due now, as the answers to acts of just now: those leave at any hour."""
    made = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    columns = columns_of(database)
    mine = dict(dedupe_key="dedupe_key || ':' || n", rule="'CONFIRMATION'", state="'PLANNED'", attempts="0", reason="NULL", lease_token="NULL",
                leased_until="NULL", sent_at="NULL", link_hash="NULL")
    if database == "postgres":
        mine |= dict(id="gen_random_uuid()", due_at="now() - interval '1 minute'", created_at="now() - interval '1 minute'")
        numbers = f"generate_series(1, {count}) AS n"
        which = f"id = '{one(database)}'"
        clear = "DELETE FROM notice WHERE dedupe_key ~ ':[A-Z]+:[0-9]+$';"
    else:
        # Instants are text on SQLite, in one form that can be compared.
        like = sql(database, "SELECT created_at FROM notice LIMIT 1", True)
        now = made + (like[19:] if "T" in like else "+00:00")
        mine |= dict(id="randomblob(16)", due_at=f"'{now}'", created_at=f"'{now}'")
        numbers = f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c)"
        which = f"hex(id) = '{one(database)}'"
        clear = "DELETE FROM notice WHERE dedupe_key GLOB '*:[A-Z]*:[0-9]*' AND rule = 'CONFIRMATION' AND attempts > 0;"
    chosen = ", ".join(mine.get(c, c) for c in columns)
    sql(database, clear)
    sql(database, f"INSERT INTO notice ({', '.join(columns)}) SELECT {chosen} FROM notice, {numbers} WHERE {which};")
    if database == "postgres": sql(database, "VACUUM ANALYZE notice")

def columns_of(database):
    if database == "postgres":
        names = sql(database, "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'notice'", True)
    else:
        names = sql(database, "SELECT group_concat(name, ',') FROM pragma_table_info('notice')", True)
    return names.split(",")

# ---------- timing ----------
def measure(database, count, taken, port, limit):
    crowd(database, count)
    base = taken.value
    with Process(database, port, "serve" if database == "sqlite" else "worker") as worker:
        pg = postmaster() if database == "postgres" else None
        busy = lambda: (cpu(worker.child.pid), cpu(pg) if pg else 0.0)
        # From a tenth on, so that starting is not measured; to the last.
        first = base + count // 10
        wait(lambda: taken.value >= first, limit)
        (w0, p0), t0, n0, b0 = busy(), time.time(), taken.value, machine()[0]
        wait(lambda: taken.value >= base + count, limit)
        (w1, p1), t1, b1 = busy(), time.time(), machine()[0]
        # What it took beyond its number would be a duplicate.
        time.sleep(1)
        if taken.value != base + count: raise SystemExit(f"{taken.value - base} mails of {count} reminders")
    n = base + count - n0
    sent = int(sql(database, "SELECT count(*) FROM notice WHERE rule = 'CONFIRMATION' AND state = 'SENT'", True))
    if sent < count: raise SystemExit(f"{count} mails, and {sent} recorded as sent")
    return dict(n=n, per_second=n / (t1 - t0), worker_us=(w1 - w0) / n * 1e6, pg_us=(p1 - p0) / n * 1e6,
                per_cpu=n / (w1 - w0 + p1 - p0), others=max(0.0, (b1 - b0 - (w1 - w0) - (p1 - p0)) / (t1 - t0)))

def wait(so, limit):
    until = time.time() + limit
    while not so():
        if time.time() > until: raise SystemExit(f"not within {limit} s")
        time.sleep(0.01)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--databases", default="sqlite,postgres"); p.add_argument("--count", type=int, default=20_000)
    p.add_argument("--rounds", type=int, default=3); p.add_argument("--per-round-limit", type=int, default=300)
    a = p.parse_args()
    databases = a.databases.split(",")
    if unknown := [d for d in databases if d not in URLS]: raise SystemExit(f"unknown: {unknown}; there are {list(URLS)}")
    if not 100 <= a.count <= 200_000 or not 1 <= a.rounds <= 10: raise SystemExit("100 to 200,000 reminders, 1 to 10 rounds")
    taken, port = multiprocessing.Value("q", 0), multiprocessing.Value("i", 0)
    server = multiprocessing.Process(target=sink, args=(taken, port), daemon=True)
    server.start()
    wait(lambda: port.value, 20)
    rows = []
    try:
        for database in databases:
            seed(database, port.value)
            for n in range(1, a.rounds + 1):
                r = measure(database, a.count, taken, port.value, a.per_round_limit)
                rows.append(dict(r, database=database))
                print(f"r{n} {database:8s} {r['n']} reminders: {r['per_second']:7.0f}/s, worker {r['worker_us']:6.0f} µs and PostgreSQL {r['pg_us']:6.0f} µs each: "
                      f"{r['per_cpu']:6.0f} per CPU second; the mail server and others used {r['others']:.2f} cores", flush=True)
    finally:
        server.terminate()
    show = lambda values: f"{statistics.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"
    print("\n| database | reminders/s | worker µs | PostgreSQL µs | reminders per CPU second |\n| --- | --- | --- | --- | --- |")
    for database in databases:
        of = lambda key: [r[key] for r in rows if r["database"] == database]
        print(f"| {database} | {show(of('per_second'))} | {show(of('worker_us'))} | {show(of('pg_us'))} | {show(of('per_cpu'))} |")

if __name__ == "__main__": main()
