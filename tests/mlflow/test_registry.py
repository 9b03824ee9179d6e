"""The model registry by MlflowClient: names, versions, aliases, stages, tags, search, copies."""
import threading

import pytest
from mlflow.exceptions import MlflowException

pytestmark = [pytest.mark.filterwarnings("ignore::FutureWarning")]  # stages are deprecated, and old clients live from them


@pytest.fixture
def name(client, unique):
    name = unique("model")
    client.create_registered_model(name, tags={"team": "blue"}, description="what it is for")
    return name


@pytest.fixture
def source(client, experiment):
    """A run with a file that stands for a model, and the source of a version of it."""
    run = client.create_run(experiment).info.run_id
    client.log_text(run, "weights", "model/MLmodel")
    return run, client.get_run(run).info.artifact_uri + "/model"


def versions(found):
    return sorted(int(one.version) for one in found)


def test_a_model_is_made_described_renamed_and_deleted(client, name, source, unique, refused):
    run, place = source
    model = client.get_registered_model(name)
    assert model.description == "what it is for" and model.tags == {"team": "blue"} and model.latest_versions == []
    assert model.last_updated_timestamp >= model.creation_timestamp > 1_600_000_000_000
    client.create_model_version(name, place, run)
    client.update_registered_model(name, description="something else")
    other = unique("other")
    client.rename_registered_model(name, other)
    assert client.get_registered_model(other).description == "something else"
    assert client.get_model_version(other, 1).name == other
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model(name)
    client.delete_registered_model(other)
    for gone in (lambda: client.get_registered_model(other), lambda: client.get_model_version(other, 1), lambda: client.delete_registered_model(other)):
        with refused("RESOURCE_DOES_NOT_EXIST"):
            gone()


def test_names_are_taken_once(client, name, unique, refused):
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(name)
    other = unique("other")
    client.create_registered_model(other)
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.rename_registered_model(other, name)


@pytest.mark.parametrize("bad", ["", " ", "a/b", "a:b"])
def test_bad_names_are_refused(client, refused, bad):
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_registered_model(bad)


def test_versions_count_from_one(client, name, source, refused):
    run, place = source
    for number in (1, 2, 3):
        made = client.create_model_version(name, place, run, tags={"n": str(number)}, description=f"try {number}", run_link="http://localhost/run")
        assert int(made.version) == number and made.status == "READY" and made.current_stage == "None"
    second = client.get_model_version(name, 2)
    assert second.tags == {"n": "2"} and second.description == "try 2" and second.run_id == run and second.run_link == "http://localhost/run"
    assert second.source == place and client.get_model_version_download_uri(name, 2) == place
    client.update_model_version(name, 2, description="better")
    assert client.get_model_version(name, 2).description == "better"
    client.delete_model_version(name, 2)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_model_version(name, 2)
    assert versions(client.search_model_versions(f"name = '{name}'")) == [1, 3]
    assert int(client.create_model_version(name, place, run).version) == 4
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.create_model_version(name + "-unknown", place, run)


def test_eight_threads_get_different_versions(client, name, source):
    run, place = source
    failures = []

    def work():
        try:
            for _ in range(3):
                client.create_model_version(name, place, run)
        except MlflowException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not failures, failures
    assert versions(client.search_model_versions(f"name = '{name}'")) == list(range(1, 25))


def test_aliases_point_move_and_vanish(client, name, source, refused):
    run, place = source
    for _ in range(3):
        client.create_model_version(name, place, run)
    client.set_registered_model_alias(name, "champion", 1)
    client.set_registered_model_alias(name, "challenger", 2)
    client.set_registered_model_alias(name, "champion", 2)
    assert {alias: int(version) for alias, version in client.get_registered_model(name).aliases.items()} == {"champion": 2, "challenger": 2}
    assert sorted(client.get_model_version(name, 2).aliases) == ["challenger", "champion"]
    assert int(client.get_model_version_by_alias(name, "champion").version) == 2
    client.delete_registered_model_alias(name, "challenger")
    client.delete_registered_model_alias(name, "never-was")
    with refused("INVALID_PARAMETER_VALUE"):
        client.get_model_version_by_alias(name, "challenger")
    client.delete_model_version(name, 2)
    with refused("INVALID_PARAMETER_VALUE"):
        client.get_model_version_by_alias(name, "champion")
    assert client.get_registered_model(name).aliases == {}
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.set_registered_model_alias(name, "champion", 77)
    for bad in ("latest", "v3", "a b", "a/b"):
        with refused("INVALID_PARAMETER_VALUE"):
            client.set_registered_model_alias(name, bad, 1)


def test_stages_archive_what_stood_there(client, name, source, refused):
    run, place = source
    for _ in range(3):
        client.create_model_version(name, place, run)
    client.transition_model_version_stage(name, 1, "Production")
    client.transition_model_version_stage(name, 2, "production", archive_existing_versions=True)
    assert client.get_model_version(name, 1).current_stage == "Archived" and client.get_model_version(name, 2).current_stage == "Production"
    client.transition_model_version_stage(name, 3, "Staging")
    latest = {one.current_stage: int(one.version) for one in client.get_latest_versions(name)}
    assert latest == {"Archived": 1, "Production": 2, "Staging": 3}
    assert [int(one.version) for one in client.get_latest_versions(name, ["Production"])] == [2]
    assert versions(client.get_registered_model(name).latest_versions) == [1, 2, 3]
    with refused("INVALID_PARAMETER_VALUE"):
        client.transition_model_version_stage(name, 3, "Nowhere")


@pytest.mark.real_fails("answers 500, so that its client tries for minutes")
def test_only_live_stages_archive(client, name, source, refused):
    client.create_model_version(name, source[1], source[0])
    with refused("INVALID_PARAMETER_VALUE"):
        client.transition_model_version_stage(name, 1, "Archived", archive_existing_versions=True)


def test_tags_of_models_and_versions(client, name, source):
    run, place = source
    client.create_model_version(name, place, run)
    client.set_registered_model_tag(name, "ключ", "значение")
    client.set_registered_model_tag(name, "team", "red")
    client.delete_registered_model_tag(name, "never-was")
    assert client.get_registered_model(name).tags == {"team": "red", "ключ": "значение"}
    client.delete_registered_model_tag(name, "ключ")
    assert client.get_registered_model(name).tags == {"team": "red"}
    client.set_model_version_tag(name, 1, "checked", "yes")
    client.set_model_version_tag(name, 1, "checked", "no")
    client.set_model_version_tag(name, 1, "gone", "soon")
    client.delete_model_version_tag(name, 1, "gone")
    client.delete_model_version_tag(name, 1, "never-was")
    assert client.get_model_version(name, 1).tags == {"checked": "no"}


def test_a_version_is_copied_to_another_model(client, name, source, unique):
    run, place = source
    client.create_model_version(name, place, run, tags={"n": "1"})
    copy = client.copy_model_version(f"models:/{name}/1", unique("copy"))
    assert int(copy.version) == 1 and copy.source == f"models:/{name}/1"
    assert client.get_model_version_download_uri(copy.name, 1) == place


@pytest.fixture(scope="module")
def family(client, unique):
    """The prefix of five models -a to -E; team blue on a and c; two versions of a and one of c, tagged."""
    prefix = unique("family")
    experiment = client.create_experiment(unique("family"))
    run = client.create_run(experiment).info.run_id
    place = client.get_run(run).info.artifact_uri + "/model"
    for letter, tags in (("a", {"team": "blue"}), ("b", {}), ("c", {"team": "Blue"}), ("d", {"team": "red"}), ("E", {})):
        client.create_registered_model(f"{prefix}-{letter}", tags=tags)
    client.create_model_version(f"{prefix}-a", place, run, tags={"size": "big"})
    client.create_model_version(f"{prefix}-a", place, run, tags={"size": "small"})
    client.create_model_version(f"{prefix}-c", place, run, tags={"size": "big"})
    return prefix, run, place


@pytest.mark.parametrize("more, expected", [
    ("", "E a b c d"),
    (" and tags.team = 'blue'", "a"),
    (" and tag.team ILIKE 'BLUE'", "a c"),
    (" and tags.team != 'blue'", "c d"),
    (" and name ILIKE '%-e'", "E"),
    (" and name != 'nothing' and tags.team LIKE 'r%'", "d"),
])
def test_registered_models_are_searched(client, family, more, expected):
    prefix = family[0]
    assert sorted(model.name[-1] for model in client.search_registered_models(f"name LIKE '{prefix}-%'{more}")) == expected.split()


def test_registered_models_are_ordered_and_paged(client, family):
    def walk(order_by):
        names, token = [], None
        while True:
            page = client.search_registered_models(f"name LIKE '{family[0]}-%'", max_results=2, order_by=order_by, page_token=token)
            names += [model.name[-1] for model in page]
            token = page.token
            if not token:
                return names

    assert walk(None) == ["E", "a", "b", "c", "d"]
    assert walk(["name DESC"]) == ["d", "c", "b", "a", "E"]
    assert sorted(walk(["last_updated_timestamp DESC"])) == ["E", "a", "b", "c", "d"]
    first = client.search_registered_models(f"name = '{family[0]}-a'")[0]
    assert versions(first.latest_versions) == [2]


@pytest.mark.parametrize("clause, expected", [
    ("name = '{prefix}-a'", "a1 a2"),
    ("name = '{prefix}-a' and tags.size = 'big'", "a1"),
    ("name LIKE '{prefix}%' and tags.size = 'big'", "a1 c1"),
    ("run_id = '{run}'", "a1 a2 c1"),
    ("run_id IN ('{run}', 'ffffffffffffffffffffffffffffffff')", "a1 a2 c1"),
    ("name IN ('{prefix}-a', '{prefix}-c') and version_number > 1", "a2"),
    ("source_path = '{place}' and name = '{prefix}-c'", "c1"),
    ("name = 'nothing'", ""),
])
def test_versions_are_searched(client, family, clause, expected):
    prefix, run, place = family
    found = client.search_model_versions(clause.format(prefix=prefix, run=run, place=place))
    assert sorted(one.name[-1] + str(one.version) for one in found) == expected.split()


def test_versions_are_ordered_and_paged(client, family):
    names, token = [], None
    while True:
        page = client.search_model_versions(f"name LIKE '{family[0]}-%'", max_results=1, order_by=["name DESC", "version_number ASC"], page_token=token)
        names += [one.name[-1] + str(one.version) for one in page]
        token = page.token
        if not token:
            break
    assert names == ["c1", "a1", "a2"]


@pytest.mark.parametrize("clause", ["name = x", "nothing = 'x'", "name > 'a'", "tags.a"])
def test_filters_that_mean_nothing_are_refused(client, refused, clause):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_registered_models(clause)
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_model_versions(clause)


@pytest.mark.parametrize("place", ["/etc", "file:///etc", "file://localhost/etc/passwd", "../../etc", "mlflow-artifacts:/../../etc", "mlflow-artifacts:/%2e%2e/etc"])
def test_sources_outside_of_the_run_are_refused(client, name, source, refused, place):
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_model_version(name, place)
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_model_version(name, place, source[0])
