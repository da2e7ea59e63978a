"""The contract of a task: what the author of `tasks/<name>/` writes, and nothing else.

A task is a folder in `tasks/`; its name is the folder's name. Its `__init__.py` has a docstring, whose first line is
what `list` prints, and an object `task` that is an instance of a subclass of :class:`Task`. Inside the folder use
relative imports only: a copy of the folder under another name is another task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

Profile = Literal["smoke", "quick", "full"]
PROFILES: tuple[Profile, ...] = ("smoke", "quick", "full")


@dataclass(frozen=True)
class Card:
    """What a plugin is and where it comes from; `show NAME` prints it."""

    title: str
    source: str
    """Citation: authors, title, venue, year."""
    licence: str
    notes: str = ""


@dataclass(frozen=True)
class Metric:
    """A score and how it is reduced from items.

    `id` carries tolerance, aggregation and version (`chords.majmin.wcsr.v1`). `reduction` names a function of
    :mod:`benchmark.metrics`, which turns the per-item arrays of :class:`Evaluation` into the score, so that the
    leaderboard can resample items without knowing the task.
    """

    id: str
    reduction: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Mirdata:
    """How mirdata knows a data set, and what of it a task reads: `prepare` downloads that, and loaders count it."""

    name: str
    version: str = "default"
    remotes: tuple[str, ...] = ()
    """Parts to download, by the names that mirdata gives them; none named: what belongs to the version."""
    files: tuple[str, ...] = ()
    """Files of a track that are read, by their names in mirdata's index; a track that the set has not all of them of is
    not read. None named: all that a track has."""
    tracks: str = ""
    """Which tracks are read: a regular expression that is searched for in their ids; empty: all of them."""
    own: tuple[str, ...] = ()
    """Those of `files` that nobody may pass on: the user's own recordings, of which another mastering will do."""


@dataclass(frozen=True)
class DataSet:
    """One data set that a task can be run on."""

    name: str
    title: str
    licence: str
    needs_home: bool
    """True where the user must say with `--data-home` in which folder the recordings are."""
    mirdata: Mirdata | None = None
    """Where mirdata knows the set: so `prepare` can fetch and check it."""
    layout: str = ""
    """What to put where, for what cannot be fetched: a clause for the end of an error line, with DIR for the folder."""


@dataclass(frozen=True)
class Batch:
    """`inputs` is what the model is called with, rows first; `targets` what the loss compares its output to."""

    inputs: Tensor
    targets: Tensor


class Split(ABC):
    """Rows for a model, grouped into items (clips), grouped into sources.

    A *row* is one input of the model (a patch, a frame, a clip). An *item* is what a metric scores (a clip). A
    *source* is what must not be on two sides of a split (a sound zone, a player, a note): bootstrap draws sources.
    """

    sources: np.ndarray
    """(items,) integers: the source of every item. Equal numbers: the same source."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    @abstractmethod
    def batch(self, rows: Tensor) -> Batch:
        """The rows (int64 indices), in that order, without augmentation."""


@dataclass(frozen=True)
class Data:
    """Three splits and what a stranger needs to make them again."""

    train: Split
    validation: Split
    test: Split
    digest: str
    """sha256 over the content of all three splits (audio or features as fed, targets, sources)."""
    manifest: Mapping[str, object]
    """JSON-ready: how many items and sources each split has and what they are; `missing`: a list of the files that
    could not be used, each with its reason, which `run` prints."""


@dataclass(frozen=True)
class Training:
    """How a reference model is trained; the same for every method.

    `steps` optimizer steps of AdamW with `batch` rows, peak `learning_rate` after `warmup` (fraction of the steps) and
    a cosine to zero; `checks` times validation is scored, evenly spread, and the best is kept. Weights and norm
    statistics of step `rewind * steps` are what survivors are rewound to.
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-2
    warmup: float = 0.1
    rewind: float = 0.08
    checks: int = 10


@dataclass(frozen=True)
class Examples:
    """Sounds that a net made, to be listened to."""

    rate: int
    """Samples a second."""
    made: Mapping[str, Tensor]
    """By a name that can be a file's, (samples,) in -1 to 1."""
    wanted: Mapping[str, Tensor]
    """What each should have been, by the same names."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one split.

    `items` maps a metric's id to the arrays that its reduction takes, first axis = item. `scores` are those
    reductions plus any further aggregate that is worth recording, by metric id.
    """

    scores: Mapping[str, float]
    items: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    examples: Examples | None = None
    """Of a task that makes sound."""


class Task(ABC):
    """What the harness asks of a task: attributes first, then questions, asked of what `on` gives."""

    card: Card
    version: int
    """Raise it when a change makes old scores incomparable."""
    metrics: tuple[Metric, ...]
    """The first is the primary one: it chooses the epoch on validation and ranks the leaderboard."""
    tolerance: float = 0.02
    """How much worse than dense still counts as lossless, in units of the primary metric."""
    datasets: tuple[DataSet, ...]
    """The first is the default."""
    protected: tuple[str, ...] = ()
    """Names of modules whose output units mean something (classes, samples) and are never cut."""

    def on(self, data: str) -> Task:
        """The task on one of its `datasets`: another object where what is asked depends on it, as classes do."""
        return self

    @abstractmethod
    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """The splits. Rotated over seeds where the set is small; the same call gives the same content.

        `name` is one of `datasets`.

        Raises
        ------
        benchmark.errors.DataError
            What is missing, where it was looked for, what to put there.
        """

    @abstractmethod
    def model(self, profile: Profile) -> nn.Module:
        """A fresh reference model, initialised by `reset_parameters` of its layers only.

        A profile scales widths, never the architecture. The forward reads widths from its tensors.
        """

    @abstractmethod
    def training(self, profile: Profile) -> Training:
        """How the reference model is trained to convergence."""

    @abstractmethod
    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """The training loss, a scalar."""

    @abstractmethod
    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Score outputs (rows, ...), one for every row of the split in order, with the field's own metric."""

    def test(self, model: nn.Module, outputs: Tensor, split: Split) -> Evaluation:
        """What is measured once a round, on the test split: `evaluate`, and what takes the model itself.

        A net that makes a sound sample by sample is heard only where it is let run on what it has made.

        Parameters
        ----------
        model
            In eval mode; gradients are off.
        outputs
            (rows, ...), what it says to every row of the split in order.
        """
        return self.evaluate(outputs, split)

    @abstractmethod
    def example(self, profile: Profile) -> Tensor:
        """One input of batch size 1, for tracing and measuring."""

    @abstractmethod
    def seconds(self, profile: Profile) -> float:
        """How many seconds of new audio one call on `example` answers for (its hop, or its clip)."""

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Training rows as the field varies them; the default leaves them alone."""
        return batch

    def scored(self, items: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, float]:
        """Reduce per-item arrays to scores, metric by metric: what `evaluate` puts into its result."""
        from benchmark.metrics import reduction

        return {m.id: reduction(m.reduction)(items[m.id]) for m in self.metrics}

    def target_summary(self, targets: Tensor) -> Tensor:
        """What a criterion that asks how much a unit says of the target is told of each row's target.

        Parameters
        ----------
        targets
            Of a batch, (rows, ...).

        Returns
        -------
        Tensor
            (rows,). Integers are classes, of which there should be few (tens) beside a thousand rows; floats are a
            quantity, of which only the order counts. The default: a target that is one number as it is, else the mean
            of its numbers (of a spectrum its level).
        """
        return targets if targets.dim() == 1 else targets.flatten(1).double().mean(1)

    def rows(self, split: Split) -> Sequence[int] | None:
        """Rows that training draws from (None: all), for splits with rows that have no usable target."""
        return None
