"""A run that makes the champion again: after a change without effect, after a new build, and when something did change."""
import shutil
from pathlib import Path

import orders
import program
import pytest
from program import SUCCESS, WORK_FAILED, martlet

QUICK = orders.PROJECT.replace("    - logistic\n", "")
REORDERED = QUICK.replace("rounds: 20, num_leaves: 7", "num_leaves: 7, rounds: 20").replace(
    "  decision: Good orders are shipped first.\n  owner: shop\n", "  owner: shop\n  decision: Good orders are shipped first, all others later.\n")


def versions(shop):
    return sorted(version["version"] for version in martlet("models", "list", "--json", cwd=shop).json)


def gate(report, name):
    return next(gate for gate in report["gates"] if gate["name"] == name)


@pytest.fixture
def shop(tmp_path):
    folder = orders.make(tmp_path / "shop", project=QUICK)
    martlet("run", "--json", cwd=folder)
    return folder


def test_a_change_without_effect_passes_as_the_champion_and_registers_nothing(shop):
    first = martlet("models", "show", "orders@live", "--json", cwd=shop).json
    (shop / "martlet.yaml").write_text(REORDERED)
    again = martlet("run", "--json", cwd=shop).json
    assert not next(step for step in again["steps"] if step["name"] == "train:lightgbm")["cached"]
    assert again["model"]["version"] == 1 and again["model"]["is_champion"] is True and again["model"]["live"] == "experiment"
    assert gate(again, "better_than_champion")["passed"] is True
    assert "is the champion" in gate(again, "better_than_champion")["why"]
    assert versions(shop) == [1]
    live = martlet("models", "show", "orders@live", "--json", cwd=shop).json
    assert live["package"] == first["package"] and again["model"]["digest"] == martlet("run", "--json", cwd=shop).json["model"]["digest"]
    third = martlet("run", "--json", cwd=shop).json
    assert all(step["cached"] for step in third["steps"])
    assert "nothing new" in martlet("run", cwd=shop).out


def another_build(folder):
    """The program with another build id: a byte of its note changed, beside the same libraries."""
    original = Path(program.PROGRAM).resolve()
    code = martlet("version", "--json").json["code"]
    build_id = bytes.fromhex(code.rsplit("-", 1)[1])
    data = bytearray(original.read_bytes())
    place = data.find(build_id)
    assert place > 0
    data[place] ^= 0xff
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to(original.parent.parent / "lib")
    (folder / "bin" / "martlet").write_bytes(data)
    (folder / "bin" / "martlet").chmod(0o755)
    return str(folder / "bin" / "martlet"), code


def test_a_new_build_of_the_program_ends_as_the_run_before(shop, tmp_path, monkeypatch):
    other, code = another_build(tmp_path / "build")
    first = martlet("models", "show", "orders@live", "--json", cwd=shop).json
    monkeypatch.setattr(program, "PROGRAM", other)
    assert martlet("version", "--json").json["code"] != code
    again = martlet("run", "--json", cwd=shop).json
    assert not any(step["cached"] for step in again["steps"])
    assert again["model"]["is_champion"] is True and versions(shop) == [1]
    assert martlet("models", "show", "orders@live", "--json", cwd=shop).json["package"] == first["package"]
    assert all(step["cached"] for step in martlet("run", "--json", cwd=shop).json["steps"])


def test_a_new_build_reproduces_the_run_of_an_old_one_and_says_so(shop, tmp_path, monkeypatch):
    other, code = another_build(tmp_path / "build")
    monkeypatch.setattr(program, "PROGRAM", other)
    report = martlet("reproduce", "latest", "--json", cwd=shop).json
    assert report["equal"] is True
    assert report["code"] == {"recorded": code, "now": martlet("version", "--json").json["code"], "same": False}
    package = next(output for output in report["outputs"] if output["name"] == "package")
    assert package["expected"] != package["actual"] and "code version" in package["note"]
    assert "another program made the run" in martlet("reproduce", "latest", cwd=shop).out


def test_the_champion_that_misses_a_stricter_goal_fails_and_stays_live(shop):
    (shop / "martlet.yaml").write_text(QUICK.replace('">= baseline"', '">= baseline + 1000"'))
    again = martlet("run", "--json", cwd=shop, expect=WORK_FAILED).json
    assert again["model"]["is_champion"] is True and again["model"]["live"] == "experiment"
    assert gate(again, "kpi.gain")["passed"] is False and gate(again, "better_than_champion")["passed"] is True
    assert versions(shop) == [1]
    gates = [item for item in martlet("models", "show", "orders@live", "--json", cwd=shop).json["attestations"] if item["kind"] == "gates"]
    assert [item["statement"]["all_passed"] for item in gates] == [True, False]


def test_another_model_is_still_compared_and_registered(shop):
    (shop / "martlet.yaml").write_text(QUICK.replace("num_leaves: 7", "num_leaves: 2").replace("rounds: 20", "rounds: 2"))
    worse = martlet("run", "--json", cwd=shop, expect=None).json
    assert worse["model"]["version"] == 2 and worse["model"]["is_champion"] is False and worse["model"]["live"] is None
    assert gate(worse, "better_than_champion")["passed"] is False
    assert versions(shop) == [1, 2]


def test_the_twin_of_the_champion_is_its_lineage_too(shop):
    (shop / "martlet.yaml").write_text(REORDERED)
    again = martlet("run", "--json", cwd=shop).json
    edges = martlet("lineage", again["run"], "--json", cwd=shop).json["edges"]
    assert ("orders/1", "was made again by") in [(edge["from"]["id"], edge["relation"]) for edge in edges]


def test_a_champion_whose_columns_are_gone_keeps_its_place_until_somebody_says_otherwise(shop):
    narrower = QUICK.replace('sql: "select * from orders"', 'sql: "select * exclude (x) from orders"')
    (shop / "martlet.yaml").write_text(narrower)
    refused = martlet("run", "--json", cwd=shop, expect=WORK_FAILED).json
    assert refused["status"] == "succeeded", "no step fails: the run says what it knows"
    unknown = gate(refused, "better_than_champion")
    assert unknown["passed"] is None and "x: the column isn't there" in unknown["why"] and "waive" in unknown["why"]
    assert martlet("models", "show", "orders@live", "--json", cwd=shop).json["version"] == 1
    waived = narrower + "evaluation: {gates: [{waive: {gate: better_than_champion, reason: the shop stopped measuring x}}]}\n"
    (shop / "martlet.yaml").write_text(waived)
    martlet("run", "--json", cwd=shop)
    assert martlet("models", "show", "orders@live", "--json", cwd=shop).json["version"] > 1
