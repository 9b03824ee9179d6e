"""A shop whose world turns over: what made an order good makes it bad from some day on. Served, asked, told the truth."""
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone

import orders
import requests
from program import PROGRAM, environment, martlet

COLUMNS = ["id", "at", "x", "z", "colour"]

MONITORING = """
monitoring:
  windows: [2s]
  alerts:
    - {name: gain-falls, when: "kpi.gain < 0", for: 1, window: 2s, then: [retrain, {webhook: "${env:HOOK_URL}"}]}
  retrain: {cooldown: 1h, holdout: 8d, window: 18d, promote: significant}
"""


def begin_of(days):
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%d")


def make(folder, monitoring=MONITORING, lightgbm="lightgbm: {rounds: 20, num_leaves: 7}"):
    """History until a month ago, a version that is live, and a loop that is to notice what comes."""
    project = orders.PROJECT.replace("    - logistic\n", "").replace("lightgbm: {rounds: 20, num_leaves: 7}", lightgbm) + monitoring
    shop = orders.make(folder, project=project, begin=begin_of(60))
    run = martlet("run", "--json", cwd=shop).json
    assert run["model"]["live"] == "experiment", run["gates"]
    return shop


def turned_over(count=1500, days=16, seed=11):
    """Orders of the last days in any order, in which good is bad; ids of their own."""
    frame = orders.rows(count=count, seed=seed, begin=begin_of(days))
    frame["id"] += 100_000 * seed
    frame["good"] = ~frame["good"]
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


class Server:
    """`martlet serve` in the shop's folder."""

    def __init__(self, shop, *flags, hook=None):
        more = {} if hook is None else {"HOOK_URL": hook}
        self.process = subprocess.Popen([PROGRAM, "serve", "--log", "info", "--listen", "127.0.0.1:0", *flags], cwd=shop,
                                        env=environment(**more), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            if found:
                self.url = found.group(1)
                break
        else:
            raise AssertionError("serve ended without listening:\n" + "".join(self.said))
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def ask(self, rows):
        records = [{name: None if value != value else value for name, value in row.items()} for row in rows[COLUMNS].to_dict("records")]
        answer = requests.post(f"{self.url}/invocations", json={"dataframe_records": records}, timeout=30)
        assert answer.status_code == 200, answer.text
        return [row["score"] for row in answer.json()["predictions"]]

    def tell(self, rows):
        records = [{"key": {"id": row.id}, "actual": bool(row.good)} for row in rows.itertuples()]
        answer = requests.post(f"{self.url}/api/v1/truth", json={"records": records}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def version(self):
        return str(requests.get(f"{self.url}/api/v1/health", timeout=10).json()["version"])


def monitored(shop):
    return martlet("monitor", "show", "--json", "--limit", "1000", cwd=shop).json


def trainings(shop):
    return [turn for turn in monitored(shop)["turns"] if turn["decision"] != "refused"]


def traffic(server, rows, rounds, first=0, pause=0.3, enough=lambda: False):
    """Small rounds of questions and, at once, their truth, until it is enough; the first round may be a large one."""
    size = max(1, (len(rows) - first) // rounds)
    for number in range(rounds):
        part = rows[:max(first, size)] if number == 0 else rows[first + number * size:first + (number + 1) * size]
        if len(part) == 0:
            return
        server.ask(part)
        server.tell(part)
        if enough():
            return
        time.sleep(pause)


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.1)


def processes_of(shop):
    """Command lines of all processes that name this shop's folder."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(shop) in line and "martlet" in line:
            found.append(line)
    return found


class Hook:
    """A receiver of webhooks that refuses the first few calls."""

    def __init__(self, failures=0):
        self.received, self.calls, hook = [], 0, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.calls += 1
                refuse = hook.calls <= failures
                if not refuse:
                    hook.received.append((self.headers["martlet-webhook-id"], json.loads(body)))
                self.send_response(503 if refuse else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/very-secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
