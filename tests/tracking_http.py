"""MLflow's REST interface without a client in between, for tests that compare answers."""
import requests

# What differs between two stores that were filled alike.
TIMES = {"creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp", "creation_timestamp_ms", "last_updated_timestamp_ms"}


class Tracking:
    def __init__(self, url):
        self.url = url
        self.session = requests.Session()

    def send(self, method, path, body=None, **more):
        path = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        return self.session.request(method, self.url + path, json=body, timeout=60, **more)

    def ask(self, method, path, body=None, **more):
        """The JSON of an answer that must be good."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()

    def post(self, call, **body):
        return self.ask("POST", call, body)

    def get(self, call, **parameters):
        return self.ask("GET", call, params=parameters)

    def refused(self, method, path, body=None, **more):
        """Status and code of an answer that must not be good."""
        answer = self.send(method, path, body, **more)
        assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.status_code, answer.json()["error_code"]

    def pages(self, path, items, **body):
        """All of a paged search, and how many pages it was."""
        found, count, token = [], 0, None
        while True:
            answer = self.post(path, **body, **({"page_token": token} if token else {}))
            found += answer.get(items, [])
            count += 1
            token = answer.get("next_page_token")
            if not token:
                return found, count


def plain(answer, names):
    """The answer without times, its keys in order, and each id that `names` knows by its name. (Numbers of experiments stay.)"""
    if isinstance(answer, dict):
        return {key: plain(item, names) for key, item in sorted(answer.items()) if key not in TIMES}
    if isinstance(answer, list):
        return [plain(item, names) for item in answer]
    if isinstance(answer, str):
        for known, name in names.items():
            answer = answer.replace(known, f"<{name}>") if not known.isdigit() else answer
    return answer
