"""Plugins from elsewhere: `--plugins DIR` and entry points; two of a name are an error that names both."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from benchmark import methods, plugins
from benchmark.errors import UsageError
from tests.conftest import SMOKE, House
from tests.submission.test_check_criterion import GOOD


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for `--plugins` with the criterion `mine`."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.py").write_text(GOOD)
    (folder / "_helper.py").write_text("")
    (folder / "notes.txt").write_text("")
    monkeypatch.setenv(plugins.FOLDERS, "")
    return folder


def test_a_file_of_a_folder_is_a_criterion_and_a_method(elsewhere):
    assert "mine" not in plugins.criteria()
    plugins.look_in([elsewhere])
    assert plugins.criteria()["mine"].path == elsewhere / "mine.py"
    assert plugins.criterion("mine").card.title == "Mine"
    assert methods.method("mine-local").criterion == "mine"
    assert not {"_helper", "notes"} & set(plugins.criteria())


def test_a_folder_of_a_folder_is_a_task_with_its_own_imports(elsewhere, folder):
    (elsewhere / "toy").mkdir()
    (elsewhere / "toy" / "__init__.py").write_text('"""Toy."""\nfrom .inner import task\n')
    (elsewhere / "toy" / "inner.py").write_text((folder / "toy" / "__init__.py").read_text())
    plugins.look_in([elsewhere])
    assert plugins.task("toy").card.title == "Chirps"
    assert plugins.task("toy") is plugins.task("toy")


def test_two_of_a_name_are_refused_with_both_places(elsewhere):
    (elsewhere / "magnitude.py").write_text(GOOD)
    plugins.look_in([elsewhere])
    with pytest.raises(
        UsageError, match=r"two of a name: criterion 'magnitude' is .*baselines.* and .*elsewhere.*rename"
    ):
        plugins.criteria()


def test_the_same_folder_twice_is_no_collision(elsewhere):
    plugins.look_in([elsewhere, elsewhere, plugins.ROOT / "baselines"])
    assert "mine" in plugins.criteria()


def test_a_folder_that_is_not_there_is_a_usage_error(elsewhere):
    with pytest.raises(UsageError, match=r"no such folder; name one with NAME\.py"):
        plugins.look_in([elsewhere / "nowhere"])


def test_wrong_types_are_refused_by_name(elsewhere):
    (elsewhere / "odd.py").write_text("needs = 7\n")
    (elsewhere / "strange").mkdir()
    (elsewhere / "strange" / "__init__.py").write_text("task = 7\n")
    plugins.look_in([elsewhere])
    with pytest.raises(UsageError, match=r"odd.py must have `card`"):
        plugins.criterion("odd")
    with pytest.raises(UsageError, match="strange has no object `task` that is an instance"):
        plugins.task("strange")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with entry points, as pip leaves it."""
    site = tmp_path / "site"
    (site / "theirs").mkdir(parents=True)
    (site / "theirs" / "__init__.py").write_text("")
    (site / "theirs" / "rank.py").write_text(GOOD)
    info = site / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trimbench.criteria]\ntheir_rank = theirs.rank\n")
    monkeypatch.syspath_prepend(str(site))
    plugins._installed.cache_clear()
    yield info
    plugins._installed.cache_clear()


def test_an_entry_point_of_an_installed_package_is_a_criterion(installed):
    assert [e.name for e in metadata.entry_points(group="trimbench.criteria")] == ["their_rank"]
    found = plugins.criteria()["their_rank"]
    assert found.summary == "Sum of absolute weights."
    assert "theirs.rank" not in sys.modules
    assert plugins.criterion("their_rank").card.title == "Mine"


def test_an_entry_point_to_nothing_is_told(installed):
    (installed / "entry_points.txt").write_text("[trimbench.criteria]\nlost = theirs.nowhere\n")
    with pytest.raises(UsageError, match=r"entry point lost = 'theirs.nowhere' of trimbench.criteria: no such module"):
        plugins.criteria()


@pytest.mark.long
def test_every_command_takes_the_folder_and_a_sweep_in_processes_too(house: House, elsewhere):
    here = ("--plugins", str(elsewhere))
    assert "mine" in json.loads(house.run("list", "criteria", "--json", *here).stdout)["criteria"]
    done = house.run(*SMOKE, "--criterion", "mine", "--no-controls", "--jobs", "2", *here)
    assert done.returncode == 0, done.stderr
    done = house.run("verify", "--no-data")
    assert (done.returncode, "no criterion or control 'mine'" in done.stdout) == (3, True)
