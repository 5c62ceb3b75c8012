"""A backup of a project while it runs, and its way back: databases by SQLite's online copy, files, one manifest.

The archive (tar, gzip) holds `manifest.json` first: what is in it, with SHA-256 of each file, schema and row counts of
each database. It is there whole or not at all. A restore checks all of it before anything is put in place.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scada.core.errors import StartError
from scada.history.database import inspect_file
from scada.history.samples import engine as samples
from scada.history.upgrade import HEAD, OLDEST, VERSION_TABLE

FORMAT = 1
DATA = "data"
SPILL = "spill"
"""Below it: samples that wait while their database is away."""
DATABASES = ("core.db", "history.db")
MANIFEST = "manifest.json"
FILES_MAX = 100_000
MANIFEST_BYTES_MAX = 50_000_000
_REFERENCE = re.compile(r"file:([^\s\"',;\]]+)")
_KEY_MARK = b"PRIVATE KEY"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What a backup holds.

    Attributes:
        rows: database → table → rows.
        left_out: files of the project that hold secrets and are not in it.
        samples_elsewhere: samples are in PostgreSQL, which has backups of its own.
    """

    files: int
    size: int
    rows: dict[str, dict[str, int]]
    left_out: list[str]
    samples_elsewhere: bool


def backup(
    project: Path,
    file: Path,
    *,
    made: str,
    version: str,
    secrets: bool = False,
    samples_elsewhere: bool = False,
) -> BackupFacts:
    """Write a backup of a project directory; the system may run.

    Args:
        made: when, for the manifest.
        version: of the program.
        secrets: also what is secret: keys, certificates, files that settings refer to.
        samples_elsewhere: `history.db` is not where samples are.

    Raises:
        StartError: there is no database, or a file cannot be read or written; no archive is left.
    """
    data = project / DATA
    if not (data / "core.db").exists():
        raise StartError(f"{project} has no {DATA}/core.db: there is nothing to back up")
    half = file.with_name(f"{file.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as work:
            # The spill first: what is in the database by then is in both, and its number says so.
            spilled = _copy_spill(data / SPILL, Path(work))
            copies = {name: Path(work) / name for name in DATABASES if (data / name).exists()}
            rows = {name: _copy(data / name, copy) for name, copy in copies.items()}
            chosen, left_out = _choose(project, secrets=secrets)
            sources = {f"{DATA}/{name}": copy for name, copy in copies.items()}
            sources |= {f"{DATA}/{SPILL}/{path.name}": path for path in spilled}
            sources |= {path.relative_to(project).as_posix(): path for path in chosen}
            manifest: dict[str, Any] = {
                "format": FORMAT,
                "made": made,
                "version": version,
                "secrets": secrets,
                "samples_elsewhere": samples_elsewhere,
                "rows": rows,
                "left_out": left_out,
            }
            os.close(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
            size = _write(half, sources, manifest)
            half.replace(file)
    except sqlite3.Error as error:
        raise StartError(f"the databases of {project} cannot be copied ({error})") from error
    except OSError as error:
        raise StartError(f"the backup cannot be written ({error.strerror or error})") from error
    finally:
        half.unlink(missing_ok=True)
    return BackupFacts(len(sources), size, rows, left_out, samples_elsewhere)


def restore(file: Path, project: Path) -> BackupFacts:
    """Put a backup in place, once everything in it was found to be whole.

    Raises:
        StartError: the directory holds something, or the archive is damaged, of a newer version, or not ours. Nothing
            was put in place.
    """
    if project.exists() and any(project.iterdir()):
        raise StartError(f"{project} is not empty: a backup is restored into a directory of its own")
    project.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=project.parent, prefix=f".{project.name}-"))
    try:
        manifest = _unpack(file, work)
        for name, rows in manifest["rows"].items():
            _see(work / DATA / name, name, rows)
        _be_another(work / DATA / "core.db")
        if project.exists():
            project.rmdir()
        work.chmod(0o755)
        work.replace(project)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, sqlite3.Error) as error:
        raise StartError(f"{file} cannot be restored ({error}): take another backup") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    files = manifest["files"]
    size = sum(one["size"] for one in files.values())
    return BackupFacts(
        len(files), size, manifest["rows"], manifest["left_out"], bool(manifest["samples_elsewhere"])
    )


def _copy(source: Path, target: Path) -> dict[str, int]:
    """A copy of a database as it is at one moment, whoever writes to it; its row counts."""
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    reader = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    copy = sqlite3.connect(target)
    try:
        reader.backup(copy)  # in one step: within one read transaction
        copy.execute("PRAGMA journal_mode=DELETE")
        return _counts(copy)
    finally:
        reader.close()
        copy.close()


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def _copy_spill(folder: Path, work: Path) -> list[Path]:
    """The samples that wait for their database, as far as they are written; one that is gone is in it."""
    copies = []
    for path in sorted(folder.glob("*.spill")) if folder.is_dir() else []:
        copy = work / path.name
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:
            continue
        copies.append(copy)
    return copies


def _choose(project: Path, *, secrets: bool) -> tuple[list[Path], list[str]]:
    """(files beside the databases, those left out because they are secret). Of `data` nothing but with secrets."""
    referred = _referred(project)
    chosen: list[Path] = []
    left_out: list[str] = []
    for path in _files(project):
        inside = path.relative_to(project)
        if inside.parts[0] == DATA and not secrets:
            continue
        if not secrets and (path.resolve() in referred or _holds_key(path)):
            left_out.append(inside.as_posix())
            continue
        chosen.append(path)
        if len(chosen) > FILES_MAX:
            raise StartError(f"{project} has more than {FILES_MAX:,} files: is it a project directory?")
    return chosen, sorted(left_out)


def _files(project: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(project):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder) / name
            is_database = path.parent == project / DATA / SPILL or (
                path.parent == project / DATA and name.startswith((*DATABASES, "scada.lock", "core.reserve"))
            )
            if name.startswith(".") or is_database or path.is_symlink() or not path.is_file():
                continue
            yield path


def _referred(project: Path) -> set[Path]:
    """Files that hold the secrets of settings."""
    found: set[Path] = set()
    for pattern in ("*.toml", "*.csv"):
        for path in project.glob(pattern):
            text = path.read_text(encoding="utf-8", errors="replace")
            found |= {(project / name).resolve() for name in _REFERENCE.findall(text)}
    return found


def _holds_key(path: Path) -> bool:
    with path.open("rb") as file:
        return _KEY_MARK in file.read(65_536)


def _write(half: Path, sources: dict[str, Path], manifest: dict[str, Any]) -> int:
    digests = {name: _digest(path) for name, path in sources.items()}
    manifest["files"] = {name: {"sha256": digest, "size": size} for name, (digest, size) in digests.items()}
    with tarfile.open(half, "w:gz", compresslevel=1) as archive:
        content = json.dumps(manifest, indent=1).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size = len(content)
        archive.addfile(head, io.BytesIO(content))
        for name, path in sources.items():
            entry = archive.gettarinfo(path, arcname=f"files/{name}")
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.size = digests[name][1]
            with path.open("rb") as file:
                archive.addfile(entry, file)
    with half.open("rb") as file:
        os.fsync(file.fileno())
    return half.stat().st_size


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size


def _unpack(file: Path, work: Path) -> dict[str, Any]:
    with tarfile.open(file, "r:gz") as archive:
        head = archive.next()
        if head is None or head.name != MANIFEST or head.size > MANIFEST_BYTES_MAX:
            raise StartError(f"{file} is no backup of this program")
        stream = archive.extractfile(head)
        manifest: dict[str, Any] = json.loads(stream.read()) if stream else {}
        if manifest.get("format") != FORMAT:
            raise StartError(f"{file} was made by another version of this program: use that one")
        wanted = dict(manifest["files"])
        while (entry := archive.next()) is not None:
            name = entry.name.removeprefix("files/")
            facts = wanted.pop(name, None)
            inside = PurePosixPath(name)
            if facts is None or not entry.isfile() or inside.is_absolute() or ".." in inside.parts:
                raise StartError(f"{file} holds '{entry.name}', which its manifest does not know")
            target = work / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(entry)
            assert source is not None
            with target.open("xb") as out:
                shutil.copyfileobj(source, out, _CHUNK)
            target.chmod(entry.mode & 0o700 if inside.parts[0] == DATA else entry.mode & 0o755)
            if _digest(target) != (facts["sha256"], facts["size"]):
                raise StartError(f"{file} is damaged: {name} is not what it was when the backup was made")
        if wanted:
            raise StartError(f"{file} is cut: {next(iter(wanted))} is missing")
    return manifest


def _be_another(path: Path) -> None:
    """What PostgreSQL was fed after the backup must not be overwritten by numbers that are given out once more.

    It is fed again only after somebody said so there (`scada.history.feed` tells how).
    """
    connection = sqlite3.connect(path)
    try:
        with connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'feed_state'").fetchone():
                connection.execute("DELETE FROM feed_state WHERE name = 'identity'")
    finally:
        connection.close()


def _see(path: Path, name: str, rows: dict[str, int]) -> None:
    """See that a restored database is whole, of a version that we know, and holds what it held."""
    if name == "core.db":
        inspect_file(path, HEAD, OLDEST, VERSION_TABLE)
    else:
        inspect_file(path, samples.HEAD, 1, samples.VERSION_TABLE)
    connection = sqlite3.connect(path)
    try:
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        found = _counts(connection)
    finally:
        connection.close()
    if answer != "ok":
        raise StartError(f"{path.name} in the backup is damaged: {answer}")
    if found != rows:
        raise StartError(f"{path.name} in the backup does not hold what its manifest says")
