"""Encryption of what is gated, and of credentials: per tenant, rotatable; signed single-use links.

Fernet (AES-128-CBC with HMAC-SHA256, authenticated) of the `cryptography` package. The process key
closes the tenants' own keys; each tenant's key closes its rows. Rotation: put a new key first,
close again, drop the old one.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import BadInput, Forbidden

KEY_FILE = "process.key"


class Keyring:
    """One or more keys: the first closes, all of them open."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as exc:
            raise BadInput(
                "an encryption key is malformed; make one with `nightdesk key new`"
            ) from exc
        self._keys = keys

    def close(self, value: bytes) -> bytes:
        """The value, encrypted and authenticated."""
        return self._fernet.encrypt(value)

    def open(self, closed: bytes) -> bytes:
        """What was closed.

        Raises:
            Forbidden: closed with a key that is not in this ring, or tampered with.
        """
        try:
            return self._fernet.decrypt(closed)
        except InvalidToken as exc:
            raise Forbidden("a stored secret cannot be opened with the keys at hand") from exc

    def close_mapping(self, values: Mapping[str, object]) -> bytes:
        """A mapping of plain values, encrypted as one."""
        return self.close(orjson.dumps(values))

    def open_mapping(self, closed: bytes | None) -> dict[str, str]:
        """What `close_mapping` closed; nothing closed is an empty mapping."""
        if closed is None:
            return {}
        opened: dict[str, str] = orjson.loads(self.open(closed))
        return opened

    def rotate(self, closed: bytes) -> bytes:
        """The same value closed with the first key."""
        return self._fernet.rotate(closed)

    def digest(self, text: str) -> bytes:
        """A keyed digest: equal texts of one tenant are equal, nothing can be read back."""
        oldest = self._keys[-1].encode()
        return hmac.new(oldest, text.encode(), hashlib.sha256).digest()[:16]

    def sign(self, payload: Mapping[str, object]) -> str:
        """A URL-safe token that only this ring can make."""
        body = base64.urlsafe_b64encode(orjson.dumps(payload)).rstrip(b"=")
        return f"{body.decode()}.{self._signature(self._keys[0], body)}"

    def verify(self, token: str) -> dict[str, object]:
        """The payload of a signed token.

        Raises:
            Forbidden: not signed by this ring.
        """
        body, _, signature = token.encode(errors="replace").partition(b".")
        for key in self._keys:
            if hmac.compare_digest(self._signature(key, body).encode(), signature):
                padded = body + b"=" * (-len(body) % 4)
                payload: dict[str, object] = orjson.loads(base64.urlsafe_b64decode(padded))
                return payload
        raise Forbidden("this link is not valid")

    def _signature(self, key: str, body: bytes) -> str:
        mac = hmac.new(b"link:" + key.encode(), body, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def new_key() -> str:
    """A fresh key, as text."""
    return Fernet.generate_key().decode()


def new_token(size: int = 24) -> str:
    """An unguessable URL-safe text."""
    return secrets.token_urlsafe(size)


def process_keyring(configured: str | None, *, data_dir: Path, is_embedded: bool) -> Keyring:
    """The ring of the process: from the environment, or kept beside the embedded servers.

    Raises:
        BadInput: the database is external and no key was configured, or the file cannot be used.
    """
    if configured:
        return Keyring(tuple(key.strip() for key in configured.split(",") if key.strip()))
    path = data_dir / KEY_FILE
    try:
        if path.exists():
            return Keyring((path.read_text(encoding="ascii").strip(),))
        if is_embedded:
            return Keyring((_kept_key(path),))
    except OSError as exc:
        raise BadInput(f"cannot use the key file {path}: {exc.strerror}") from exc
    raise BadInput(
        "NIGHTDESK_ENCRYPTION_KEYS is not set, and the database is external; "
        "make a key with `nightdesk key new`, keep it, and put it in the environment"
    )


def _kept_key(path: Path) -> str:
    """The key in a new file, whole from its first moment; of two makers one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f"{KEY_FILE}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
    finally:
        os.unlink(made)
    return path.read_text(encoding="ascii").strip()
