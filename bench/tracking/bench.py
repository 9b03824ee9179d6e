"""Tracking over HTTP: martlet beside the real `mlflow server`, both with their defaults, in turns in one run: on SQLite, then both on
one PostgreSQL server.

A rate is that of requests (of metrics, for batches); wherever a write is acknowledged, the rate of bare fdatasync calls on the same
disk, measured between the others, says what one client can get at most.
"""
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import filled  # noqa: E402
import measured  # noqa: E402
import servers  # noqa: E402
from connection import API, Connection, prepared  # noqa: E402

WORK = measured.WORK / "tracking"
BATCH = 1000


def fdatasync_rate(seconds):
    """Appends of 4 KiB, each followed by fdatasync, a second."""
    path = WORK / "fdatasync"
    file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    count, block, began = 0, b"x" * 4096, time.perf_counter()
    while time.perf_counter() - began < seconds:
        os.write(file, block)
        os.fdatasync(file)
        count += 1
    took = time.perf_counter() - began
    os.close(file)
    path.unlink()
    return {"value": count / took}


class Measuring:
    """Takes turns, prints medians with ranges and how many times better martlet is, and keeps them for the results file."""

    def __init__(self, bench, postgres=None):
        """postgres: the address of a server that both use."""
        self.bench = bench
        self.repeat = bench.repeat or 3
        self.seconds = 3
        self.on = "PostgreSQL" if postgres else "SQLite"
        ours, theirs = (servers.Database(postgres, name) if postgres else None for name in ("martlet", "mlflow"))
        self.ours = servers.martlet(bench.martlet, WORK, ours)
        python = measured.installed(HERE / "requirements.txt", measured.ROOT / "build" / "bench" / "mlflow", "the real server")
        self.theirs = servers.real(python.parent / "mlflow", WORK, theirs)
        self.both = (self.ours, self.theirs)
        self.replay = WORK / "replay"
        subprocess.run(["c++", "-O2", "-std=c++20", "-o", self.replay, HERE / "replay.cc"], check=True)
        self.experiment = {}

    def turns(self, subject, unit, measure, more_is_better=True, sync=False, repeat=None):
        """measure(server) gives {"value": …} and what else there is to tell."""
        got = {server.name: [] for server in self.both}
        if sync:
            got["bare fdatasync"] = []
        for _ in range(repeat or self.repeat):
            for server in self.both:
                before = server.cpu() if server.process else 0
                one = measure(server)
                if server.process:
                    one["cpu_s"] = server.cpu() - before
                got[server.name].append(one)
            if sync:
                got["bare fdatasync"].append(fdatasync_rate(1))
        medians = {name: statistics.median(one["value"] for one in values) for name, values in got.items()}
        own = medians[self.ours.name]
        subject = f"{self.on}: {subject}"
        print(f"\n{subject}")
        for name, values in got.items():
            each = [one["value"] for one in values]
            ratio = own / medians[name] if more_is_better else medians[name] / own
            line = f"  {name:<16} {medians[name]:12,.1f} {unit:<10} [{min(each):,.1f}–{max(each):,.1f}]"
            if name != self.ours.name:
                line += f"  martlet: {ratio:,.2f}×"
            for key in ("p50_ms", "p99_ms"):
                if key in values[0]:
                    line += f"  {key[:3]} {statistics.median(one[key] for one in values):.2f} ms"
            if any(one.get("errors") for one in values):
                line += f"  {sum(one['errors'] for one in values)} requests failed"
            print(line, flush=True)
            self.bench.results.append({"subject": subject, "name": name, "ours": name == self.ours.name, "unit": unit, "median": medians[name],
                                       "ratio": ratio, "runs": values})
        return medians

    def run(self, server, connection=None):
        connection = connection or Connection(server.url)
        return connection.call("POST", "runs/create", {"experiment_id": self.experiment[server.name], "start_time": filled.BEGIN})["run"]["info"]["run_id"]


def start(measuring):
    for server in measuring.both:
        shutil.rmtree(WORK / server.name, ignore_errors=True)

    def one(server):
        server.stop()
        server.process = None
        return {"value": server.start() * 1e3}

    measuring.turns("start on an empty folder to the first healthy answer", "ms", one, more_is_better=False)
    for server in measuring.both:
        measuring.experiment[server.name] = Connection(server.url).call("POST", "experiments/create", {"name": "bench"})["experiment_id"]
    time.sleep(2)
    measuring.turns("memory at rest (PSS of all its processes)", "MiB", lambda server: {"value": server.memory()}, more_is_better=False, repeat=1)


CLIENTS = (1, 8, 64)


def replayed(measuring, server, plans, seconds):
    """plans: for each client (tails, [(head, number of its tail)]); what its request is made of, in turn (replay.cc)."""
    folder = WORK / "plans"
    folder.mkdir(exist_ok=True)
    files = []
    for number, (tails, requests) in enumerate(plans):
        parts = [struct.pack("=I", len(tails))]
        parts += [struct.pack("=I", len(tail)) + tail for tail in tails]
        parts.append(struct.pack("=I", len(requests)))
        parts += [struct.pack("=II", tail, len(head)) + head for head, tail in requests]
        files.append(folder / str(number))
        files[-1].write_bytes(b"".join(parts))
    port = server.url.rsplit(":", 1)[1]
    told = subprocess.run([measuring.replay, port, str(seconds), *files], stdout=subprocess.PIPE, check=True).stdout
    shutil.rmtree(folder)
    return json.loads(told)


def small_writes(measuring):
    def creating(server, clients):
        body = json.dumps({"experiment_id": measuring.experiment[server.name], "start_time": filled.BEGIN, "tags": [{"key": "a", "value": "b"}]}).encode()
        head = Connection(server.url).head("POST", API + "runs/create", len(body))
        return [([body], [(head, 0)])] * clients

    def logging(server, clients):
        connection, salt, plans = Connection(server.url), time.time_ns() // 1_000_000, []
        for _ in range(clients):
            run, requests = prepared(lambda: measuring.run(server, connection)).encode(), []
            for turn in range(60_000 // clients):
                body = b'{"run_id":"%s","key":"loss","value":%d.5,"timestamp":%d,"step":%d}' % (run, turn, salt + turn, turn)
                requests.append((connection.head("POST", API + "runs/log-metric", len(body)) + body, 0))
            plans.append(([b""], requests))
        return plans

    for name, plans in (("runs/create", creating), ("runs/log-metric", logging)):
        for clients in CLIENTS:
            measuring.turns(f"{name}, {clients} client{'s' * (clients > 1)}", "/s",
                            lambda server, c=clients, p=plans: replayed(measuring, server, p(server, c), measuring.seconds), sync=clients == 1)


def batches(measuring):
    """10 keys × 100 steps a batch, 16 batches of other points to a run."""
    tails = []
    for number in range(16):
        metrics = [{"key": f"m{key}", "value": (number * BATCH + step) * 0.37 + key, "timestamp": filled.BEGIN + number * BATCH + step,
                    "step": number * 100 + step} for key in range(10) for step in range(100)]
        tails.append(('","metrics":' + json.dumps(metrics, separators=(",", ":")) + "}").encode())

    def one(server, clients):
        connection, plans = Connection(server.url), []
        for _ in range(clients):
            requests = []
            # More runs than either of the servers gets through.
            for _ in range(1 if server is measuring.theirs else 400 // clients):
                head = b'{"run_id":"' + prepared(lambda: measuring.run(server, connection)).encode()
                requests += [(connection.head("POST", API + "runs/log-batch", len(head) + len(tail)) + head, n) for n, tail in enumerate(tails)]
            plans.append((tails, requests))
        told = replayed(measuring, server, plans, measuring.seconds * 2)
        return {**told, "value": told["value"] * BATCH}

    for clients in (1, 8):
        measuring.turns(f"log-batch of 1,000 metrics, {clients} client{'s' * (clients > 1)}", "metrics/s", lambda server, c=clients: one(server, c))


def timed(work):
    began = time.perf_counter()
    work()
    return {"value": (time.perf_counter() - began) * 1e3}


def history(measuring):
    points, runs = max(BATCH, int(100_000 * measuring.bench.rows)), {}
    for server in measuring.both:
        connection = Connection(server.url)
        runs[server.name] = run = measuring.run(server, connection)
        for begin in range(0, points, BATCH):
            connection.call("POST", "runs/log-batch", {"run_id": run, "metrics": [
                {"key": "h", "value": i * 0.5, "timestamp": filled.BEGIN + i, "step": i} for i in range(begin, min(begin + BATCH, points))]})

    def one(server):
        connection, bodies = Connection(server.url), []

        def pages():
            token = ""
            while True:
                path = f"{API}metrics/get-history?run_id={runs[server.name]}&metric_key=h&max_results=25000{token}"
                status, body = connection.send(connection.head("GET", path, 0))
                assert status == 200, body[:300]
                bodies.append(body)
                # Only the end of the page is looked at while the clock runs: the token stands behind the points.
                following = json.loads(b"{" + body[body.rfind(b"]") + 1:].lstrip(b", \n")).get("next_page_token")
                if not following:
                    return
                token = "&page_token=" + quote(following)

        told = timed(pages)
        values = [metric["value"] for body in bodies for metric in json.loads(body)["metrics"]]
        assert values == [i * 0.5 for i in range(points)], f"{server.name} gave another history"
        return told

    measuring.turns(f"metrics/get-history of {points:,} points, pages of 25,000", "ms", one, more_is_better=False)


def search(measuring):
    count = max(200, int(10_000 * measuring.bench.rows))
    experiment = {measuring.ours.name: filled.over_http(measuring.ours, count), measuring.theirs.name: filled.into_database(measuring.theirs, count)}
    queries = [
        ("metric filter, order by metric, 100 back", {"filter": "metrics.accuracy > 0.5", "order_by": ["metrics.accuracy DESC"], "max_results": 100}),
        ("metric, param and tag, 100 back", {"filter": "metrics.loss < 5 and params.net = 'net3' and tags.team = 't1'", "max_results": 100}),
        ("tag ILIKE, order by start, 100 back", {"filter": "tags.team ILIKE 'T2'", "order_by": ["attributes.start_time ASC"], "max_results": 100}),
        ("no filter, newest 100", {"max_results": 100}),
        ("no filter, newest 1,000", {"max_results": 1000}),
    ]
    for name, query in queries:
        answers = {}

        def one(server):
            connection = Connection(server.url)
            body = json.dumps({"experiment_ids": [experiment[server.name]], **query}).encode()
            got = []
            told = timed(lambda: got.append(connection.send(connection.head("POST", API + "runs/search", len(body)), body)))
            status, answer = got[0]
            assert status == 200, answer[:300]
            answers[server.name] = [run["info"]["run_name"] for run in json.loads(answer)["runs"]]
            return told

        measuring.turns(f"runs/search over {count:,} runs: {name}", "ms", one, more_is_better=False)
        assert answers[measuring.ours.name] == answers[measuring.theirs.name], f"{name}: the two found other runs"


def artifacts(measuring):
    content = os.urandom(max(2, int(64 * measuring.bench.rows)) << 20)
    numbers = {server.name: 0 for server in measuring.both}

    def path(server):
        return f"/api/2.0/mlflow-artifacts/artifacts/{measuring.experiment[server.name]}/{runs[server.name]}/artifacts/big-{numbers[server.name]}.bin"

    runs = {server.name: measuring.run(server) for server in measuring.both}

    def up(server):
        numbers[server.name] += 1
        connection = Connection(server.url)
        # Another first MiB each time: a store that knows equal files would have nothing to write.
        body = os.urandom(1 << 20) + content[1 << 20:]

        def work():
            status, answer = connection.send(connection.head("PUT", path(server), len(body), "application/octet-stream"), body)
            assert status == 200, answer[:300]
        return timed(work)

    def down(server):
        connection, got = Connection(server.url), []
        told = timed(lambda: got.append(connection.send(connection.head("GET", path(server), 0))))
        assert got[0][0] == 200 and len(got[0][1]) == len(content)
        return told

    size = len(content) >> 20
    measuring.turns(f"artifact of {size} MiB up", "ms", up, more_is_better=False)
    measuring.turns(f"artifact of {size} MiB down", "ms", down, more_is_better=False)


def all_parts(measuring):
    only = os.environ.get("TRACKING_ONLY", "small_writes,batches,history,search,artifacts").split(",")
    try:
        start(measuring)
        for part in (small_writes, batches, history, search, artifacts):
            if part.__name__ in only:
                part(measuring)
        measuring.turns("memory behind all of it", "MiB", lambda server: {"value": server.memory()}, more_is_better=False, repeat=1)
    finally:
        for server in measuring.both:
            server.stop()


def measure(bench):
    on = os.environ.get("TRACKING_ON", "sqlite,postgres").split(",")
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if "sqlite" in on:
        all_parts(Measuring(bench))
    if "postgres" in on:
        with servers.postgres() as address:
            if address:
                all_parts(Measuring(bench, address))
    shutil.rmtree(WORK, ignore_errors=True)
