"""Ed25519 signatures (RFC 8032) by keys in PEM files, as ``openssl genpkey -algorithm ed25519`` makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.errors import InputError, NotInstalled

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_MAKE: Final = "make one with: openssl genpkey -algorithm ed25519 -out key.pem (its public half: openssl pkey -pubout)"


def signer(path: str) -> Callable[[bytes], bytes]:
    """What signs with the private key in a file.

    Raises InputError where that holds none it can use, NotInstalled where the package for it is not there.
    """
    data = _read(path)
    _need()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(data, None)
    except TypeError:
        raise InputError(f"{path}: the key is encrypted", hint="give one without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path}: no private key in PEM", hint=_MAKE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: the key is not an Ed25519 one", hint=_MAKE)
    return key.sign


def verifier(path: str) -> Callable[[bytes, bytes], bool]:
    """What says of data and a signature whether that is by the key in a file (public, or the private one).

    Raises as `signer` does.
    """
    key = _public(path)
    from cryptography.exceptions import InvalidSignature

    def verifies(data: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return verifies


def _public(path: str) -> Ed25519PublicKey:
    data = _read(path)
    _need()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    try:
        key = load_pem_private_key(data, None) if b"PRIVATE KEY" in data else load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(f"{path}: no public key in PEM", hint=_MAKE) from None
    if isinstance(key, Ed25519PrivateKey):
        key = key.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: the key is not an Ed25519 one", hint=_MAKE)
    return key


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _need() -> None:
    try:
        import cryptography  # noqa: F401  (an extra; loaded where it is used)
    except ImportError:
        raise NotInstalled("signatures", "cryptography", extra="sign") from None
