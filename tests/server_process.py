"""A running `martlet serve`, for the tests that speak to it."""
import re
import signal
import subprocess
import threading

import requests
from program import PROGRAM, environment

COLUMNS = ["at", "x", "z", "colour"]


class Server:
    def __init__(self, shop, *flags, env=None):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", *flags], cwd=shop, env=env or environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"listening on (http://127\.0\.0\.1:(\d+))", line)
            if found:
                self.url, self.port = found.group(1), int(found.group(2))
                break
        else:
            raise AssertionError("serve ended without listening:\n" + "".join(self.said))
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def score(self, rows):
        answer = requests.post(f"{self.url}/invocations", json={"dataframe_records": records(rows)}, timeout=10)
        assert answer.status_code == 200, answer.text
        return [row["score"] for row in answer.json()["predictions"]]


def records(rows, columns=None):
    """Rows as JSON objects; a missing value is null."""
    chosen = rows[columns or COLUMNS]
    return [{name: None if value != value else value for name, value in row.items()} for row in chosen.to_dict("records")]
