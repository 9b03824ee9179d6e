"""Differences planted into a store: its records say another thing than what the run gave. What a damaged or doctored store looks like."""
import hashlib
import json
import sqlite3
from pathlib import Path


class Planted:
    """The store of a project's folder, opened for tampering."""

    def __init__(self, project):
        self.folder = Path(project) / ".martlet"

    def _connect(self):
        return sqlite3.connect(self.folder / "metadata.db")

    def path_of(self, digest):
        """Where the blob "sha256:…" lies."""
        digits = digest.removeprefix("sha256:")
        return self.folder / "blobs" / digits[:2] / digits[2:]

    def read(self, digest):
        return self.path_of(digest).read_bytes()

    def store(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        path = self.path_of(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return digest

    def damage(self, digest, at=-2):
        """Flips one bit of the blob's bytes."""
        path = self.path_of(digest)
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)

    def outputs(self, run, step):
        with self._connect() as database:
            row = database.execute("select outputs from pipeline_steps where run = ? and name = ?", (run, step)).fetchone()
        assert row, f"run {run} has no step {step}"
        return json.loads(row[0])

    def change_outputs(self, run, step, change):
        """`change` gets the step's outputs and alters them in place."""
        outputs = self.outputs(run, step)
        change(outputs)
        with self._connect() as database:
            database.execute("update pipeline_steps set outputs = ? where run = ? and name = ?", (json.dumps(outputs), run, step))
        database.close()

    def forget_version(self, dataset, number):
        with self._connect() as database:
            for table in ("dataset_versions", "dataset_provenance"):
                database.execute(f"delete from {table} where dataset = ? and number = ?", (dataset, number))
        database.close()

    def parts_of(self, dataset, number):
        with self._connect() as database:
            row = database.execute("select parts from dataset_versions where dataset = ? and number = ?", (dataset, number)).fetchone()
        return [part["digest"] for part in json.loads(row[0])]

    def counts(self):
        """Rows by table: to show that nothing was written."""
        with self._connect() as database:
            tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table' order by name")]
            return {table: database.execute(f'select count(*) from "{table}"').fetchone()[0] for table in tables}
