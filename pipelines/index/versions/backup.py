"""Versions in one file, whichever engine they came from and go to.

The file is a gzipped tar of three members a version: `<version>/manifest.json`, `<version>/points.jsonl` (the chunk of
each point) and `<version>/vectors.npy` (float32, row i for line i); `contents.json` at its end has the SHA-256 of each.
Points are made of these. Nothing is ever extracted by the name that stands in it: what is read goes to names of our
own.
"""

import hashlib
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from pipelines.config.schema import Params
from pipelines.errors import NocturneError, UsageError
from pipelines.index.store.bm25 import Keywords
from pipelines.index.store.factory import missing_version, open_store
from pipelines.index.store.interface import Engine, make_points
from pipelines.index.store.manifest import NAME_LETTERS, IndexVersion
from pipelines.index.versions.build import check_and_build
from pipelines.project import Project
from pipelines.records import canonical_json, file_sha256, read_json, read_jsonl, write_json, write_jsonl

CONTENTS = "contents.json"
PARTS = ("manifest.json", "points.jsonl", "vectors.npy")
MEMBER = re.compile(rf"([0-9a-f]{{{NAME_LETTERS}}})/({'|'.join(map(re.escape, PARTS))})")


def backup(project: Project, params: Params, versions: Collection[str], file: Path) -> None:
    """Write these versions to one file, which appears whole or not at all.

    Raises:
        UsageError: the file is there already.
        NocturneError: a version is not whole, or the disk fails.
    """
    if file.exists():
        raise UsageError(f"{file} exists.", "Name another file, or take it away first.")
    aside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as archive:
                hashes = {name: sha for version in versions for name, sha in _pack(project, params, version, archive)}
                content = canonical_json(hashes).encode()
                head = tarfile.TarInfo(CONTENTS)
                head.size = len(content)
                archive.addfile(head, io.BytesIO(content))
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(file)
    except OSError as error:
        raise NocturneError(
            f"{file} cannot be written: {error.strerror}.", "Choose another place, or free space."
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def restore(project: Project, params: Params, file: Path) -> list[str]:
    """Build every version of a backup that is not there whole; returns the names of all that it holds.

    Raises:
        UsageError: the file is no backup, or not whole: nothing is built then.
        NocturneError: the disk has no room to unpack it, or a version cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="nocturne-restore-") as folder:
        versions = _unpack(file, Path(folder))
        for version in versions:
            _restore(project, params, version, Path(folder) / version)
    return versions


def _pack(project: Project, params: Params, version: str, archive: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    with closing(open_store(project, params.index)) as store, tempfile.TemporaryDirectory() as folder:
        manifest = store.read(version)
        if manifest is None or store.faults(version):
            raise missing_version(project, version)
        with closing(store.open(manifest)) as engine:
            _write(manifest, engine, Path(folder))
        for part in PARTS:
            name = f"{version}/{part}"
            archive.add(Path(folder) / part, name)
            yield name, file_sha256(Path(folder) / part)


def _write(manifest: IndexVersion, engine: Engine, folder: Path) -> None:
    import numpy as np

    write_json(folder / PARTS[0], manifest.with_files({}).sealed())
    head = {"descr": "<f4", "fortran_order": False, "shape": (manifest.count, manifest.dimension)}
    # Not through a mapped file: on a full disk that ends the process.
    with open(folder / PARTS[2], "wb") as vectors:
        np.lib.format.write_array_header_1_0(vectors, head)

        def rows() -> Iterator[dict[str, Any]]:
            for point in (point for batch in engine.every() for point in batch):
                vectors.write(np.asarray(point.dense, "<f4").tobytes())
                yield {"chunk": point.chunk}

        write_jsonl(folder / PARTS[1], rows())


def _unpack(file: Path, folder: Path) -> list[str]:
    """The members under our own names, each held against its hash."""
    broken = UsageError(f"{file} is not a whole backup of an index.", "Take another copy of it.")
    hashes, contents = {}, {}
    try:
        with tarfile.open(file, "r:gz") as archive:
            for member in archive:
                found = MEMBER.fullmatch(member.name)
                if not member.isreg() or not (found or member.name == CONTENTS):
                    raise broken
                opened = archive.extractfile(member)
                assert opened is not None
                target = folder / (found[1] if found else "") / (found[2] if found else CONTENTS)
                hashes[member.name] = _pour(opened, target)
        contents = read_json(folder / CONTENTS)
    except FileNotFoundError:
        raise UsageError(f"{file} does not exist.", "Name the file that `nocturne index backup` wrote.") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError, NocturneError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's, not what is in the file
            raise NocturneError(
                f"{file} cannot be unpacked in {folder}: {error.strerror}.", "Free disk space, or set TMPDIR elsewhere."
            ) from error
        raise broken from error
    hashes.pop(CONTENTS)
    versions = sorted({name.split("/")[0] for name in hashes})
    if hashes != contents or len(hashes) != len(PARTS) * len(versions):
        raise broken
    return versions


def _pour(source: IO[bytes], target: Path) -> str:
    target.parent.mkdir(exist_ok=True)
    sha = hashlib.sha256()
    with target.open("xb") as file:
        while piece := source.read(1 << 20):
            sha.update(piece)
            file.write(piece)
    return sha.hexdigest()


def _restore(project: Project, params: Params, version: str, folder: Path) -> None:
    import numpy as np

    manifest = IndexVersion.unsealed(read_json(folder / PARTS[0]), version)
    vectors: np.ndarray = np.load(folder / PARTS[2], mmap_mode="r", allow_pickle=False)
    if manifest is None or vectors.shape != (manifest.count, manifest.dimension):
        raise UsageError(
            f"The backup of version {version} was edited, or another version of Nocturne wrote it.",
            "Take another copy of it.",
        )
    with closing(open_store(project, params.index)) as store:
        if store.read(version) is None or store.faults(version):
            chunks = (record["chunk"] for record in read_jsonl(folder / PARTS[1]))
            batches = make_points(chunks, vectors, Keywords(manifest.mean_words))
            check_and_build(store, manifest, batches, params.index.self_check_queries)
