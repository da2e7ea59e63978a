"""The WaveNet task: what the harness asks of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.audio import scores
from benchmark.data import single_notes
from benchmark.data.splits import SIDES
from benchmark.metrics import reduction
from benchmark.task import Batch, Card, Data, Evaluation, Examples, Metric, Profile, Split, Task, Training

from .data import AMISS, IGNORED, Notes, cut, framed
from .generate import chosen, generate, heard
from .model import WaveNet
from .mulaw import LEVELS, decode
from .shape import KINDS, MELS, SHAPES

SECONDS: dict[Profile, float] = {"smoke": 0.256, "quick": 0.512, "full": 4.0}
"""Of a note, which is generated sample by sample."""
NOTES: dict[Profile, int] = {"smoke": 54, "quick": 3456, "full": 8100}
"""About how many to train on: a step hears little of each, and of many."""
SCORED = 4
"""Frames of a row after its lead, at one place of a note."""
TRAINED = 1
"""The same of a row in training, at a random place."""

REWIND = 0.6
"""Of the steps, a little later than in the papers' runs (100 of 200 epochs): a round costs less than half of dense."""
EXAMPLE = 2
"""Frames of the example."""
NATS = Metric("wavenet.nll.v3", "ratio", higher_is_better=False)
HEARD = scores.metrics("wavenet")
EXAMPLES = 6
"""Generated notes that are written to be heard."""


class WavenetTask(Task):
    """Notes, sample by sample, from their mel spectrograms."""

    card = Card(
        title="WaveNet: notes sample by sample, conditioned on mel spectrograms",
        source="Esling, Devis, Bitton, Caillon, Chemla-Romeu-Santos, Douwes: Diet deep generative audio models with "
        "structured lottery, DAFx 2020; network: van den Oord et al.: WaveNet: a generative model for raw audio, 2016; "
        "notes in the manner of NSynth: Engel et al., ICML 2017",
        licence="MIT",
        notes="Rendered at run time from the sound font of the installed pretty_midi package (GPL-2); rendered audio "
        "is not redistributed. Test notes have sounds and pitches that training has not. 16 kHz at `full`, where a "
        "net hears 2,047 samples or 128 ms; 8 kHz else, with dilations to 64 in place of 512, so that it hears 255 or "
        "32 ms: two periods of the lowest note. As in LPCNet (Valin and Skoglund, ICASSP 2019), a sample is predicted "
        "from those before it, with coefficients that follow from the mel frame, and the net guesses what that leaves. "
        "The first metric is teacher-forced: nats a sample, of which a guess of 256 levels has 5.545. The others are "
        "of test notes that the net generates, sample after sample, from silence and mel frames. MACs a second are "
        "those of generation, the prediction's own 64 a sample (128 at `full`) left out; the latency is that of all "
        "samples at once, of generation `python -m tasks.wavenet.realtime` tells.",
    )
    version = 3
    metrics = (NATS, *HEARD)
    datasets = single_notes.DATASETS
    protected = ("output",)

    def data(self, name: str, home: Path | None, profile: Profile, seed: int) -> Data:
        """Fold `seed` of the sources tests, on the keys of fold `seed`; see :mod:`benchmark.data.tones`."""
        held = single_notes.load(name, home, profile, seed, SECONDS[profile], NOTES[profile])
        shape = SHAPES[profile]
        train = Notes(held.tones["train"], shape, None, AMISS)
        validation, test = (Notes(held.tones[side], shape, shape.lead + SCORED) for side in SIDES[1:])
        return Data(train, validation, test, held.digest, held.facts)

    def model(self, profile: Profile) -> nn.Module:
        """The second paper's widths at `full`."""
        return WaveNet(SHAPES[profile])

    def training(self, profile: Profile) -> Training:
        """Twice the steps (`dense+`) gain 0.09 nats on the test notes of seed 0 at `quick`; `full` is not tuned."""
        if profile == "smoke":
            return Training(steps=24, batch=4, learning_rate=1e-2, checks=2)
        if profile == "quick":
            return Training(steps=1600, batch=8, learning_rate=4e-3, rewind=REWIND, checks=5)
        return Training(steps=100_000, batch=8, learning_rate=1e-3, rewind=REWIND, checks=20)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats a sample, after the lead."""
        return F.cross_entropy(output, targets, ignore_index=IGNORED)

    def evaluate(self, outputs: Tensor, split: Split) -> Evaluation:
        """Nats of each note's window and how many samples it has; an item is a note."""
        if not isinstance(split, Notes):
            raise TypeError("WaveNet is scored on the task's own splits")
        nats, counts = [], []
        for rows in torch.arange(len(split)).split(16):
            targets = split.batch(rows).targets
            nats.append(F.cross_entropy(outputs[rows], targets, ignore_index=IGNORED, reduction="none").double().sum(1))
            counts.append((targets != IGNORED).sum(1))
        items = {"part": torch.cat(nats).numpy(), "whole": torch.cat(counts).double().numpy()}
        return Evaluation({NATS.id: reduction(NATS.reduction)(items)}, {NATS.id: items})

    def test(self, model: nn.Module, outputs: Tensor, split: Split) -> Evaluation:
        """Nats, and the common metrics of some notes that the net generates, which are also there to be heard."""
        found = self.evaluate(outputs, split)
        assert isinstance(split, Notes) and isinstance(model, WaveNet)
        made = generate(model, split)
        common = heard(made, split)
        items = {**found.items, **{metric.id: common[metric.id.split(".")[1]] for metric in HEARD}}
        names = [f"{row:04d}" for row in chosen(split)[:EXAMPLES].tolist()]
        wanted = split.audio[chosen(split)]
        examples = Examples(
            split.shape.rate, dict(zip(names, made, strict=False)), dict(zip(names, wanted, strict=False))
        )
        return Evaluation(self.scored(items), items, examples)

    def example(self, profile: Profile) -> Tensor:
        """Noise, (1, 2, 3 hop + 80): as short as lets every layer hear what is behind it."""
        random = torch.Generator().manual_seed(0)
        levels = torch.randint(LEVELS, (1, EXAMPLE, KINDS * SHAPES[profile].hop), generator=random)
        return torch.cat([levels, 2 * torch.rand((1, EXAMPLE, MELS), generator=random) - 1], -1)

    def seconds(self, profile: Profile) -> float:
        """Of all samples: a forward computes each sample once, as generation does."""
        return EXAMPLE * SHAPES[profile].hop / SHAPES[profile].rate

    def augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """A window at a random place of every note, half of them upside down: mel bands do not hear that."""
        rows, frames = batch.inputs.shape[:2]
        asked = batch.targets.unflatten(1, (frames, -1))
        lead = int((asked[0, :, 0] == IGNORED).sum())
        window = lead + TRAINED
        first = torch.randint(frames - window + 1, (rows,), generator=generator)
        levels, mels = cut(batch.inputs, first, window).split([batch.inputs.shape[2] - MELS, MELS], 2)
        asked = cut(asked, first, window)
        turned = torch.rand((rows, 1, 1), generator=generator) < 0.5
        levels, asked = (torch.where(turned, LEVELS - 1 - x, x) for x in (levels, asked))
        return framed(torch.cat([levels, mels], 2), asked, lead)

    def target_summary(self, targets: Tensor) -> Tensor:
        """How loud each row is, in dB: the mean of its levels would say nothing."""
        asked = targets != IGNORED
        power = (decode(targets.clamp_min(0)).double().square() * asked).sum(1) / asked.sum(1)
        return 10 * (power + 1e-10).log10()
