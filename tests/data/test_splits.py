"""Split manifests: read as written, refused when edited or leaking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.data.splits import Manifest, leaks, read
from benchmark.digest import digest_json
from benchmark.errors import DataError

SOUND = {
    "data": "made",
    "about": "by hand",
    "items": {
        "1": {"fold": "a", "source": "x", "artist": "Ann"},
        "2": {"fold": "a", "source": "y", "artist": "Ann"},
        "3": {"fold": "b", "source": "z", "artist": "Bob"},
        "4": {"fold": "c", "source": "w", "artist": "Cy"},
        "5": {"fold": "never", "source": "v", "artist": "Ann"},
    },
    "rotations": [
        {"train": ["a"], "validation": ["b"], "test": ["c"]},
        {"train": ["b"], "validation": ["c"], "test": ["a"]},
    ],
}


def written(folder: Path, manifest: dict[str, object]) -> tuple[Path, str]:
    path = folder / "made.json"
    path.write_text(json.dumps(manifest))
    return path, digest_json(manifest)


def changed(**parts: object) -> dict[str, object]:
    return json.loads(json.dumps(SOUND)) | parts


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read(*written(tmp_path, SOUND))


def test_a_seed_chooses_a_rotation(manifest: Manifest) -> None:
    assert manifest.members(0) == {"train": ["1", "2"], "validation": ["3"], "test": ["4"]}
    assert manifest.members(1) == {"train": ["3"], "validation": ["4"], "test": ["1", "2"]}
    assert manifest.members(2) == manifest.members(0)


def test_what_is_in_no_fold_of_a_rotation_or_unknown_is_on_no_side(manifest: Manifest) -> None:
    assert manifest.side("5", 0) is None
    assert manifest.side("99", 0) is None
    assert manifest.side("4", 0) == "test"


def test_sources_are_numbered_once_and_for_all(manifest: Manifest) -> None:
    assert manifest.sources == ("v", "w", "x", "y", "z")


def test_an_edited_manifest_is_refused(tmp_path: Path) -> None:
    path, digest = written(tmp_path, SOUND)
    edited = changed()
    edited["items"]["4"]["fold"] = "a"
    path.write_text(json.dumps(edited))
    with pytest.raises(DataError, match=r"made\.json is not the published one: a split never changes"):
        read(path, digest)


def test_layout_of_the_file_does_not_matter(tmp_path: Path) -> None:
    path, digest = written(tmp_path, SOUND)
    path.write_text(json.dumps(SOUND, indent=3, sort_keys=True))
    assert read(path, digest).members(0)["test"] == ["4"]


def test_an_absent_or_broken_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"split .*gone\.json cannot be read"):
        read(tmp_path / "gone.json", "")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match=r"broken\.json is not JSON"):
        read(tmp_path / "broken.json", "")


@pytest.mark.parametrize("kind", ["source", "artist"])
def test_anything_on_two_sides_is_a_leak(tmp_path: Path, kind: str) -> None:
    leaking = changed()
    leaking["items"]["4"][kind] = leaking["items"]["1"][kind]
    with pytest.raises(DataError, match=rf"{kind} '(x|Ann)' is in train and test of rotation 0"):
        read(*written(tmp_path, leaking))


def test_a_fold_on_two_sides_is_a_leak(tmp_path: Path) -> None:
    twice = changed(rotations=[{"train": ["a", "b"], "validation": ["b"], "test": ["c"]}])
    with pytest.raises(DataError, match="fold 'b' is in train and validation of rotation 0"):
        read(*written(tmp_path, twice))


def test_a_sound_manifest_leaks_nothing(manifest: Manifest) -> None:
    assert leaks(manifest) == []
