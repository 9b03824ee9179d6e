"""Start-up time, and the help of every verb."""
import re
import resource
import statistics
import subprocess
import time

import pytest
from program import PROGRAM, WRONG_CALL, environment, martlet


def subcommands(*path):
    """The names under "Subcommands:" in a verb's help."""
    text = martlet(*path, "--help").out
    if "Subcommands:" not in text:
        return []
    return re.findall(r"^  ([a-z][a-z-]*)\b", text.split("Subcommands:", 1)[1].partition("Example")[0], re.MULTILINE)


def every_verb():
    found = []
    for verb in subcommands():
        objects = subcommands(verb)
        found += [(verb, name) for name in objects] or [(verb,)]
    return found


def test_version_names_the_program_and_starts_at_once(measured):
    assert re.fullmatch(r"martlet \d+\.\d+\.\d+\S*\n", martlet("version").out)
    assert re.match(r"\d+\.\d+\.\d+", martlet("version", "--json").json["version"])
    taken = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(20):
        began = time.perf_counter()
        subprocess.run([PROGRAM, "version"], check=True, stdout=subprocess.DEVNULL, env=environment())
        taken.append(time.perf_counter() - began)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 20
    measured(f"`martlet version`: median {statistics.median(taken) * 1e3:.1f} ms, best {min(taken) * 1e3:.1f} ms of 20 starts "
             f"(goal: under 20 ms); {processor * 1e3:.1f} ms of processor time each")


def test_the_verbs_of_the_walking_path_exist():
    verbs = {" ".join(path) for path in every_verb()}
    assert {"run", "resume", "status", "ps", "logs", "explain", "graph", "check", "problem show", "problem memo", "data list",
            "data show", "data diff", "data profile", "data validate", "data sql", "evaluate", "drift", "runs list", "runs show",
            "runs compare", "runs report", "models list", "models show", "predict", "serve", "simulate", "demo", "version"} <= verbs


def test_every_verb_has_help_with_an_example():
    without = []
    for path in every_verb():
        call = martlet(*path, "--help")
        if f"martlet {' '.join(path)}" not in call.out.partition("Example")[2]:
            without.append(" ".join(path))
    assert not without, f"no example of itself in the help of: {', '.join(without)}"


def test_help_of_an_object_verb_lists_what_it_can_do():
    for verb in ("data", "models", "runs", "problem"):
        assert "Subcommands:" in martlet(verb, "--help").out


def test_help_mentions_the_exit_statuses_that_scripts_depend_on():
    assert "4" in martlet("run", "--help").out.partition("Exit status")[2]
    assert "2" in martlet("check", "--help").out.partition("Exit status")[2]


@pytest.mark.parametrize("arguments", [[], ["rnu"], ["run", "--no-such-flag"], ["data"], ["data", "lst"], ["evaluate"],
                                       ["run", "--log", "loud"], ["predict", "orders"]], ids=" ".join)
def test_a_wrong_call_exits_with_2_and_says_why_on_stderr(arguments, tmp_path):
    call = martlet(*arguments, cwd=tmp_path, expect=WRONG_CALL)
    assert call.err.strip() and not call.out.strip()
    assert list(tmp_path.iterdir()) == []
