"""A store on one pair of a place for records and a place for blobs, its server, and runs whose search results are known."""
import random

from program import environment, martlet
from server_process import Server
from tracking_http import Tracking, plain

PAIRS = ["sqlite-folder", "sqlite-s3", "postgres-folder", "postgres-s3"]
CHANCE = random.Random(7)
LONG = "".join(CHANCE.choice("abcdefghijklmnopqrstuvwxyzäöü0123456789") for _ in range(5000))  # nothing compresses it



def noise(characters):
    """A text of characters of four bytes that nothing compresses; always the same one of a length."""
    chance = random.Random(characters)
    return "".join(chr(chance.randrange(0x10000, 0xe0000)) for _ in range(characters))


# name, status, start_time, metrics, params, tags
RUNS = [
    ("a0", "FINISHED", 1000, {"acc": 0.1, "loss": 9.0}, {"model": "tree", "rate": "0.1"}, {"team": "blue"}),
    ("a1", "FINISHED", 1001, {"acc": 0.2, "loss": 8.0}, {"model": "Tree-2"}, {"team": "Blue", "note": "it's fine"}),
    ("a2", "FAILED", 1002, {"acc": 0.3}, {"model": "linear", "rate": "1e-3"}, {"team": "red"}),
    ("a3", "RUNNING", 1003, {"acc": "NaN"}, {"model": "forest_a"}, {"team": "grün", "note": "100%"}),
    ("a4", "KILLED", 1004, {"acc": "Infinity"}, {"model": "forestXa", "größe": "5"}, {"note": "back\\slash"}),
    ("a5", "FINISHED", 1005, {"acc": -1.0, "loss": -2.0}, {}, {"team": ""}),
    ("a6", "FINISHED", 1006, {}, {"model": "o'tree"}, {"team": "blue", "note": 'say "yes"'}),
    ("a7", "SCHEDULED", 1007, {"acc": 1e300}, {"model": "TREE"}, {"team": "İstanbul", "long": LONG}),
]
FILTERS = [
    ("", "a0 a1 a2 a3 a4 a5 a6 a7"),
    ("metrics.acc > 0.15", "a1 a2 a4 a7"),
    ("metrics.acc != 0.1", "a1 a2 a3 a4 a5 a7"),
    ("metrics.acc > 1e299 and metrics.acc < 1e301", "a7"),
    ("metrics.loss < 8.5", "a1 a5"),
    ("params.model LIKE 'tree%'", "a0"),
    ("params.model ILIKE 'tree%'", "a0 a1 a7"),
    ("params.model LIKE 'forest_a'", "a3 a4"),
    ('params.model = "o\'tree"', "a6"),
    ("params.`größe` = '5'", "a4"),
    ("params.rate IS NULL", "a1 a3 a4 a5 a6 a7"),
    ("params.rate IS NOT NULL", "a0 a2"),
    ("tags.team = ''", "a5"),
    ("tags.team ILIKE 'BLUE'", "a0 a1 a6"),
    ("tags.team LIKE 'gr_n'", "a3"),
    ("tags.team LIKE '_stanbul'", "a7"),
    ("tags.note LIKE '%100%'", "a3"),
    ("tags.note = 'back\\slash'", "a4"),
    ("tags.note LIKE 'back\\slash'", "a4"),
    ("tags.note LIKE '%\"yes\"'", "a6"),
    ('tags.note = "it\'s fine"', "a1"),
    (f"tags.long = '{LONG}'", "a7"),
    (f"tags.long != '{LONG[:-1]}'", "a7"),
    (f"tags.long LIKE '{LONG[:4000]}%'", "a7"),
    ("attributes.status = 'FINISHED' and tags.team = 'blue'", "a0 a6"),
    ("attributes.start_time >= 1005 and attributes.start_time < 1007", "a5 a6"),
    ("run_name LIKE 'a%' and params.model != 'tree'", "a1 a2 a3 a4 a6 a7"),
    ("datasets.name = 'orders'", "a0 a1"),
    ("datasets.name IN ('other', 'orders') and datasets.context = 'training'", "a0"),
    ("metrics.absent > 0", ""),
]
ORDERS = [
    (["attributes.start_time DESC"], "a7 a6 a5 a4 a3 a2 a1 a0"),
    ([], "a7 a6 a5 a4 a3 a2 a1 a0"),
    (["metrics.acc ASC"], "a5 a0 a1 a2 a7 a4 a3 a6"),
    (["metrics.acc DESC"], "a4 a7 a2 a1 a0 a5 a3 a6"),
    (["params.model ASC"], "a7 a1 a4 a3 a2 a6 a0 a5"),
    (["params.model DESC"], "a0 a6 a2 a3 a4 a1 a7 a5"),
    (["tags.team", "attributes.start_time"], "a5 a1 a0 a6 a3 a2 a7 a4"),
    (["metrics.loss", "attributes.run_name DESC"], "a5 a1 a0 a7 a6 a4 a3 a2"),
    (["attributes.status", "attributes.run_name"], "a2 a0 a1 a5 a6 a4 a3 a7"),
]


class Filled:
    """A store of one pair, its server, and what was put into it."""

    def __init__(self, pair, folder, services, answers):
        records, blobs = pair.split("-")
        self.pair, self.folder = pair, folder
        store = str(folder / ".martlet") if records == "sqlite" else f"{services['postgres'].url}?schema=pair_{blobs}"
        place = {} if blobs == "folder" else {"MARTLET_BLOBS": services["s3"].place(f"pairs/{records}")}
        self.env = environment(MARTLET_STORE=store, **place, **services["s3"].credentials())
        self.answers = answers
        self.names = {}  # id: name
        self.ids = {}    # name: id
        self.start()

    def start(self):
        self.server = Server(self.folder, env=self.env)
        self.http = Tracking(self.server.url)

    def martlet(self, *arguments, **how):
        return martlet(*arguments, "--json", cwd=self.folder, env=self.env, **how).json

    def know(self, name, id_):
        self.names[id_], self.ids[name] = name, id_
        return id_

    def keep(self, name, answer):
        """The answer without ids and times, for the comparison of the pairs."""
        told = plain(answer, self.names)
        self.answers[name] = told
        return told

    def run(self, name, experiment, began=2000, tags=()):
        made = self.http.post("runs/create", experiment_id=experiment, run_name=name, start_time=began, user_id="Zoë",
                              tags=[{"key": key, "value": value} for key, value in tags])
        return self.know(name, made["run"]["info"]["run_id"])

    def put(self, run, path, content):
        uri = self.http.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        self.http.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{uri}/{path}", data=content)
        return f"/api/2.0/mlflow-artifacts/artifacts/{uri}/{path}"

    def experiment(self, name):
        return self.http.post("experiments/create", name=name)["experiment_id"]

    def fill(self):
        """RUNS, in the experiment "searched"."""
        self.searched = self.experiment("größe/searched")
        for name, status, began, metrics, params, tags in RUNS:
            run = self.run(name, self.searched, began, tags.items())
            self.http.post("runs/log-batch", run_id=run, metrics=[{"key": key, "value": value, "timestamp": 1, "step": 0} for key, value in metrics.items()],
                           params=[{"key": key, "value": value} for key, value in params.items()])
            ended = {"end_time": began + 5} if status in ("FINISHED", "FAILED", "KILLED") else {}
            self.http.post("runs/update", run_id=run, status=status, **ended)
        for name, dataset, context in (("a0", "orders", "training"), ("a1", "orders", "test"), ("a2", "other", "test")):
            described = {"name": dataset, "digest": "d1", "source_type": "local", "source": "{}"}
            self.http.post("runs/log-inputs", run_id=self.ids[name],
                           datasets=[{"dataset": described, "tags": [{"key": "mlflow.data.context", "value": context}]}])
