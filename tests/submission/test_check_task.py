"""`check` of a task: the toy task passes; each way to be wrong is told with its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark import cli, plugins
from benchmark.submission import net_check, task_check
from benchmark.submission.task_check import check_task
from tests.conftest import ROOT

TOY = (ROOT / "tests" / "toy_task.py").read_text()
# Sources through the whole data set, no row on two sides, a tolerance that is explained, floors that are reached.
GOOD = (
    TOY.replace("np.arange(items) // 3", "1000 * seed + np.arange(items) // 3")
    .replace('licence="MIT")', 'licence="MIT", notes="The tolerance is wide: few items.")', 1)
    .replace('{"smoke": 16, "quick": 24, "full": 32}', '{"smoke": 16, "quick": 64, "full": 64}')
)


def written(folder: Path, *changes: str) -> Path:
    text = GOOD
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "toy"
    path.mkdir()
    (path / "__init__.py").write_text(text)
    return path


@pytest.fixture
def no_new_process(monkeypatch):
    """The data are made again by importing torch again: once is enough, below."""

    def none(plugin, name, home):
        from benchmark.submission.data_digest import content

        data = plugins.task_of(plugin).data(name, home, "smoke", 0)
        return data.digest, content(data)

    monkeypatch.setattr("benchmark.submission.split_check.made_again", none)


def lines(path: Path) -> list[str]:
    return [str(failure) for failure in check_task(plugins.at(path), None, None).failures]


def test_a_good_task_anywhere_passes(tmp_path, capsys):
    assert cli.main(["check", str(written(tmp_path))]) == 0
    assert capsys.readouterr().out == "task toy: good, the harness can run it\n"


def test_data_that_another_process_makes_otherwise_are_told(tmp_path):
    path = written(tmp_path, "np.random.default_rng(seed)", "np.random.default_rng(abs(hash(str(seed))))")
    (line,) = lines(path)
    assert "made again they have another content; seed what is drawn, sort what is listed or hashed" in line


NET = "return self.out(torch.relu(self.hidden(x)))"
MODEL = 'return Net({"smoke": 16, "quick": 64, "full": 64}[profile])'
SUM = "return Evaluation(self.scored(items), items)"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (('"""Which of four', '_ = """Which of four'), "no docstring; begin with a docstring"),
        (("task = Toy()", "task = Toy"), "has no object `task` that is an instance of benchmark.task.Task"),
        (("import torch\n", "import torch, nowhere\n"), "No module named 'nowhere'"),
        (("version = 1\n", "version = '1'\n"), "version '1'; give 1, 2, ..."),
        (("version = 1\n", "\n"), "the task has no version; the contract is benchmark/task.py"),
        (('source="made up"', 'source=""'), "the card has no source"),
        (("The tolerance is wide", "It is wide"), "the tolerance is 0.05 and not 0.02; say why in the card's notes"),
        (('"macro_f1")', '"mean_f1")'), "has the unknown reduction 'mean_f1'; known: ratio, macro_f1"),
        (('"toy.accuracy.v1"', '"accuracy"'), "metric id 'accuracy'; begin it with toy. and end it with its version"),
        (('protected = ("out",)', "protected = ()"), "the units of 'out' cannot be cut: it is an output of the model"),
        (('("out",)', '("out", "norm")'), "'norm', which the model has not, or not to cut; take it out"),
        (('("out",)', '("out", "outt")'), "'outt'"),
        (
            (NET, "h = self.hidden(x); return self.out(torch.relu(h * h.shape[1] ** -0.5))"),
            "the units of 'hidden' cannot be cut: a cut changes",
        ),
        (('"quick": 64', '"quick": 8'), "every group at its minimum leaves 60 parameters, and round 15 allows 3"),
        (
            ("self.first(x)", "self.first(x + 0 * (x @ x.transpose(1, 2)))"),
            "cannot count MACs: aten::bmm runs in the model itself",
        ),
        (
            (
                "self.out = nn.Linear(2 * width, CLASSES)",
                "self.out = nn.Linear(2 * width, CLASSES); self.out.weight.data *= 9",
            ),
            "out.weight has other weights after reset_parameters() than in a fresh model; initialise inside",
        ),
        (("steps=50,", "steps=50, rewind=0.0,"), "rewinds to step 0 of 50; more steps, or another `rewind`"),
        (("return 0.01", "return 0"), "`seconds` is 0; say how much new audio a call answers for"),
        (("torch.zeros(1, 1, LENGTH)", "torch.zeros(2, 1, LENGTH)"), "`example` is (2, 1, 48); give one row"),
        (("1000 * seed + np", "np"), "source 0 is in train and in test (41 such); split by source; number the sources"),
        (
            ("content = [", "splits[2].inputs[:5] = splits[0].inputs[:5]; content = ["),
            "5 rows of test are in train too; drop what is there twice before splitting",
        ),
        (("np.arange(items) // 3", "np.zeros(items, int)"), "1 sources in test; the bootstrap draws sources"),
        (("np.arange(items) // 3", "np.arange(items) / 3"), "`sources` is not one whole number an item"),
        (
            ("return Batch(self.inputs[rows], self", "return Batch(self.inputs[rows] + torch.rand(1), self"),
            "rows depend on the order or the time at which they are asked for; `batch` gives row i as it is",
        ),
        (
            ("Batch(self.inputs[rows], self.targets[rows])", "Batch(self.inputs[rows], self.targets)"),
            "a batch has other rows",
        ),
        (
            ("self.inputs = torch.tensor(", "waves[0] = np.nan; self.inputs = torch.tensor("),
            "inputs that are not finite",
        ),
        (('"items": [len(s)', '"x": {1, 2}, "items": [len(s)'), "the manifest is no JSON: Object of type set"),
        (("digest=digest_arrays(content)", "digest='7'"), "`digest` is no sha256; benchmark.digest.digest_arrays"),
        ((SUM, "return Evaluation({}, items)"), "toy.accuracy.v1 is None; a finite number whatever the outputs are"),
        ((SUM, "return Evaluation(self.scored(items), {})"), "the items of toy.accuracy.v1 lack part, whole; `ratio`"),
        ((SUM, "return Evaluation({m.id: 0.7 for m in self.metrics}, items)"), "is 0.7, its items give"),
        (
            ("np.arange(items) // 3", "np.arange(items - 1) // 3 + 1000 * seed"),
            "toy.accuracy.v1/part is (121,), and there are 120",
        ),
        (
            ('"truth": truth.astype(np.uint8)', '"truth": truth - 1'),
            "has class numbers outside 0 to 1023; finite numbers; classes are integers from 0",
        ),
        (("outputs.argmax(1)", "outputs.topk(9).indices[:, 0]"), "random outputs: raised RuntimeError"),
        (("cross_entropy(output, targets)", "cross_entropy(output, targets, reduction='none')"), "one finite number"),
        (("cross_entropy(output, targets)", "mse_loss(output, output + 1)"), "the loss does not fall on one batch"),
        (("batch=32", "batch=500"), "240 rows are fewer than one batch of 500; more rows or a smaller batch"),
        (
            ("generator=generator", "generator=None"),
            "`augment` gives other rows for the same generator; draw everything",
        ),
        (
            ("return Batch(batch.inputs + 0.1", "return Batch(batch.inputs.add_(1) + 0.1"),
            "`augment` changes its batch in",
        ),
        (
            (NET, "return self.out(torch.relu(self.hidden(x - x.mean(0))))"),
            "depends on the rows beside it; no norm over",
        ),
        (
            ("import numpy as np\n", "import numpy as np\nfrom tasks import toy as me\n"),
            "imports from `tasks` by name; ins",
        ),
    ],
)
def test_each_failure_is_told_with_its_mend(tmp_path, no_new_process, changes, line):
    found = lines(written(tmp_path, *changes))
    assert any(line in one for one in found), found
    assert all("\n" not in one for one in found)


def test_a_cut_that_is_not_exact_is_told(tmp_path, no_new_process, monkeypatch):
    monkeypatch.setattr(net_check, "verify", lambda model, inputs, coupling: 1e-3)
    assert any(
        "differs from one whose units are ignored by 0.001; does the forward" in one for one in lines(written(tmp_path))
    )


def test_recordings_that_are_not_at_hand_are_a_remark(tmp_path, no_new_process):
    found = check_task(plugins.at(written(tmp_path, "needs_home=False", "needs_home=True")), None, None)
    assert not found.failures
    assert any("say where with --data-home DIR" in remark for remark in found.remarks)


def test_an_unknown_data_set_is_told(tmp_path):
    (line,) = map(str, check_task(plugins.at(written(tmp_path)), "maad", None).failures)
    assert "has no data set 'maad'; it has made" in line


def test_the_usual_tolerance_needs_no_word(tmp_path, no_new_process):
    assert task_check.USUAL_TOLERANCE == 0.02
    path = written(tmp_path, "tolerance = 0.05", "tolerance = 0.02", "The tolerance is wide: few items.", "")
    assert lines(path) == []
