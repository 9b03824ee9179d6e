"""Ten thousand runs for the search, the same in both servers: run i has the metrics and tags that numbered(i) says."""
import json
import sqlite3
import threading
import time
import uuid

from connection import API, Connection

BEGIN = 1_700_000_000_000


def numbered(i):
    """Metrics, params and tags of run i; accuracy takes 10,007 different values in a scattered order."""
    return ({"accuracy": (i * 7919 % 10007) / 10007, "loss": (i * 4729 % 10007) / 1000}, {"rate": str(i % 10 / 10), "net": f"net{i % 7}"},
            {"team": f"t{i % 5}"})


def over_http(server, count, clients=16):
    """The experiment's id. Each run is created and filled by one batch."""
    experiment = Connection(server.url).call("POST", "experiments/create", {"name": "searched"})["experiment_id"]
    failures = []

    def work(number):
        connection = Connection(server.url)
        try:
            for i in range(number, count, clients):
                metrics, params, tags = numbered(i)
                run = connection.call("POST", "runs/create", {"experiment_id": experiment, "run_name": f"run-{i}",
                                                              "start_time": BEGIN + i})["run"]["info"]["run_id"]
                body = json.dumps({"run_id": run, "metrics": [{"key": key, "value": value, "timestamp": 1, "step": 0} for key, value in metrics.items()],
                                   "params": [{"key": key, "value": value} for key, value in params.items()],
                                   "tags": [{"key": key, "value": value} for key, value in tags.items()]}).encode()
                status, answer = connection.send(connection.head("POST", API + "runs/log-batch", len(body)), body)
                assert status == 200, answer
        except Exception as failure:  # noqa: BLE001: raised again below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return experiment


def into_database(server, count):
    """The same for the real server, straight into its database, since it would take many minutes over HTTP."""
    experiment = Connection(server.url).call("POST", "experiments/create", {"name": "searched"})["experiment_id"]
    runs, metrics, params, tags = [], [], [], []
    for i in range(count):
        run = uuid.uuid4().hex
        runs.append({"run_uuid": run, "name": f"run-{i}", "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "user_id": "",
                     "status": "RUNNING", "start_time": BEGIN + i, "source_version": "", "lifecycle_stage": "active",
                     "artifact_uri": f"mlflow-artifacts:/{experiment}/{run}/artifacts", "experiment_id": int(experiment)})
        values, chosen, marks = numbered(i)
        metrics += [{"run_uuid": run, "key": key, "value": value, "timestamp": 1, "step": 0, "is_nan": False} for key, value in values.items()]
        params += [{"run_uuid": run, "key": key, "value": value} for key, value in chosen.items()]
        tags += [{"run_uuid": run, "key": key, "value": value} for key, value in {**marks, "mlflow.runName": f"run-{i}"}.items()]
    tables = (("runs", runs), ("metrics", metrics), ("latest_metrics", metrics), ("params", params), ("tags", tags))
    (into_postgres if server.database else into_sqlite)(server, tables)
    time.sleep(0.1)
    return experiment


def into_sqlite(server, tables):
    database = sqlite3.connect(server.folder / "mlflow.db", timeout=120, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    for table, records in tables:
        names = known_columns(records, (column[1] for column in database.execute(f"PRAGMA table_info({table})")))
        database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                             ([record[name] for name in names] for record in records))
    database.execute("COMMIT")
    database.close()


def into_postgres(server, tables):
    for table, records in tables:
        there = server.database.query(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'")
        names = known_columns(records, there.split())
        lines = "".join("\t".join(str(record[name]) for name in names) + "\n" for record in records)
        server.database.query(f"COPY {table} ({', '.join(names)}) FROM STDIN", lines.encode())
    server.database.query("ANALYZE")


def known_columns(records, there):
    there = set(there)
    return [name for name in records[0] if name in there]
