"""Search as MLflow's clients use it: every answer is known from how the runs were made."""
import math
from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

# name, status, start_time, metrics, params, tags
RUNS = [
    ("r00", "FINISHED", 1000, {"acc": 0.1, "val loss": 9.0}, {"model": "tree", "rate": "0.1"}, {"team": "blue", "a.b": "x"}),
    ("r01", "FINISHED", 1001, {"acc": 0.2, "val loss": 8.0}, {"model": "Tree-2", "rate": "0.01"}, {"team": "Blue"}),
    ("r02", "FAILED", 1002, {"acc": 0.3, "val loss": 7.0}, {"model": "linear"}, {"team": "red"}),
    ("r03", "FINISHED", 1003, {"acc": 0.4, "val loss": 6.0}, {"model": "linear", "rate": "1e-3"}, {"team": "red", "note": "it's fine"}),
    ("r04", "RUNNING", 1004, {"acc": 0.5}, {"model": "forest_a"}, {"team": "green"}),
    ("r05", "KILLED", 1005, {"acc": 0.6}, {"model": "forestXa"}, {"team": "green", "note": "100%"}),
    ("r06", "FINISHED", 1006, {"acc": 0.7}, {"model": "forest_b", "größe": "5"}, {"team": "grün"}),
    ("r07", "FINISHED", 1007, {"acc": 0.7}, {}, {"team": "grün", "note": 'say "yes"'}),
    ("r08", "FINISHED", 1008, {"acc": math.nan}, {"model": "tree"}, {}),
    ("r09", "RUNNING", 1009, {}, {"model": "tree"}, {"a.b": "y"}),
    ("r10", "FINISHED", 1010, {"acc": -1.0}, {"model": "TREE"}, {"team": ""}),
    ("r11", "FINISHED", 1011, {"acc": 1e300}, {"model": "o'tree"}, {"team": "blue"}),
]

FILTERS = [
    ("", "r00 r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11"),
    ("metrics.acc > 0.5", "r05 r06 r07 r11"),
    ("metrics.acc >= 0.5 and metrics.acc <= 0.7", "r04 r05 r06 r07"),
    ("metrics.acc = 0.7", "r06 r07"),
    ("metrics.acc != 0.7", "r00 r01 r02 r03 r04 r05 r08 r10 r11"),
    ("metric.acc < 0", "r10"),
    ("metrics.acc > 1e299", "r11"),
    ("metrics.`val loss` < 7.5", "r02 r03"),
    ('metrics."val loss" = 9', "r00"),
    ("metrics.nothing > 0", ""),
    ("params.model = 'tree'", "r00 r08 r09"),
    ("params.model != 'tree'", "r01 r02 r03 r04 r05 r06 r10 r11"),
    ("parameters.model LIKE 'tree%'", "r00 r08 r09"),
    ("params.model ILIKE 'tree%'", "r00 r01 r08 r09 r10"),
    ("param.model like 'forest_a'", "r04 r05"),
    ("params.model ilike '%TREE%'", "r00 r01 r08 r09 r10 r11"),
    ('params.model = "o\'tree"', "r11"),
    ("params.`größe` = '5'", "r06"),
    ("params.rate = '0.1'", "r00"),
    ("params.rate IS NULL", "r02 r04 r05 r06 r07 r08 r09 r10 r11"),
    ("params.rate IS NOT NULL", "r00 r01 r03"),
    ("tags.team = 'blue' AND metrics.acc < 1", "r00"),
    ("tags.team = ''", "r10"),
    ("tag.team ILIKE 'BLUE'", "r00 r01 r11"),
    ("tags.team = 'grün' and params.model = 'forest_b'", "r06"),
    ("tags.`a.b` = 'y'", "r09"),
    ('tags."a.b" != "y"', "r00"),
    ("tags.note = \"it's fine\"", "r03"),
    ("tags.note LIKE '%yes%'", "r07"),
    ("tags.note IS NOT NULL and attributes.status = 'FINISHED'", "r03 r07"),
    ("attributes.status = 'FAILED'", "r02"),
    ("status != 'FINISHED'", "r02 r04 r05 r09"),
    ("attributes.status LIKE 'KIL%'", "r05"),
    ("attribute.start_time >= 1009", "r09 r10 r11"),
    ("start_time < 1002 and status = 'FINISHED'", "r00 r01"),
    ("attributes.run_name = 'r03'", "r03"),
    ("run_name LIKE 'r1%'", "r10 r11"),
    ("attributes.`run name` = 'r04'", "r04"),
    ("tags.`mlflow.runName` = 'r05'", "r05"),
    ("datasets.name = 'orders'", "r00 r01"),
    ("dataset.digest = 'd2'", "r01"),
    ("datasets.context = 'training'", "r00"),
    ("datasets.name IN ('orders', 'other')", "r00 r01 r02"),
    ("datasets.name LIKE 'ord%' and datasets.context != 'training'", "r01"),
    ("metrics.acc > 0.05 AND params.model LIKE '%e%' AND tags.team != 'red' AND attributes.start_time < 1005", "r00 r01 r04"),
]

ORDERS = [
    ("", None, "r11 r10 r09 r08 r07 r06 r05 r04 r03 r02 r01 r00"),
    ("", ["attributes.start_time ASC"], "r00 r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11"),
    ("", ["metrics.acc DESC", "attributes.run_name"], "r11 r06 r07 r05 r04 r03 r02 r01 r00 r10 r08 r09"),
    ("", ["metrics.acc", "attributes.run_name"], "r10 r00 r01 r02 r03 r04 r05 r06 r07 r11 r08 r09"),
    ("", ["metrics.acc ASC", "attributes.start_time DESC"], "r10 r00 r01 r02 r03 r04 r05 r07 r06 r11 r08 r09"),
    ("metrics.acc < 0.45", ["metrics.`val loss` ASC", "attributes.run_name"], "r03 r02 r01 r00 r10"),
    ("", ["params.rate DESC", "attributes.start_time", "attributes.run_name"], "r03 r00 r01 r02 r04 r05 r06 r07 r08 r09 r10 r11"),
    ("tags.team IS NOT NULL", ["tags.team ASC", "attributes.run_name DESC"], "r10 r01 r11 r00 r05 r04 r07 r06 r03 r02"),
    ("", ["attributes.status", "start_time DESC", "run_name"], "r02 r11 r10 r08 r07 r06 r03 r01 r00 r05 r09 r04"),
    ("attributes.status = 'FINISHED'", ["attributes.run_name DESC"], "r11 r10 r08 r07 r06 r03 r01 r00"),
    ("metrics.acc = 0.7 and start_time > 1", ["metrics.acc DESC"], "r07 r06"),
    ("metrics.acc > 0", ["metrics.acc desc", "params.model asc", "run_name asc"], "r11 r06 r07 r05 r04 r03 r02 r01 r00"),
]

REFUSED = [
    "metrics.acc > 'high'", "metrics.acc >", "acc > 0.5 and", "params.model = tree", "params.model > 'a'", "tags.team = blue",
    "metrics.acc LIKE '0.%'", "nonsense.acc = 1", "metrics.acc > 0.5 OR metrics.acc < 0.1", "(metrics.acc > 0.5)", "attributes.nothing = 'x'",
    "attributes.start_time = 'soon'", "attributes.status IN ('FAILED')", "metrics.acc = 1; metrics.acc = 2", "params.model IN ('tree')",
    "datasets.size = 'x'", "NOT metrics.acc = 1", "metrics.acc",
]


@pytest.fixture(scope="module")
def searched(client, unique):
    """Two experiments: the runs above, and one run more that belongs to no answer. Ids of both."""
    experiment, other = (client.create_experiment(unique(name)) for name in ("searched", "other"))
    client.create_run(other, run_name="elsewhere", start_time=1005)
    made = {}
    for name, status, start_time, metrics, params, tags in RUNS:
        run = client.create_run(experiment, run_name=name, start_time=start_time).info.run_id
        client.log_batch(run, [Metric(key, value, 1000, 0) for key, value in metrics.items()],
                         [Param(key, value) for key, value in params.items()], [RunTag(key, value) for key, value in tags.items()])
        if status != "RUNNING":
            client.update_run(run, status=status)
        made[name] = run
    for name, dataset, digest, context in (("r00", "orders", "d1", "training"), ("r01", "orders", "d2", "test"), ("r02", "other", "d1", "")):
        tags = [InputTag("mlflow.data.context", context)] if context else []
        client.log_inputs(made[name], [DatasetInput(Dataset(name=dataset, digest=digest, source_type="local", source="{}"), tags)])
    return experiment, other


def found(client, experiment, clause, order_by=None, **more):
    return [run.info.run_name for run in client.search_runs([experiment], clause, order_by=order_by, **more)]


@pytest.mark.parametrize("clause, expected", FILTERS, ids=[clause or "everything" for clause, _ in FILTERS])
def test_a_filter_finds_just_its_runs(client, searched, clause, expected):
    assert sorted(found(client, searched[0], clause)) == expected.split()


@pytest.mark.parametrize("clause, order_by, expected", ORDERS, ids=[str(order) for _, order, _ in ORDERS])
def test_runs_come_in_the_order_asked_for(client, searched, clause, order_by, expected):
    assert found(client, searched[0], clause, order_by) == expected.split()
    pages, token = [], None
    while True:
        page = client.search_runs([searched[0]], clause, order_by=order_by, max_results=3, page_token=token)
        pages += [run.info.run_name for run in page]
        token = page.token
        if not token:
            break
    assert pages == expected.split(), "page by page"


@pytest.mark.parametrize("clause", REFUSED)
def test_a_filter_that_means_nothing_is_refused(client, searched, refused, clause):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([searched[0]], clause)


@pytest.mark.parametrize("order_by", [["nonsense"], ["metrics.acc SIDEWAYS"], ["datasets.name"], ["attributes.nothing"],
                                      pytest.param(["metrics.acc", "metrics.acc DESC"], marks=pytest.mark.real_fails("answers 500"))])
def test_an_order_that_means_nothing_is_refused(client, searched, refused, order_by):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([searched[0]], order_by=order_by)


def test_run_ids_are_searched_for_in_lists(client, searched):
    ids = {run.info.run_name: run.info.run_id for run in client.search_runs([searched[0]])}
    inside = f"attributes.run_id IN ('{ids['r01']}', '{ids['r05']}')"
    assert sorted(found(client, searched[0], inside)) == ["r01", "r05"]
    assert sorted(found(client, searched[0], f"run_id NOT IN ('{ids['r01']}') and start_time < 1003")) == ["r00", "r02"]
    assert found(client, searched[0], f"attributes.run_id = '{ids['r07']}'") == ["r07"]


def test_several_experiments_are_searched_at_once(client, searched):
    both = [run.info.run_name for run in client.search_runs(list(searched), "start_time = 1005")]
    assert sorted(both) == ["elsewhere", "r05"]
    assert client.search_runs(["987654321"]) == []


def test_the_fluent_search_makes_a_table(searched):
    table = mlflow.search_runs([searched[0]], "metrics.acc > 0.5", order_by=["metrics.acc DESC", "attributes.run_name"])
    assert table["tags.mlflow.runName"].tolist() == ["r11", "r06", "r07", "r05"]
    assert table["metrics.acc"].tolist() == [1e300, 0.7, 0.7, 0.6] and table["params.model"].tolist()[0] == "o'tree"
    assert len(mlflow.search_runs([searched[0]], run_view_type=ViewType.DELETED_ONLY)) == 0


def test_2500_runs_are_paged_through(client, experiment, http):
    def create(number):
        answer = http("POST", "runs/create", {"experiment_id": experiment, "run_name": f"n{number:04}", "start_time": 10_000 + number // 2})
        assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(2500)))
    expected = [f"n{number:04}" for number in range(2500)]
    table = mlflow.search_runs([experiment], order_by=["attributes.run_name ASC"], max_results=100_000)
    assert table["tags.mlflow.runName"].tolist() == expected
    seen, sizes, token = [], [], None
    while True:
        page = client.search_runs([experiment], max_results=999, page_token=token)
        seen += page.to_list()
        sizes.append(len(page))
        token = page.token
        if not token:
            break
    assert sizes == [999, 999, 502]
    assert [run.info.start_time for run in seen] == sorted((run.info.start_time for run in seen), reverse=True)
    assert sorted(run.info.run_name for run in seen) == expected
    assert len({run.info.run_id for run in seen}) == 2500


@pytest.mark.parametrize("token", ["garbage", "AAAA"])
def test_a_page_token_of_ones_own_making_is_refused(client, searched, refused, token):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([searched[0]], page_token=token)


@pytest.fixture(scope="module")
def experiments(client, unique):
    """The prefix of five experiments' names: …-a to …-e, b deleted, tags on some."""
    prefix = unique("family")
    made = {}
    for letter, tags in (("a", {"team": "blue"}), ("b", {}), ("c", {"team": "Blue", "kind": "x"}), ("d", {"team": "red"}), ("E", {})):
        made[letter] = client.create_experiment(f"{prefix}-{letter}", tags=tags)
    client.delete_experiment(made["b"])
    return prefix, made


EXPERIMENTS = [
    ("", ViewType.ACTIVE_ONLY, "E a c d"),
    ("", ViewType.ALL, "E a b c d"),
    ("", ViewType.DELETED_ONLY, "b"),
    (" and tags.team = 'blue'", ViewType.ACTIVE_ONLY, "a"),
    (" and tags.team ILIKE 'blue'", ViewType.ACTIVE_ONLY, "a c"),
    (" and tags.team != 'blue'", ViewType.ACTIVE_ONLY, "c d"),
    (" and tag.kind LIKE '%'", ViewType.ACTIVE_ONLY, "c"),
    (" and name ILIKE '%-e'", ViewType.ACTIVE_ONLY, "E"),
    (" and attribute.name != 'nothing' and creation_time > 1600000000000", ViewType.ACTIVE_ONLY, "E a c d"),
    (" and last_update_time < 1000", ViewType.ACTIVE_ONLY, ""),
]


@pytest.mark.parametrize("more, view, expected", EXPERIMENTS)
def test_experiments_are_searched(client, experiments, more, view, expected):
    prefix, _ = experiments
    got = client.search_experiments(view_type=view, filter_string=f"name LIKE '{prefix}-%'{more}")
    assert sorted(one.name.removeprefix(prefix + "-") for one in got) == expected.split()


def test_experiments_are_ordered_and_paged(client, experiments):
    prefix, made = experiments
    clause = f"name LIKE '{prefix}-%'"

    def walk(**more):
        names, token = [], None
        while True:
            page = client.search_experiments(filter_string=clause, max_results=1, page_token=token, **more)
            names += [one.name[-1] for one in page]
            token = page.token
            if not token:
                return names

    assert walk(order_by=["name DESC"]) == ["d", "c", "a", "E"]
    assert walk(order_by=["name ASC"], view_type=ViewType.ALL) == ["E", "a", "b", "c", "d"]
    assert walk(order_by=["experiment_id ASC"]) == ["a", "c", "d", "E"]
    assert walk(order_by=["creation_time DESC", "experiment_id DESC"]) == ["E", "d", "c", "a"]
    assert sorted(walk()) == ["E", "a", "c", "d"]


@pytest.mark.parametrize("clause", ["name = x", "nothing = 'x'", "tags.team > 'a'", "name LIKE", "creation_time = 'now'"])
def test_a_filter_of_experiments_that_means_nothing_is_refused(client, refused, clause):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_experiments(filter_string=clause)
