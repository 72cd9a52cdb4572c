"""LossyDisk: a disk that keeps what was synced; of the rest, it keeps what chance wants.

Files are real ones, and reads see all writes, as they do on any machine that has power. Beside
them the disk remembers what would be there if the power went: for each file what it held at its
last sync, the writes since, and whether the folder knows of it. `after_a_cut` writes that out.

As a real disk does, it may keep any of the writes since the last sync, and of each any of the
512-byte sectors that it touches; but it spoils no byte that was not written (SQLite's "powersafe
overwrite", which SQLite takes for granted on Unix).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

__all__ = ["LossyDisk"]

SECTOR = 512
_MAKES_FOLDER_DURABLE = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL

Change = tuple[int, bytes | None]  # where, and what; without bytes: the file was cut off there


class _Image:
    """A file as the disk has it."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.since: list[Change] = []
        self.entered = False  # whether the folder knows of it, come what may

    def sync(self) -> None:
        for change in self.since:
            _apply(self.synced, *change)
        self.since.clear()

    def after_a_cut(self, rng: random.Random) -> bytes:
        left = bytearray(self.synced)
        for where, what in _survivors(self.since, rng):
            _apply(left, where, what)
        return bytes(left)


class LossyDisk(apsw.VFS):
    """A VFS that knows what a power cut would leave.

    Args:
        before: Called before each operation that changes what the disk has: the moments that
            differ from one another, for whoever wants to cut the power.
    """

    def __init__(self, name: str, before: Callable[[], None]) -> None:
        super().__init__(name, "")
        self.name, self.before = name, before
        self.images: dict[str, _Image] = {}
        self.removed: dict[str, _Image] = {}  # which a cut may bring back

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path and path not in self.images:
            self.images[path] = _Image()
        return _LossyFile(self, name, flags, self.images.get(path))

    def xDelete(self, name: str, syncdir: bool) -> None:
        self.before()
        super().xDelete(name, syncdir)
        if (image := self.images.pop(name, None)) and image.entered:
            self.removed[name] = image
        if syncdir:
            self.sync_folder()

    def sync_folder(self) -> None:
        """The folder is on the disk: what was removed is gone, what was made is there."""
        self.removed.clear()
        for image in self.images.values():
            image.entered = True

    def after_a_cut(self, folder: Path, rng: random.Random) -> None:
        """Write into *folder* what the disk would have if the power went now."""
        for name, image in (self.removed | self.images).items():
            if (image.entered and name not in self.removed) or rng.random() < 0.5:
                (folder / Path(name).name).write_bytes(image.after_a_cut(rng))


class _LossyFile(apsw.VFSFile):
    def __init__(self, disk: LossyDisk, name: Any, flags: list[int], image: _Image | None) -> None:
        super().__init__("", name, flags)
        self._disk, self._image = disk, image or _Image()  # a temporary file has no name
        self._enters = bool(flags[0] & _MAKES_FOLDER_DURABLE)  # as SQLite's own VFS does it

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.before()
        super().xWrite(data, offset)
        self._image.since.append((offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        self._disk.before()
        super().xTruncate(size)
        self._image.since.append((size, None))

    def xSync(self, flags: int) -> None:
        self._disk.before()
        self._image.sync()  # that the real file is synced does not matter: its image is what counts
        if self._enters and not self._image.entered:
            self._disk.sync_folder()


def _apply(content: bytearray, where: int, what: bytes | None) -> None:
    if what is None:
        del content[where:]
        return
    content.extend(bytes(max(0, where - len(content))))
    content[where : where + len(what)] = what


def _survivors(changes: list[Change], rng: random.Random) -> list[Change]:
    """Nothing, the first few with the last one torn, or any, each of them torn or not."""
    kind = rng.randrange(3)
    if kind == 0:
        return []
    if kind == 1:
        first = changes[: rng.randint(0, len(changes))]
        return first[:-1] + [piece for change in first[-1:] for piece in _torn(change, rng)]
    chosen = [change for change in changes if rng.random() < 0.5]
    return [piece for change in chosen for piece in _torn(change, rng)]


def _torn(change: Change, rng: random.Random) -> list[Change]:
    where, what = change
    if what is None or rng.random() < 0.5:
        return [change]
    pieces, end = [], where + len(what)
    while where < end:
        border = min(end, (where // SECTOR + 1) * SECTOR)
        pieces.append((where, what[len(what) - (end - where) : len(what) - (end - border)]))
        where = border
    return [piece for piece in pieces if rng.random() < 0.5]
