"""The loop on a live server: predictions and truth over HTTP, a KPI that falls, an alert, a training, a promotion, a hot swap; and what
kills, shutdowns and failures in between may not change."""
import random
import shutil
import time

import pytest
from live_shop import (Hook, Server, make, monitored, processes_of, traffic, trainings, turned_over, wait_for)
from program import SUCCESS, WRONG_CALL, martlet
from test_serve import processor_seconds, resident_bytes


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    return make(tmp_path_factory.mktemp("live"))


@pytest.fixture
def shop(origin, tmp_path):
    return shutil.copytree(origin, tmp_path / "shop")


def versions(shop):
    return martlet("models", "list", "--json", cwd=shop).json


def told(shop):
    return lambda: f"the loop has not come so far: {monitored(shop)['turns']}"


def test_the_loop_closes_itself(shop, measured):
    rows = turned_over()
    with Hook(failures=1) as hook, Server(shop, "--private-webhooks", hook=hook.url) as server:
        before = server.ask(rows[:20])
        began = time.monotonic()
        traffic(server, rows, rounds=60, first=600, enough=lambda: server.version() == "2")
        wait_for(lambda: server.version() == "2", 90, told(shop))
        measured(f"the loop on a server: from the first bad prediction to another live version in {time.monotonic() - began:.1f} s, "
                 "windows of 2 s, traffic going on")
        assert server.ask(rows[:20]) != before
        wait_for(lambda: hook.received, 60, "no webhook came")

        state = monitored(shop)
        assert state["model"] == "orders/2" and state["deployment"] == "experiment/orders"
        turn, = trainings(shop)
        assert turn["decision"] == "promoted" and turn["trigger"] == "alert gain-falls" and turn["attempts"] == 1
        assert (turn["champion"], turn["challenger"]) == ("orders/1", "orders/2")
        assert turn["details"]["low"] > 0 and turn["details"]["refitted"] is True
        assert len(versions(shop)) == 2

        # The new version does well on the new world: the alert stops.
        better = turned_over(count=600, days=6, seed=12)

        def quiet():
            return not martlet("monitor", "alerts", "--json", cwd=shop, expect=(0, 1)).json[0]["firing"]
        traffic(server, better, rounds=60, enough=quiet)
        assert quiet(), monitored(shop)["windows"][:3]
        assert server.stop() == SUCCESS
    identity, body = hook.received[0]
    assert len({received for received, _ in hook.received}) == len(hook.received)
    assert body["id"] == identity and body["alert"] == "gain-falls" and body["type"] == "martlet.alert.fired"
    assert hook.calls >= 2, "it was refused once and must have come again"
    assert not any("very-secret" in line for line in server.said), "the URL of a webhook was logged"
    assert any("loop.promoted" in line for line in server.said), server.said
    sent = monitored(shop)["webhooks"]
    assert all(hook["state"] == "delivered" for hook in sent) and "very-secret" not in str(sent)


def test_kills_at_random_moments_leave_exactly_one_training(shop):
    rows = turned_over()
    chance = random.Random(5)
    size = len(rows) // 5
    for kill in range(4):
        with Server(shop) as server:
            part = rows[kill * size:(kill + 1) * size]
            end = time.monotonic() + chance.uniform(0.5, 5)
            traffic(server, part, rounds=10, pause=0.2, enough=lambda: time.monotonic() > end)
            time.sleep(max(0, end - time.monotonic()))
            server.kill()
        wait_for(lambda: not processes_of(shop), 10, lambda: f"orphans: {processes_of(shop)}")
    with Server(shop) as server:
        # What was asked before the kills is known in part only; the rest makes the turn succeed or be rejected, but only once.
        traffic(server, rows[4 * size:], rounds=20, pause=0.2)
        wait_for(lambda: trainings(shop) and all(turn["ended"] for turn in trainings(shop)), 120, told(shop))
        time.sleep(5)  # two more windows, in which nothing may be begun
        done = trainings(shop)
        assert len(done) == 1, done
        assert done[0]["decision"] in ("promoted", "rejected", "failed") and 1 <= done[0]["attempts"] <= 5
        assert done[0]["decision"] != "failed" or "newer" in done[0]["why"], done[0]["why"]  # too little history was known
        assert len(versions(shop)) == 1 + (done[0]["decision"] == "promoted")
        windows = [(window["length"], window["from"]) for window in monitored(shop)["windows"]]
        assert len(windows) == len(set(windows)), "a window was judged twice"
        assert server.stop() == SUCCESS


def test_sigterm_during_a_training_is_prompt_and_the_next_start_takes_it_up(tmp_path, measured):
    shop = make(tmp_path / "shop", lightgbm="lightgbm: {rounds: 4000, num_leaves: 31, learning_rate: 0.001}")
    rows = turned_over()
    with Server(shop) as server:
        traffic(server, rows, rounds=60, first=600, enough=lambda: any(turn["attempts"] for turn in trainings(shop)))
        wait_for(lambda: trainings(shop), 60, told(shop))
        running = trainings(shop)[0]["decision"] == "running"
        assert server.ask(rows[:5]), "it doesn't answer while it trains"
        began = time.monotonic()
        assert server.stop() == SUCCESS
        took = time.monotonic() - began
        measured(f"SIGTERM while it trains: gone after {took:.1f} s")
        assert took < 20
    assert not processes_of(shop)
    if not running:
        pytest.skip("the training was over before the signal came")
    turn, = trainings(shop)
    assert turn["decision"] == "running", "the turn must wait for the next start"
    with Server(shop) as server:
        wait_for(lambda: trainings(shop)[0]["ended"], 240, told(shop))
        turn, = trainings(shop)
        assert turn["decision"] in ("promoted", "rejected")
        assert server.stop() == SUCCESS


def test_a_training_that_fails_is_recorded_and_the_server_answers_on(shop):
    rows = turned_over(count=600, days=6)
    with Server(shop) as server:
        (shop / "orders.csv").unlink()
        traffic(server, rows, rounds=60, enough=lambda: trainings(shop) and trainings(shop)[0]["ended"])
        wait_for(lambda: trainings(shop) and trainings(shop)[0]["ended"], 60, told(shop))
        turn, = trainings(shop)
        assert turn["decision"] == "failed" and "orders.csv" in turn["why"]
        assert len(server.ask(rows[:5])) == 5 and server.version() == "1"
        wait_for(lambda: any("loop.failed" in line for line in server.said), 20, "the failure was not logged")
        assert server.stop() == SUCCESS


def test_a_webhook_into_a_private_network_is_refused_unless_the_operator_allows_it(shop):
    rows = turned_over(count=300, days=3)
    with Hook() as hook, Server(shop, hook=hook.url) as server:
        traffic(server, rows, rounds=60, enough=lambda: monitored(shop)["webhooks"])
        wait_for(lambda: monitored(shop)["webhooks"] and monitored(shop)["webhooks"][0]["state"] != "waiting", 60, "it was not tried")
        assert monitored(shop)["webhooks"][0]["state"] == "given_up"
        assert hook.calls == 0
        assert server.stop() == SUCCESS


def test_an_idle_server_with_a_loop_is_small_and_does_nothing(tmp_path, measured):
    shop = make(tmp_path / "shop", monitoring="\nmonitoring: {windows: [1d], retrain: {every: 30d}}\n")
    with Server(shop) as server:
        wait_for(lambda: monitored(shop)["since"], 30, "it is not watched")
        wait_for(lambda: len(processes_of(shop)) <= 0, 30, lambda: f"the first look lasts: {processes_of(shop)}")
        time.sleep(0.5)
        before = processor_seconds(server.process.pid)
        time.sleep(3)
        used = processor_seconds(server.process.pid) - before
        resident = resident_bytes(server.process.pid)
        measured(f"idle `martlet serve` with a loop: {resident / 1e6:.1f} MB resident, {used * 1e3:.0f} ms of processor time in 3 s")
        assert resident < 60e6 and used <= 0.05
        assert server.stop() == SUCCESS


def test_without_a_monitoring_section_nothing_of_the_loop_runs(tmp_path):
    shop = make(tmp_path / "shop", monitoring="")
    with Server(shop) as server:
        server.ask(turned_over(count=10, days=1))
        time.sleep(1)
        assert not processes_of(shop) and monitored(shop)["since"] is None
        assert not list(shop.glob(".martlet/predictions/**/loop.lock"))
        assert server.stop() == SUCCESS


# -- the verbs

def test_truth_comes_from_files_of_each_kind(shop):
    rows = turned_over(count=30, days=2)
    with Server(shop) as server:
        server.ask(rows)
        server.stop()
    truth = rows[["id", "good"]]
    truth[:10].to_csv(shop / "first.csv", index=False)
    truth[10:20].to_parquet(shop / "second.parquet")
    truth[20:].to_json(shop / "third.jsonl", orient="records", lines=True)
    for name in ("first.csv", "second.parquet", "third.jsonl"):
        assert martlet("monitor", "truth", name, "--json", cwd=shop).json == {"fresh": 10, "corrected": 0, "repeated": 0}
    assert martlet("monitor", "truth", "first.csv", "--json", cwd=shop).json["repeated"] == 10
    assert monitored(shop)["truths"] == 30
    truth.rename(columns={"id": "ident"}).to_csv(shop / "wrong.csv", index=False)
    call = martlet("monitor", "truth", "wrong.csv", "--json", cwd=shop, expect=WRONG_CALL)
    assert call.error["findings"][0]["path"] == "id"


def test_tick_judges_what_is_due_and_says_when_to_come_again(shop):
    first = martlet("monitor", "tick", "--json", cwd=shop).json
    assert first["deployment"] == "experiment/orders" and first["model"] == "orders/1" and first["events"] == []
    time.sleep(3)
    martlet("monitor", "tick", cwd=shop)
    assert monitored(shop)["windows"]
    assert martlet("monitor", "drift", "--json", cwd=shop, expect=WRONG_CALL).error["code"] == "not_found"
    assert martlet("monitor", "show", cwd=shop).out and martlet("monitor", "alerts", cwd=shop).out


def test_a_person_retrains_with_a_reason_and_within_the_policy(tmp_path):
    shop = make(tmp_path / "shop", monitoring="\nmonitoring: {windows: [1d], retrain: {cooldown: 1h, holdout: 8d, window: 18d}}\n")
    martlet("retrain", cwd=shop, expect=WRONG_CALL)  # why?
    rows = turned_over()
    with Server(shop) as server:
        server.ask(rows)
        server.tell(rows)
        server.stop()
    first = martlet("retrain", "--reason", "the world turned over", "--json", cwd=shop).json
    assert first["granted"] and first["turn"]["decision"] == "promoted", first
    assert first["turn"]["trigger"] == "person: the world turned over"
    again = martlet("retrain", "--reason", "once more", "--json", cwd=shop, expect=1).json
    assert not again["granted"] and "cooldown" in again["why"]
    forced = martlet("retrain", "--reason", "once more", "--override", "--json", cwd=shop).json
    assert forced["turn"]["trigger"] == "person: once more" and forced["turn"]["details"]["policy_overridden"] is True


def test_promotion_checks_gates_and_a_rollback_takes_it_back(shop):
    dry = martlet("models", "promote", "orders/1", "--to", "production", "--dry-run", "--json", cwd=shop).json
    assert dry["allowed"] and not dry["moved"] and dry["checks"][0]["name"] == "package"
    assert {check["name"] for check in dry["checks"]} >= {"gate kpi.gain", "gate better_than_baseline"}
    moved = martlet("models", "promote", "orders@live", "--to", "production", "--reason", "tested", "--json", cwd=shop).json
    assert moved["moved"] and moved["before"] is None
    assert martlet("models", "rollback", "orders", "--env", "production", "--json", cwd=shop, expect=WRONG_CALL).error["code"] == "not_found"
    martlet("models", "promote", "orders/9", "--to", "production", cwd=shop, expect=WRONG_CALL)
    martlet("models", "promote", "orders/1", "--to", "moon", cwd=shop, expect=WRONG_CALL)
    with Server(shop, "--env", "production") as server:
        assert server.version() == "1"
        busy = martlet("monitor", "show", "--env", "production", "--json", cwd=shop).json
        assert busy["deployment"] == "production/orders"
        server.stop()


@pytest.mark.parametrize("section, word", [
    ("evaluation: {cross_validation: {folds: 5}}", "cross-validation"),
    ("monitoring: {alerts: [{name: a, when: rows > 1, then: [{webhook: \"${secret:HOOK}\"}]}]}", "${env:NAME}"),
    ("monitoring: {windows: [10ms]}", "window"),
], ids=["cross_validation", "webhook", "window"])
def test_what_nothing_acts_on_is_refused(origin, tmp_path, section, word):
    folder = tmp_path / "shop"
    folder.mkdir()
    text = (origin / "martlet.yaml").read_text().split("\nmonitoring:")[0]
    (folder / "martlet.yaml").write_text(text + "\n" + section + "\n")
    assert word in martlet("check", cwd=folder, expect=WRONG_CALL).out


def test_a_kpi_that_reads_what_is_never_logged_is_refused_by_check(origin, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    text = (origin / "martlet.yaml").read_text().replace("when predicted and actual then 10", "when predicted and actual then id")
    (folder / "martlet.yaml").write_text(text)
    said = martlet("check", cwd=folder, expect=WRONG_CALL).out
    assert "KPI gain reads id" in said and "problem.key" in said
