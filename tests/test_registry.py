"""The registry from both sides: MLflow's calls over HTTP, and the verbs of `martlet models`, on one store."""
import pytest
import requests
from program import CONFLICT, WORK_FAILED, WRONG_CALL, martlet
from server_process import Server


class Registry:
    def __init__(self, url, store):
        self.url, self.store = f"{url}/api/2.0/mlflow/", store

    def post(self, call, **body):
        answer = requests.post(self.url + call, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, call, **query):
        answer = requests.get(self.url + call, params=query, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def models(self, *arguments, **more):
        return martlet("models", *arguments, "--store", self.store, "--json", **more).json


@pytest.fixture
def registry(tmp_path):
    with Server(tmp_path, "--store", "store") as server:
        made = Registry(server.url, tmp_path / "store")
        made.post("registered-models/create", name="churn", tags=[{"key": "team", "value": "risk"}])
        for path in ("a", "b", "c"):
            made.post("model-versions/create", name="churn", source=f"s3://bucket/{path}", description=path)
        yield made
        assert server.stop() == 0


def test_what_a_client_registers_the_command_line_finds(registry):
    assert [(version["name"], version["version"], version["source"], version["package"])
            for version in registry.models("list")] == [("churn", number, f"s3://bucket/{path}", None)
                                                        for number, path in ((3, "c"), (2, "b"), (1, "a"))]
    assert [model["name"] for model in registry.models("search", "tags.team = 'risk'")] == ["churn"]
    assert registry.models("search", "tags.team = 'other'") == []
    found = registry.models("search", "name = 'churn' AND version_number < 3", "--versions", "--order-by", "version_number DESC",
                            "--limit", "1")
    assert [version["version"] for version in found] == [2]
    assert registry.models("show", "churn/2")["description"] == "b"
    assert "params" in registry.models("search", "params.x = '1'", expect=WRONG_CALL)["error"]["message"]


def test_what_the_command_line_changes_the_client_sees(registry):
    registry.models("tag", "churn", "owner", "ann")
    registry.models("tag", "churn", "team", "--remove")
    registry.models("tag", "churn/1", "quality", "good")
    registry.models("describe", "churn", "who leaves")
    registry.models("alias", "churn/2", "challenger")
    model = registry.get("registered-models/get", name="churn")["registered_model"]
    assert model["tags"] == [{"key": "owner", "value": "ann"}]
    assert model["description"] == "who leaves"
    assert model["aliases"] == [{"alias": "challenger", "version": "2"}]
    assert registry.get("model-versions/get", name="churn", version="1")["model_version"]["tags"] == [
        {"key": "quality", "value": "good"}]
    copy = registry.models("copy", "churn@challenger", "second")
    assert (copy["name"], copy["version"], copy["source"]) == ("second", 1, "models:/churn/2")
    assert registry.get("model-versions/get-download-uri", name="second", version="1")["artifact_uri"] == "s3://bucket/b"
    registry.models("alias", "churn", "challenger", "--remove")
    registry.models("delete", "churn/2")
    registry.models("rename", "churn", "leaving")
    assert requests.get(registry.url + "registered-models/get", params={"name": "churn"}, timeout=10).status_code == 404
    latest = registry.get("registered-models/get", name="leaving")["registered_model"]["latest_versions"]
    assert [version["version"] for version in latest] == ["3"]
    assert registry.models("delete", "leaving", "--all-versions") == {"removed": "leaving", "versions": 2}


def test_what_is_refused_says_what_to_do(registry):
    def refusal(*arguments, expect=WRONG_CALL):
        return registry.models(*arguments, expect=expect)["error"]["message"]

    assert "promote" in refusal("alias", "churn/1", "live")
    assert "--all-versions" in refusal("delete", "churn")
    assert "number" in refusal("delete", "churn/latest")
    assert "churn/1" in refusal("alias", "churn", "challenger")
    assert "not found" in refusal("describe", "other", "x")
    assert "already exists" in (registry.models("copy", "churn/1", "second") and refusal("rename", "churn", "second",
                                                                                         expect=CONFLICT))
    promotion = registry.models("promote", "churn/1", "--to", "production", expect=WORK_FAILED)
    assert not promotion["moved"] and "no martlet package" in promotion["checks"][0]["why"]


def test_the_store_is_sound_afterwards(tmp_path):
    with Server(tmp_path, "--store", "store") as server:
        registry = Registry(server.url, tmp_path / "store")
        registry.post("registered-models/create", name="churn")
        registry.post("model-versions/create", name="churn", source="s3://bucket/a", tags=[{"key": "k", "value": "v"}])
        registry.post("registered-models/alias", name="churn", alias="challenger", version="1")
        registry.post("registered-models/rename", name="churn", new_name="leaving")
        registry.models("copy", "leaving/1", "second")
        requests.delete(registry.url + "model-versions/delete", json={"name": "leaving", "version": "1"}, timeout=10)
        requests.delete(registry.url + "registered-models/delete", json={"name": "second"}, timeout=10)
        server.stop()
    assert martlet("verify", "--store", tmp_path / "store", "--json").json["damages"] == []
