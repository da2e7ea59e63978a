"""The dense net on another sound font. `python -m tasks.chords.cross_font` prints its scores as JSON.

The test clips of each seed are played again, note for note, with the presets of FluidR3 under the same program numbers:
recorded samples, none of which the net was trained on. Beside it stands the classical reference of :mod:`.template`,
whose threshold and filter are chosen on the validation clips of the first font, as the net is.
"""

from __future__ import annotations

import hashlib
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np

from benchmark import plugins
from benchmark.data.cache import cached_arrays, generator_digest
from benchmark.data.notes import renderer_digest
from benchmark.data.second_font import second_font
from benchmark.data.soundfont import SoundFont, font
from benchmark.dense import trained_dense
from benchmark.task import Data
from benchmark.training import evaluate

from . import arrange, piece, recordings, sounds, template
from .patches import Patches
from .recordings import Clips
from .task import CLIPS, Chords


def render(other: SoundFont, fold: int, index: int) -> tuple[np.ndarray, np.ndarray, int, int]:
    """What :func:`.recordings.render` gives, with the same music played by another font."""
    rng = np.random.default_rng([fold, index])
    here = sounds.folds(font())[fold]
    source, family = recordings.cast(index, len(here.sources), len(recordings.families(fold)))
    number, progressions = recordings.families(fold)[family]
    what = piece.compose(progressions, rng)
    audio = arrange.perform(other, here, here.sources[source], what, rng)
    return audio, what.codes(), here.numbers[source], number


def clips(other: SoundFont, fold: int, count: int) -> tuple[Clips, np.ndarray]:
    """The first clips of a fold by another font, and their chroma (clips, 12, FRAMES)."""

    def build() -> dict[str, np.ndarray]:
        rendered = [render(other, fold, index) for index in range(count)]
        total = hashlib.sha256()
        for audio, *_ in rendered:
            total.update(audio.astype("<i2").tobytes())
        return {
            "features": np.stack([recordings.constant_q(audio) for audio, *_ in rendered]).astype(np.float16),
            "chroma": np.stack([template.chroma(audio) for audio, *_ in rendered]),
            "codes": np.stack([codes for _, codes, *_ in rendered]),
            "sources": np.array([source for *_, source, _ in rendered], np.int16),
            "families": np.array([family for *_, family in rendered], np.int16),
            "audio_digest": np.frombuffer(total.digest(), np.uint8),
        }

    spec = {
        "clips": recordings.generator(),
        "code": generator_digest(Path(__file__), Path(template.__file__)),
        "font": renderer_digest(other),
        "fold": fold,
        "count": count,
    }
    arrays = cached_arrays("chords-second-font", spec, build)
    chroma, digest = arrays.pop("chroma"), bytes(arrays.pop("audio_digest")).hex()
    return Clips(**arrays, audio_digest=digest), chroma


def net_scores(data: Data, other: Clips, seed: int) -> tuple[float, float]:
    """WCSR of the dense net of `quick` on the test clips and on those of the other font; trained unless cached."""
    task = Chords()
    plugin = plugins.tasks()[Path(__file__).parent.name]
    fit, _ = trained_dense(plugin, task, data, "quick", seed, lambda step, score: None)
    model = task.model("quick")
    model.load_state_dict(fit.state)
    features = data.manifest["features"]
    assert isinstance(features, dict)
    moved = Patches([other], features["mean"], features["deviation"])
    primary = task.metrics[0].id
    own, crossed = (evaluate(task, model.eval(), split).scores[primary] for split in (data.test, moved))
    return own, crossed


def main() -> None:
    """Print scores for seeds 0 to 2 at `quick`."""
    other, count = SoundFont(second_font()), CLIPS["quick"][1]
    results: dict[str, object] = {"font": other.path.name, "sha256": other.digest}
    for seed in range(3):
        fold = seed % sounds.FOLDS
        moved, chroma = clips(other, fold, count)
        own, crossed = net_scores(Chords().data("rendered", None, "quick", seed), moved, seed)
        test, validation = (template.fold_chroma((seed + step) % sounds.FOLDS, count) for step in range(2))
        choice = max(
            product(template.LENGTHS, template.THRESHOLDS),
            key=lambda p: template.score(validation["codes"], template.recognise(validation["chroma"], *p)),
        )
        results[f"seed {seed}"] = {
            "net": round(own, 4),
            "net, other font": round(crossed, 4),
            "template": round(template.score(test["codes"], template.recognise(test["chroma"], *choice)), 4),
            "template, other font": round(template.score(moved.codes, template.recognise(chroma, *choice)), 4),
        }
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
