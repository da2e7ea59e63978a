"""Data sets through mirdata: opened in a folder of the user's, counted, checked and downloaded.

mirdata (the optional dependency `real`; Bittner et al., "mirdata: software for reproducible usage of datasets", ISMIR
2019) knows where the files of a set lie, what they must contain, and how annotations are read. Its index is taken from
the data's own folder where it lies there, and is downloaded to there: mirdata's own place is inside of the installed
package, which not every user may write to.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data.recordings import UnusableError
from benchmark.errors import DataError
from benchmark.task import DataSet, Mirdata

Say = Callable[[str], None]


@dataclass(frozen=True)
class MirSet:
    """A data set in a folder, with its index.

    Attributes
    ----------
    data : DataSet
        What the task says of it.
    home : Path
    dataset : mirdata.core.Dataset
    index : mapping
        `tracks` by id; a track's files by name: path below `home` and md5, or two times None.
    """

    data: DataSet
    home: Path
    dataset: Any
    index: Mapping[str, Any]

    def tracks(self) -> dict[str, Any]:
        """The tracks that the task reads, as mirdata has them, by id; no file is read yet."""
        return {name: self.dataset.track(name) for name in self.index["tracks"] if self.files(name)}

    def files(self, track: str) -> dict[str, tuple[str, str]]:
        """Of a track, the path below `home` and the md5 of the files that the task reads, by name; may be none."""
        of = _of(self.data)
        has = {name: (file[0], file[1]) for name, file in self.index["tracks"][track].items() if _is_file(file)}
        if not re.search(of.tracks, track) or not has.keys() >= set(of.files):
            return {}
        return {name: has[name] for name in of.files or has}

    def absent(self) -> dict[str, list[str]]:
        """Files that the task reads and that are not there, below `home`, by track; tracks that lack none are left out.

        Nothing is opened: an empty or damaged file counts as there.
        """
        found = {
            track: [path for path, _ in self.files(track).values() if not (self.home / path).is_file()]
            for track in self.index["tracks"]
        }
        return {track: paths for track, paths in found.items() if paths}

    def path(self, track: str, name: str) -> Path:
        """Where a file that the task reads is.

        Raises
        ------
        UnusableError
            It is absent, or the index does not have it.
        """
        files = self.files(track) if track in self.index["tracks"] else {}
        if name not in files:
            raise UnusableError("not in mirdata's index")
        path = self.home / files[name][0]
        if not path.is_file():
            raise UnusableError(f"no file {files[name][0]}")
        return path

    def altered(self, verbose: bool = False) -> list[str]:
        """Files that are there with other bytes than published, below `home`, by mirdata's validation.

        The user's own recordings are not compared: another mastering of a song has other bytes by right.
        """
        from mirdata.validate import validate_files

        own = _of(self.data).own
        published = {
            track: {name: list(file) for name, file in self.files(track).items() if name not in own}
            for track in self.index["tracks"]
        }
        _, differing = validate_files(published, str(self.home), verbose)
        return [Path(path).relative_to(self.home).as_posix() for paths in differing.values() for path in paths]


def opened(data: DataSet, home: Path | None) -> MirSet:
    """A data set of mirdata in the folder `home`.

    Raises
    ------
    DataError
        No folder was named, or it is absent; mirdata, or the set's index, is absent or broken; what to do.
    """
    if home is None:
        raise DataError(f"the data set {data.name} needs recordings; {how_to_get(data)}")
    if not home.is_dir():
        raise DataError(f"no folder {home}; {how_to_get(data)}")
    dataset = _initialised(data, home)
    try:
        index = json.loads(Path(dataset.index_path).read_bytes())
        if not all(isinstance(files, dict) for files in index["tracks"].values()):
            raise ValueError("a track has no files")
        return MirSet(data, home, dataset, index)
    except FileNotFoundError:
        name = Path(dataset.index_path).name
        raise DataError(f"no index {name} of {data.name}, in {home} or in mirdata; {how_to_get(data)}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"index {dataset.index_path} of {data.name} cannot be read ({error}): delete it; {how_to_get(data)}"
        ) from error


@contextmanager
def table_of(data: DataSet) -> Iterator[None]:
    """Around reading what a set's tables say of its tracks, such as their sides: mirdata opens tables late.

    Raises
    ------
    DataError
        A table is absent or cannot be read; what to do.
    """
    try:
        yield
    except (OSError, ValueError, LookupError) as error:
        why = " ".join(str(error).split())
        raise DataError(f"a table of {data.name} cannot be read ({why}); {how_to_get(data)}") from error


def how_to_get(data: DataSet) -> str:
    """End of an error line: the command that fetches a data set, or what to put where."""
    ways = [data.layout] if data.layout else []
    if data.mirdata:
        ways.insert(0, f"fetch what can be with: prepare --task TASK --data {data.name} --data-home DIR")
    return "; ".join(ways) or "`show TASK` says where it is from"


def download(data: DataSet, home: Path, say: Say) -> None:
    """Fetch the parts of a data set that the task reads, and its index, unless all of it is there.

    Parameters
    ----------
    say
        Is told a line for every part; mirdata shows a bar of its own where standard error is a terminal.

    Raises
    ------
    DataError
        A part cannot be fetched, or `home` cannot be written to: which, why, and what to do instead.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{home} cannot be made ({error.strerror}): name another folder with --data-home") from error
    module, dataset = _module(data), _initialised(data, home)
    index = module.INDEXES[dataset.version]
    remotes = dict(dataset.remotes or {})
    parts = list(_of(data).remotes or index.partial_download or remotes)
    if index.remote and not Path(dataset.index_path).is_file():
        _fetch_index(data, index.remote, home, say)
    if _complete(data, home):
        say(f"{data.name}: every file that is read and can be fetched is there")
        return
    for number, part in enumerate(parts, 1):
        say(f"{data.name}: fetching {part} ({number} of {len(parts)}) from {remotes[part].url}")
        _fetch(data, {part: remotes[part]}, home)
    if not parts:
        say(f"{data.name}: mirdata fetches no part of it")


def conditions(data: DataSet) -> str:
    """What mirdata says of getting a set's recordings, as one line; nothing where they are free to download."""
    return " ".join(str(getattr(_module(data), "DOWNLOAD_INFO", "")).replace("{}", "DIR").split())


def _complete(data: DataSet, home: Path) -> bool:
    found = opened(data, home)
    own = _of(data).own
    return not any(
        not (home / path).is_file()
        for track in found.index["tracks"]
        for name, (path, _) in found.files(track).items()
        if name not in own
    )


def _fetch_index(data: DataSet, remote: Any, home: Path, say: Say) -> None:
    from mirdata.download_utils import RemoteFileMetadata

    say(f"{data.name}: fetching mirdata's index from {remote.url}")
    _fetch(data, {"index": RemoteFileMetadata(remote.filename, remote.url, remote.checksum)}, home)


def _fetch(data: DataSet, remotes: dict[str, Any], home: Path) -> None:
    """Download and unpack; an archive of other bytes than published, as an interrupted one, is fetched once more."""
    from mirdata.core import Index
    from mirdata.download_utils import downloader

    for again in (False, True):
        try:
            with _quiet():
                downloader(str(home), dict(remotes), Index("none"), force_overwrite=again)
        except Exception as error:  # urllib, ssl, zipfile, tarfile and mirdata have one each
            if again or "checksum" not in str(error):
                (what,) = remotes
                reason = " ".join(str(error).split()) or type(error).__name__
                raise DataError(f"{data.name}: {what} cannot be fetched ({reason}); {_instead(data)}") from error
        else:
            return


def _instead(data: DataSet) -> str:
    return data.layout or conditions(data) or "try again where there is a network"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without mirdata's log lines, which the caller says in one, and without its bar where there is no terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _of(data: DataSet) -> Mirdata:
    if data.mirdata is None:
        raise ValueError(f"the data set {data.name} does not say how mirdata knows it")
    return data.mirdata


def _module(data: DataSet) -> Any:
    return sys.modules[type(_initialised(data, Path())).__module__]


def _initialised(data: DataSet, home: Path) -> Any:
    try:
        import mirdata
    except ImportError as error:
        raise DataError(
            f"the data set {data.name} is read by mirdata; install it with: pip install 'trimbench[real]'"
        ) from error
    of = _of(data)
    dataset = mirdata.initialize(of.name, data_home=str(home), version=of.version)
    own = home / Path(dataset.index_path).name
    if own.is_file():
        dataset.index_path = str(own)
    return dataset


def _is_file(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and entry[0] is not None
