"""What stands for {run}, {experiment}, … in the tables of requests."""
import re

from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param

PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


class Known(dict):
    """What the placeholders stand for, each made when it is first needed: rows fail by themselves, not for what others need."""

    def __init__(self, client, unique):
        super().__init__()
        self._client = client
        self._unique = unique

    def __missing__(self, name):
        self[name] = getattr(self, "_" + name.strip("{}"))()
        return self[name]

    def _experiment(self):
        return self._client.create_experiment(self._unique("refusals"))

    def _deleted_experiment(self):
        experiment = self._client.create_experiment(self._unique("refusals-deleted"))
        self._client.delete_experiment(experiment)
        return experiment

    def _run(self):
        run = self._client.create_run(self["{experiment}"]).info.run_id
        self._client.log_param(run, "depth", 3)
        return run

    def _deleted_run(self):
        run = self._client.create_run(self["{experiment}"]).info.run_id
        self._client.delete_run(run)
        return run

    def _model(self):
        model = self._client.create_registered_model(self._unique("refused")).name
        self._client.create_model_version(model, self._client.get_run(self["{run}"]).info.artifact_uri + "/model", self["{run}"])
        return model

    def _full_run(self):
        """A run with everything that a run can have."""
        run = self._client.create_run(self["{experiment}"], run_name="full", tags={"team": "blue"}).info.run_id
        self._client.log_batch(run, [Metric("loss", 0.5, 1000, 0), Metric("loss", 0.25, 1001, 1)], [Param("depth", "3")])
        tags = [InputTag("mlflow.data.context", "training")]
        data = Dataset(name="orders", digest="d1", source_type="local", source="{}", schema="{}", profile="{}")
        self._client.log_inputs(run, [DatasetInput(data, tags)])
        self._client.log_outputs(run, [LoggedModelOutput(self["{logged_model}"], step=1)])
        self._client.log_text(run, "hello", "notes/a.txt")
        self._client.log_text(run, "hello", "b.txt")
        self._client.set_terminated(run)
        return run

    def _full_model(self):
        """A registered model with everything that one can have: two versions, tags, an alias, a stage."""
        name = self._client.create_registered_model(self._unique("full"), tags={"team": "blue"}, description="all of it").name
        place = self._client.get_run(self["{full_run}"]).info.artifact_uri + "/notes"
        for number in (1, 2):
            self._client.create_model_version(name, place, self["{full_run}"], tags={"n": str(number)}, description="a version", run_link="http://localhost/")
        self._client.set_registered_model_alias(name, "champion", 2)
        return name

    def _full_logged_model(self):
        model = self._client.create_logged_model(self["{experiment}"], name="full", source_run_id=self["{full_run}"], model_type="tree",
                                                 params={"depth": "3"}, tags={"team": "blue"}).model_id
        self._client.log_metric(self["{full_run}"], "accuracy", 0.5, step=1, model_id=model)
        self._client.finalize_logged_model(model, "READY")
        return model

    def _taken(self):
        return self._client.create_registered_model(self._unique("taken")).name

    def _fresh(self):
        return self._unique("fresh")

    def _logged_model(self):
        return self._client.create_logged_model(self["{experiment}"], name="m").model_id


def filled(value, known):
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: known[found.group()], value)
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, known) for name, item in value.items()}
    return value
