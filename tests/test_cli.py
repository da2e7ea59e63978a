"""The command line as its user sees it."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from benchmark.digest import code
from tests.conftest import ROOT, House


def one_line(text: str) -> str:
    assert text.count("\n") == 1 and "Traceback" not in text, text
    return text.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rn"], "no command 'rn': did you mean 'run'?"),
        (["run"], "the following arguments are required: --task"),
        (["run", "--task", "tpy"], "no task 'tpy': did you mean 'toy'?"),
        (
            ["run", "--task", "toy", "--criterion", "magnitud"],
            "no criterion or control 'magnitud': did you mean",
        ),
        (["run", "--task", "toy", "--criterion", "magnitude-rewnd"], "no criterion or control 'magnitude-rewnd'"),
        (["run", "--task", "toy", "--criterion", "magnitude-maskd"], "did you mean 'magnitude-masked' or"),
        (["run", "--task", "toy", "--criterion", "maskin"], "did you mean 'masking'?"),
        (["run", "--task", "toy", "--profile", "quik"], "--profile 'quik' is unknown: did you mean 'quick'?"),
        (["run", "--task", "toy", "--redo", "al"], "--redo 'al' is unknown: did you mean 'all'?"),
        (["run", "--task", "toy", "--seeds", "0,x"], "--seeds '0,x': give whole numbers from 0 up"),
        (["run", "--task", "toy", "--seeds", "-1"], "--seeds '-1': give whole numbers"),
        (["run", "--task", "toy", "--jobs", "0"], "--jobs 0: give 1 or more"),
        (["run", "--task", "toy", "--data", "mad"], "task 'toy' has no data set 'mad': did you mean 'made'?"),
        (["list", "task"], "no list of 'task': did you mean 'tasks'?"),
        (["show", "magnitue"], "nothing is called 'magnitue': did you mean 'magnitude' or"),
        (["run", "--task", "toy", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_slip_gets_one_line_and_exit_code_2(house: House, arguments, message):
    done = house.run(*arguments)
    assert done.returncode == 2
    assert message in one_line(done.stderr)
    assert done.stdout == ""


def best_of(times: int, house: House, *arguments: str) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        house.run(*arguments)
        taken.append(time.perf_counter() - begun)
    return min(taken)


@pytest.mark.parametrize(("arguments", "limit"), [(["--help"], 0.5), (["list"], 1.0), (["run", "--task", "tpy"], 1.0)])
def test_what_needs_no_torch_answers_at_once(house: House, arguments, limit):
    assert best_of(3, house, *arguments) < limit


def test_list_names_what_lies_in_the_folders(house: House):
    done = house.run("list", "--json")
    shown = json.loads(done.stdout)
    assert list(shown["tasks"]) == ["toy"]
    assert {"magnitude", "random", "<criterion>-masked", "narrow+", "dense+", "masking"} <= set(shown["criteria"])
    assert shown["tasks"]["toy"].startswith("Which of four chirps")


def test_a_copied_task_folder_is_another_task_without_an_edit_elsewhere(house: House):
    shutil.copytree(house.root / "tasks" / "toy", house.root / "tasks" / "toy2")
    assert set(json.loads(house.run("list", "tasks", "--json").stdout)["tasks"]) == {"toy", "toy2"}
    done = house.run("run", "--task", "toy2", "--profile", "smoke", "--criterion", "narrow", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    assert (house.results / "toy2" / "made" / "smoke" / "narrow" / "seed0.json").exists()


def test_nothing_in_the_harness_names_a_task_and_only_its_data_name_data_sets():
    files = list((ROOT / "benchmark").rglob("*.py"))
    outside = [path for path in files if ROOT / "benchmark" / "data" not in path.parents]
    for names, where in (((b"chords", b"classification"), files), ((b"philharmonia", b"mdb_drums"), outside)):
        text = b"\n".join(code(path.read_bytes()) for path in where).lower()
        assert not [name for name in names if name in text]


def test_a_broken_plugin_is_listed_as_broken_and_breaks_nothing_else(house: House):
    (house.root / "baselines" / "bad.py").write_text("def score(:\n")
    done = house.run("list", "criteria", "--json")
    shown = json.loads(done.stdout)["criteria"]
    assert shown["bad"].startswith("broken: ")
    assert "magnitude" in shown
    done = house.run("show", "bad")
    assert done.returncode == 2
    assert "cannot be imported: SyntaxError" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("needs = ()\ndef score(group, evidence): ...\n", "must have `card` (a Card), `needs` (a tuple) and `score"),
        ("import nowhere\n", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_criterion_file_that_breaks_the_contract_is_told_before_anything_runs(house: House, body, message):
    (house.root / "baselines" / "mine.py").write_text(f'"""Mine."""\n{body}')
    done = house.run("run", "--task", "toy", "--profile", "smoke", "--criterion", "mine", "--seeds", "0")
    assert done.returncode == 2
    assert message in one_line(done.stderr)
    assert not house.results.exists()


def test_show_prints_the_card_of_each_kind(house: House):
    assert "evidence: weights" in house.run("show", "magnitude").stdout
    assert "toy.accuracy.v1 (higher is better)" in house.run("show", "toy").stdout
    assert "all the steps that the ticket has had" in house.run("show", "narrow+").stdout
    assert "magnitude: its units held at zero instead of cut" in house.run("show", "magnitude-masked").stdout
    for name in ("magnitude", "toy"):
        assert not [line for line in house.run("show", name).stdout.splitlines() if line != line.rstrip()]


def test_env_is_json_without_the_person(house: House):
    shown = json.loads(house.run("env").stdout)
    assert "torch" in json.dumps(shown)


def test_dry_run_says_what_how_long_and_where_and_writes_nothing(house: House):
    done = house.run("run", "--task", "toy", "--profile", "smoke", "--seeds", "0", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "toy smoke magnitude seed 0" in done.stdout
    assert " min " in done.stdout
    assert not house.results.exists()


def test_an_unwritable_results_folder_is_told_before_anything_runs(house: House):
    (house.root / "file").write_text("not a folder")
    done = house.run("run", "--task", "toy", "--profile", "smoke", "--results", "file/results")
    assert done.returncode == 2
    assert "cannot write into file/results: Not a directory; name another with --results" in one_line(done.stderr)


def test_leaderboard_check_tells_whether_the_page_is_what_the_records_give(house: House):
    house.results.mkdir()
    assert house.run("leaderboard").returncode == 0
    assert house.run("leaderboard", "--check").returncode == 0
    page = house.root / "leaderboard.md"
    page.write_text(page.read_text() + "edited\n")
    done = house.run("leaderboard", "--check")
    assert done.returncode == 3
    assert "python -m benchmark leaderboard" in one_line(done.stderr)
