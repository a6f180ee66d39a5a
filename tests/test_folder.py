import os
from pathlib import Path

import pytest

from app.errors import BadInput
from app.folder import LARGEST_FILE, MOST_FILES, files_of, text_of, toml_of


def test_a_text_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.txt").write_text("żółw", encoding)
        assert text_of(tmp_path / "a.txt", root=tmp_path) == "żółw"


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("root:x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").symlink_to(tmp_path / "secret")
    (folder / "bots").symlink_to(tmp_path)
    for path in (folder / "a.txt", folder / "bots" / "secret", folder / ".." / "secret"):
        with pytest.raises(BadInput, match="leads out of the folder"):
            text_of(path, root=folder)


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    assert text_of(tmp_path / "b.txt", root=tmp_path) == "words"


def test_what_is_no_plain_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "circle.txt").symlink_to(tmp_path / "circle.txt")
    for name, why in (
        ("pipe.txt", "no plain file"),
        ("folder.txt", "no plain file"),
        ("circle.txt", "cannot read|is missing"),
        ("nothing.txt", "is missing"),
    ):
        with pytest.raises(BadInput, match=f"{name}.*({why})|cannot read {name}"):
            text_of(tmp_path / name, root=tmp_path)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(LARGEST_FILE * 1000)
    with pytest.raises(BadInput, match="larger than"):
        text_of(tmp_path / "a.txt", root=tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("żółw".encode("utf-16"))
    with pytest.raises(BadInput, match="not UTF-8"):
        text_of(tmp_path / "a.txt", root=tmp_path)


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "a = " + "[" * 100_000, "\x00"])
def test_what_is_no_toml_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadInput, match=r"a\.toml"):
        toml_of(tmp_path / "a.toml", root=tmp_path)


def test_files_come_by_name_and_not_without_end(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").touch()
    assert [path.name for path in files_of(tmp_path, "*.txt")] == ["0.txt", "1.txt", "2.txt"]
    for number in range(MOST_FILES + 1):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(BadInput, match="more than"):
        files_of(tmp_path, "*.txt")
