"""The container of an evidence bundle: a ZIP that is the same, to the byte, for the same contents.

Beside its contents it holds ``SHA256SUMS`` of them, in the form that ``sha256sum --check``
reads, and if signed ``SHA256SUMS.sig``: a raw Ed25519 signature (RFC 8032) of that file,
which ``openssl pkeyutl -verify -rawin`` reads too. Nothing is compressed, since what zlib
makes of the same bytes differs between its versions.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from console.errors import InputError

SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = "SHA256SUMS.sig"
#: The epoch of ZIP: a bundle says when it was made inside, where it can be checked.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_MOST_FILES: Final = 64


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds: its contents by name, and the signature of their sums if it has one."""

    contents: Mapping[str, bytes]
    signature: bytes | None = None

    @property
    def sums(self) -> bytes:
        """The text of SHA256SUMS, in order of name."""
        return "".join(
            f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(self.contents.items())
        ).encode()


def pack(contents: Mapping[str, bytes], sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """The bytes of a bundle. `sign` makes the signature of its sums."""
    bundle = Bundle(contents)
    return _zip(Bundle(contents, sign(bundle.sums) if sign else None))


def unpack(data: bytes) -> Bundle:
    """What the bytes of a bundle hold. Raises InputError where they are not, to the byte, what `pack` makes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES or any(each.compress_type != zipfile.ZIP_STORED for each in entries):
                raise InputError("no evidence bundle: it holds more than one does, or is compressed")
            files = {each.filename: archive.read(each) for each in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise InputError(f"the bundle cannot be read: {error}", hint="it is cut off, or was changed") from None
    sums, signature = files.pop(SUMS, None), files.pop(SIGNATURE, None)
    bundle = Bundle(files, signature)
    if sums is None:
        raise InputError(f"no evidence bundle: it has no {SUMS}")
    if sums != bundle.sums:
        raise InputError("the bundle was changed", hint=_changed(sums, bundle))
    # Names that come twice, notes between the files, times: nothing may hide where no sum looks.
    if _zip(bundle) != data:
        raise InputError("the bundle was changed", hint="its files agree with their sums, what is around them does not")
    return bundle


def _changed(sums: bytes, bundle: Bundle) -> str:
    """Which files do not agree with the sums."""
    said: dict[str, str] = {}
    for line in sums.decode(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        said[name] = digest
    wrong = [f"{name} is not in it" for name in sorted(said.keys() - bundle.contents.keys())]
    for name, data in sorted(bundle.contents.items()):
        if name not in said:
            wrong.append(f"{name} was added")
        elif said[name] != hashlib.sha256(data).hexdigest():
            wrong.append(f"{name} is not what its sum says")
    return "; ".join(wrong) or f"{SUMS} is not in its order"


def _zip(bundle: Bundle) -> bytes:
    files = {**bundle.contents, SUMS: bundle.sums}
    if bundle.signature is not None:
        files[SIGNATURE] = bundle.signature
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.create_system = 3  # Unix, also where it is written on another
            entry.external_attr = _READABLE
            archive.writestr(entry, data)
    return written.getvalue()
