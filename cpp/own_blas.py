"""Copies the pinned BLAS under a name of gramian's own, and finds what its interface leaves out.

Run by blas.cmake: own_blas.py LIBRARY COPY HEADER. Two things are different in the copy, in place,
so that no tool beyond Python is needed and every address stays:

- Its SONAME, which the dynamic linker identifies libraries by. Any other library named as the
  original, earlier on LD_LIBRARY_PATH or already in the process, would be taken instead of it.
- The entry DT_FINI_ARRAY of its dynamic section becomes DT_SYMBOLIC. So its LAPACK calls its own
  BLAS, whatever else of these names is global in the process; and nothing unmaps the BLAS's buffers
  when the process ends, under threads that compute with them (memory ends with the process anyway).

The header says where the allocation of buffers lies, relative to a routine that is exported:
gate.cpp reserves buffers and holds the lock across a fork. They are local symbols, of which a
stripped library says nothing; the header is empty then.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

OLD, NEW = b"libscipy_openblas64_.so", b"libgramian_openblas_.so"
ANCHOR = b"scipy_cblas_dgemm64_"
LOCAL = (b"blas_memory_alloc", b"blas_memory_free", b"blas_thread_shutdown_", b"alloc_lock")
SYMTAB, DYNAMIC = 2, 6  # types of sections
DT_SONAME, DT_SYMBOLIC, DT_FINI_ARRAY = 14, 16, 26


def sections(library: bytes) -> list[tuple[int, ...]]:
    """Return (type, offset, size, number of the linked section) of all sections."""
    if library[:6] != b"\x7fELF\2\1":
        raise SystemExit("not a 64-bit little-endian ELF library")
    (start,) = struct.unpack_from("<Q", library, 40)
    size, count = struct.unpack_from("<HH", library, 58)
    entries = (struct.unpack_from("<IIQQQQI", library, start + i * size) for i in range(count))
    return [(kind, offset, length, link) for _, kind, _, _, offset, length, link in entries]


def text_at(library: bytes, start: int) -> bytes:
    """Return the string, ended by a zero, that starts there."""
    return library[start : library.index(b"\0", start)]


def rename(library: bytearray) -> None:
    """Change the dynamic section of a library in place."""
    found = sections(library)
    _, start, size, link = next(section for section in found if section[0] == DYNAMIC)
    names = found[link][1]
    for at in range(start, start + size, 16):
        tag, value = struct.unpack_from("<qQ", library, at)
        if tag == DT_FINI_ARRAY:
            struct.pack_into("<q", library, at, DT_SYMBOLIC)
        elif tag == DT_SONAME:
            if text_at(library, names + value) != OLD:
                raise SystemExit(f"the BLAS's own name is not {OLD.decode()}")
            library[names + value : names + value + len(NEW)] = NEW


def symbols(library: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield names and addresses of all symbols of the full table, where there is one."""
    found = sections(library)
    for kind, start, size, link in found:
        if kind == SYMTAB:
            for at in range(start, start + size, 24):
                name, _, _, _, address, _ = struct.unpack_from("<IBBHQQ", library, at)
                yield text_at(library, found[link][1] + name), address


def header(library: bytes) -> str:
    """Return the lines of the header."""
    wanted = {ANCHOR, *LOCAL}
    places: dict[bytes, list[int]] = {}
    for name, address in symbols(library):
        if name in wanted:
            places.setdefault(name, []).append(address)
    if places.keys() != wanted or any(len(found) > 1 for found in places.values()):
        return ""
    return "".join(
        f"#define GRAMIAN_OFFSET_{name.decode().upper()} {places[name][0] - places[ANCHOR][0]}\n"
        for name in LOCAL
    )


def main(source: Path, copy: Path, offsets: Path) -> None:
    """Write the copy and its header."""
    original = source.read_bytes()
    offsets.parent.mkdir(parents=True, exist_ok=True)
    offsets.write_text(header(original), "utf-8")
    library = bytearray(original)
    rename(library)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(library)
    copy.chmod(0o755)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
