"""What PostgreSQL and Valkey need; whole lives of them are in `test_embedded.py`."""

import os
from pathlib import Path

import pytest

from app.embedded_place import Place
from app.embedded_process import Account
from app.embedded_programs import database_url, postgres, prepare_database, redis_url
from app.errors import BadInput


def make_place(folder: Path) -> Place:
    (folder / "postgres").mkdir()
    ours = Account(uid=os.geteuid(), gid=os.getegid(), is_other=False)
    return Place(home=folder, run=folder / "run", account=ours)


async def test_data_of_another_major_version_are_refused_with_the_way_out(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(BadInput, match=r"PostgreSQL 17, but .* is 18.*pg_dump"):
        await prepare_database(place, Path("/opt/postgres/bin"), 18)


async def test_lost_password_is_an_error_and_not_replaced(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(BadInput, match=r"postgres\.password is missing"):
        await prepare_database(place, Path("/opt/postgres/bin"), 18)
    assert not (tmp_path / "postgres.password").exists()


def test_remains_of_a_dead_postgres_keep_all_but_its_process_id(tmp_path: Path) -> None:
    program = postgres(make_place(tmp_path), Path("/opt/postgres/bin"))
    program.pid_file.write_text("17\n/data\n1\n5432\n/run\n\n99 7\nready\n")
    program.clear_remains()
    assert program.pid_file.read_text() == "999999999\n/data\n1\n5432\n/run\n\n99 7\nready\n"


def test_empty_process_file_of_a_power_failure_is_removed(tmp_path: Path) -> None:
    program = postgres(make_place(tmp_path), Path("/opt/postgres/bin"))
    program.pid_file.write_text("")
    program.clear_remains()
    assert not program.pid_file.exists()


def test_urls_name_the_run_folder(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    assert database_url(place, "pw") == (
        f"postgresql://app:pw@/nightdesk?host={tmp_path}/run&port=5432"
    )
    assert redis_url(place) == f"unix://{tmp_path}/run/vk.sock?db=0"
