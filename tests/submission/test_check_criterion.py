"""`check` of a criterion: what is here passes; each way to be wrong is told with its mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmark import cli, plugins
from benchmark.submission import criterion_check
from benchmark.submission.criterion_check import check_criterion
from benchmark.submission.nets import cases
from benchmark.trimming import couple, verify

GOOD = '''"""Sum of absolute weights."""
import torch
from benchmark.task import Card

card = Card(title="Mine", source="unpublished", licence="MIT")
needs = ("weights",)


def score(group, evidence):
    return sum(w.abs().sum(1) for w in evidence.weights)
'''


def written(folder: Path, old: str = "", new: str = "", name: str = "mine.py") -> Path:
    assert old in GOOD
    path = folder / name
    path.write_text(GOOD.replace(old, new) if old else GOOD)
    return path


def lines(path: Path) -> list[str]:
    return [str(failure) for failure in check_criterion(plugins.at(path)).failures]


@pytest.mark.parametrize("name", sorted(plugins.criteria()))
def test_every_criterion_of_the_house_passes_on_every_net(name):
    found = check_criterion(plugins.criteria()[name])
    assert not found.failures
    assert not found.remarks


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_net_can_be_cut_exactly_in_two_groups_or_more_of_different_width(case):
    torch.manual_seed(0)
    net, inputs = case.build(), case.inputs()
    coupling = couple(net, (inputs[:2],), ())
    widths = list(coupling.widths.values())
    assert len(widths) >= 2
    assert len(set(widths)) == len(widths)
    assert verify(net, (inputs[:2],), coupling) <= 1e-12


def test_a_file_anywhere_is_checked_without_being_installed(tmp_path, capsys):
    assert cli.main(["check", str(written(tmp_path))]) == 0
    assert capsys.readouterr().out == "criterion mine: good, the harness can run it\n"
    assert "mine" not in plugins.criteria()


RETURN = "return sum(w.abs().sum(1) for w in evidence.weights)"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"""Sum of absolute weights."""', "", "mine.py: no docstring; begin with a docstring"),
        ('"""Sum of absolute weights."""', f'"""{"x" * 130}"""', "first line has 130 characters; say it in 1 to 120"),
        ("import torch", "import nowhere", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'; mend"),
        ("import torch", "def (", "broken: "),
        ('source="unpublished"', 'source=" "', "the card has no source; who, what, where, year"),
        ('licence="MIT"', 'licence=""', "the card has no licence"),
        ("card = Card", "other = Card", "has no `card`; card = Card(title=..., source=..., licence=...)"),
        ('("weights",)', '("weights")', "`needs` is 'weights', no tuple; write needs = (\"weights\",), with the comma"),
        ('("weights",)', '("tea",)', "needs 'tea', which no one gathers; known: weights, gradients"),
        ('("weights",)', '("weights", "weights")', "names one need twice; name each once"),
        ("def score", "def scored", "has no function `score`; def score(group, evidence): ..."),
        ("def score(group, evidence)", "def score(group)", "cannot be called with two arguments: too many positional"),
        (
            RETURN,
            "return evidence.gradients[0].sum(1)",
            "raised TypeError: 'NoneType' object is not subscriptable; return",
        ),
        (
            RETURN,
            "return torch.ones(3)",
            "gave (3,), wanted a tensor of shape (12,): one score a unit; return one finite",
        ),
        (RETURN, "return [1.0] * len(group)", "gave list, wanted a tensor"),
        (RETURN, "return torch.full((len(group),), torch.nan)", "gave 12 scores that are not finite; return one"),
        (RETURN, "return torch.ones(len(group))", "gave every unit of a group the same score, in every group; a score"),
        (RETURN, "return torch.rand(len(group))", "scores differ when the same evidence is scored again; declare"),
        (RETURN, "return evidence.weights[0].abs_().sum(1)", "changes evidence.weights in place; work on a copy"),
        (RETURN, "return torch.arange(len(group)) / 7", "a unit's score depends on its number"),
        (RETURN, "w = evidence.weights[0].abs().sum(1); return w.cumsum(0)", "a unit's score depends on its number"),
        (
            RETURN,
            "w = evidence.weights[0].abs().sum(1); return w / w.sum()",
            "all weights zero: on group '0' gave 12 scores that",
        ),
        (RETURN, "return evidence.weights[0].abs().sum(1)[2] + torch.rand(0)", "gave (0,), wanted"),
        (
            RETURN,
            "w = evidence.weights[0].abs().sum(1); return w if len(group) > 2 else torch.ones(9)",
            "two units a group: on group '0' gave (9,), wanted a tensor of shape (2,)",
        ),
    ],
)
def test_each_failure_is_told_with_its_mend(tmp_path, old, new, line):
    found = lines(written(tmp_path, old, new))
    assert any(line in one for one in found), found
    assert all("\n" not in one for one in found)


def test_all_failures_are_told_at_once_with_exit_code_3(tmp_path, capsys):
    path = written(tmp_path, RETURN, "return torch.arange(len(group)) * evidence.weights[0].abs_().sum()")
    path.write_text(path.read_text().replace('licence="MIT"', 'licence=""'))
    assert cli.main(["check", str(path)]) == 3
    out = capsys.readouterr().out
    assert "criterion mine: " in out.splitlines()[0] and "things to mend" in out.splitlines()[0]
    for line in ("the card has no licence", "in place", "depends on its number"):
        assert line in out


def test_a_slow_criterion_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(criterion_check, "SECONDS", 1e-9)
    (line,) = lines(written(tmp_path))
    assert "s of CPU, of 0; work on whole tensors, no loops" in line


def test_a_name_that_would_be_read_as_a_variant_or_a_control_is_told(tmp_path):
    assert "cannot be the name of a criterion: it takes a small letter" in lines(written(tmp_path, name="mine-2.py"))[0]
    assert "a control or variant has that name" in lines(written(tmp_path, name="narrow.py"))[0]


def test_noise_is_the_criterions_own_and_excuses_no_other_dependence(tmp_path):
    path = written(tmp_path, '("weights",)', '("weights", "noise")')
    text = path.read_text().replace(RETURN, "return torch.rand(len(group), generator=evidence.noise)")
    path.write_text(text)
    assert lines(path) == []
    other = tmp_path / "other.py"
    other.write_text(text.replace("torch.rand(len(group), generator=evidence.noise)", "torch.arange(len(group)) / 7"))
    assert any("depends on its number" in one for one in lines(other))


def test_what_is_no_plugin_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("")
    for name, line in (
        (str(tmp_path / "notes.txt"), "is no plugin: a criterion is a file NAME.py"),
        ("magnitde", "no criterion, task, file or folder 'magnitde': did you mean 'magnitude'"),
    ):
        assert cli.main(["check", name]) == 2
        err = capsys.readouterr().err
        assert line in err and err.count("\n") == 1
