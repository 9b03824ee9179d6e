"""kill -9 at random moments of `martlet run`, then `martlet resume`: the digests are those of an undisturbed run."""
import os
import random
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import orders
import pytest
from program import PROGRAM, SUCCESS, WRONG_CALL, environment, martlet

KILLS = int(os.environ.get("MARTLET_TEST_KILLS", "50"))
SEED = int(os.environ.get("MARTLET_TEST_SEED", "20130101"))
PROJECT = orders.PROJECT.replace("rounds: 20", "rounds: 5")


class Shop:
    """A copy of the project in a folder and with a store of its own."""

    def __init__(self, folder):
        self.folder = orders.make(folder, project=PROJECT, count=1200)

    def start(self, *words):
        """In a process group of its own, which must be empty soon after the kill: children die with their parent."""
        return subprocess.Popen([PROGRAM, "--quiet", *words], cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def ask(self, *arguments, expect=SUCCESS):
        return martlet(*arguments, "--json", cwd=self.folder, expect=expect)

    def go_on(self):
        """`resume`, or `run` when the kill came before a run was recorded. Gives the report and which of the two it was."""
        call = self.ask("resume", expect=(SUCCESS, WRONG_CALL))
        return (call.json, "resume") if call.status == SUCCESS else (self.ask("run").json, "run")

    def outcome(self, report):
        """What must not depend on the way to it."""
        dataset = self.ask("data", "show", "orders").json
        return {
            "dataset": (dataset["digest"], dataset["rows"]),
            # The step's key is the digest of all that it read, so the last one stands for the outputs of those before it.
            "last step": self.ask("explain", "register", report["run"]).json["key"],
            "registered": [(version["name"], version["version"]) for version in self.ask("models", "list").json],
            **{part: report[part] for part in ("model", "kpis", "gates", "problem", "metrics")},
            "steps": [(step["name"], step["status"] in ("succeeded", "cached")) for step in report["steps"]],
        }


def kill(running):
    """SIGKILL to the program alone, not to its children; those must be gone soon. Gives whether it was still running."""
    alive = running.poll() is None
    if alive:
        os.kill(running.pid, signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + 5
    while members_of(running.pid):
        assert time.monotonic() < deadline, f"processes {members_of(running.pid)} outlived the program that started them"
        time.sleep(0.02)
    return alive


def members_of(group):
    """The living processes of a process group (zombies are dead)."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            found.append(int(entry))
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A shop whose run nobody disturbed."""
    shop = Shop(tmp_path_factory.mktemp("finished"))
    shop.report = shop.ask("run").json
    return shop


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """The outcome of a run in peace, and how long the second such run took (nothing is then read for the first time)."""
    again = Shop(tmp_path_factory.mktemp("again"))
    began = time.perf_counter()
    report = again.ask("run").json
    took = time.perf_counter() - began
    wanted = finished.outcome(finished.report)
    assert again.outcome(report) == wanted
    return wanted, took


def test_kills_at_random_moments_leave_no_trace_in_the_results(undisturbed, tmp_path, measured):
    wanted, took = undisturbed
    chance = random.Random(SEED)
    moments = [chance.uniform(0, took) for _ in range(KILLS)]

    def disturb(number):
        for attempt in range(6):  # a machine that has become quicker ends before the kill: again, earlier
            shop = Shop(tmp_path / f"shop-{number}-{attempt}")
            running = shop.start("run")
            time.sleep(moments[number] * 0.6**attempt)
            hit = kill(running)
            if hit:
                break
        report, way = shop.go_on()
        got = shop.outcome(report)
        differing = [(part, got[part], wanted[part]) for part in wanted if got[part] != wanted[part]]
        shutil.rmtree(shop.folder)
        assert not differing, f"kill {number} of seed {SEED}, {moments[number] * 1e3:.0f} ms after the start, then {way}: {differing}"
        return hit, way

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(disturb, range(KILLS)))
    hits = sum(hit for hit, _ in outcomes)
    ways = [way for _, way in outcomes]
    measured(f"{hits} of {KILLS} kills hit a running program (seed {SEED}, {took * 1e3:.0f} ms undisturbed); "
             f"{ways.count('resume')} resumed, {ways.count('run')} begun anew")
    assert hits >= 0.9 * KILLS


def test_several_kills_of_one_run_still_lead_to_the_same_results(undisturbed, tmp_path):
    wanted, took = undisturbed
    chance = random.Random(SEED + 1)
    shop = Shop(tmp_path / "shop")
    for number in range(8):
        running = shop.start("run" if number == 0 else "resume")
        time.sleep(chance.uniform(0.3, 0.9) * took)
        kill(running)
    report, _ = shop.go_on()
    assert shop.outcome(report) == wanted


def test_a_killed_first_run_leaves_a_store_that_every_verb_can_read(undisturbed, tmp_path):
    _, took = undisturbed
    shop = Shop(tmp_path / "shop")
    running = shop.start("run")
    time.sleep(0.7 * took)
    kill(running)
    for verb in (["ps"], ["status"], ["data", "list"], ["models", "list"], ["runs", "list"]):
        shop.ask(*verb, expect=(SUCCESS, WRONG_CALL))


def test_resume_without_anything_to_resume_says_so(tmp_path):
    shop = Shop(tmp_path / "shop")
    call = shop.ask("resume", expect=(WRONG_CALL, 3))
    assert "martlet run" in call.err
    assert not (shop.folder / ".martlet").exists()


def test_resuming_a_finished_run_repeats_nothing(finished):
    finished.ask("resume", expect=(SUCCESS, WRONG_CALL))
    assert len(finished.ask("ps").json) == 1
    assert finished.outcome(finished.ask("status").json) == finished.outcome(finished.report)


def test_an_interrupted_run_ends_by_itself_and_can_be_resumed(undisturbed, tmp_path):
    wanted, took = undisturbed
    shop = Shop(tmp_path / "shop")
    running = shop.start("run")
    time.sleep(0.5 * took)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=30) in (0, 130, -signal.SIGINT)
    kill(running)
    report, _ = shop.go_on()
    assert shop.outcome(report) == wanted


def test_a_run_with_its_store_elsewhere_can_be_resumed(tmp_path):
    shop = Shop(tmp_path / "shop")
    store = tmp_path / "store"
    running = shop.start("--store", str(store), "run")
    deadline = time.monotonic() + 20
    while not list(store.glob("logs/*/*.log")) and time.monotonic() < deadline:
        time.sleep(0.01)
    kill(running)
    shop.ask("--store", str(store), "resume")
