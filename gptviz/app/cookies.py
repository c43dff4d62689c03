"""Cookies by which a browser is known again: signed, so that nobody can make one.

The secret that signs them is made once, and lies in a file of the server's own user beside the
models: a restart, and a second process that serves the same models, know every browser again.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from gptviz import system
from gptviz.checkpoints.place import root
from gptviz.disk import read_regular
from gptviz.runs import lock

FOLDER, FILE = ".private", "secret"  # below the folder of models
BYTES = 32  # of a secret
LONGEST = 300  # characters of a cookie; those that are made here have half of it
LONGEST_MAKING = 10.0  # seconds for which another process may be making the secret


@dataclass(frozen=True)
class Kind:
    """What a cookie says, and for how long."""

    name: str
    seconds: int


BROWSER = Kind("browser", 365 * 86_400)  # an id; renewed whenever a page is opened
TEACHER = Kind("teacher", 16 * 3_600)  # that this browser may do all: for a day of school


def secret() -> str:
    """What signs the cookies; made if there is none.

    Raises OSError or ValueError in words if it can be neither read nor kept.
    """
    folder = root().resolve() / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.held(folder / "lock", LONGEST_MAKING):  # two servers may start at once
        path = folder / FILE
        if path.exists():
            kept = read_regular(path, 10 * BYTES).decode("ascii", "replace").strip()
            if len(kept) == 2 * BYTES:  # else it was cut off, as by a full disk
                return kept
        made = new_secret()
        partial = folder / f"{FILE}.partial"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(made)
        system.replace(partial, path)
        return made


def new_secret() -> str:
    """One that nobody can guess."""
    return secrets.token_hex(BYTES)


class Cookies:
    """Makes and reads the cookies of a server, which are signed by its secret."""

    def __init__(self, secret: str):
        self._secret = secret
        # A browser sends a cookie to all servers of a machine, whatever their ports; by their names
        # those with other models leave each other's alone.
        self._mark = hashlib.sha256(f"name {secret}".encode()).hexdigest()[:8]

    def name(self, kind: Kind) -> str:
        """What the browser calls it."""
        return f"gptviz-{kind.name}-{self._mark}"

    def made(self, kind: Kind, says: str, path: str = "/", is_secret: bool = False) -> str:
        """A Set-Cookie header that no script of a page can read; is_secret: for https only."""
        value = self._signer(kind).dumps(says)
        usual = f"Path={path}; Max-Age={kind.seconds}; HttpOnly; SameSite=Lax"
        return f"{self.name(kind)}={value}; {usual}{'; Secure' if is_secret else ''}"

    def said(self, kind: Kind, sent: Mapping[str, str]) -> str:
        """What a cookie says that was made here and is not too old; empty for any other."""
        value = sent.get(self.name(kind), "")
        if not value.isascii() or len(value) > LONGEST:
            return ""
        try:
            says = self._signer(kind).loads(value, max_age=kind.seconds)
        except BadData:
            return ""
        return says if isinstance(says, str) else ""

    def _signer(self, kind: Kind) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret,
            salt=f"gptviz {kind.name}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
