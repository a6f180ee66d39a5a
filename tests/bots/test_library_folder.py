from pathlib import Path
from typing import Any

import pytest

from app.bots.library import check_library, default_content
from app.bots.library_folder import read_library, write_library
from app.errors import BadInput


def again(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    write_library(content, folder)
    return read_library(folder)


def test_the_built_in_library_survives_the_round_trip(tmp_path: Path) -> None:
    assert check_library(again(default_content(), tmp_path)) == check_library(default_content())


def test_awkward_words_survive_the_round_trip(tmp_path: Path) -> None:
    awkward = 'a "quoted" \\ back\tslash\x7f\nline ż ü ع 🙂 # no comment'
    content = default_content()
    bots = [
        {**content["bots"][0], "name": awkward, "action_codes": ["ESCALATE"]},
        {
            **content["bots"][1],
            "conditions": {"a.b": {"$regex": 'x"\\d+', "$options": "i"}, "c": {"$in": [1, None]}},
            "template": "one\r\ntwo\n\n{{x}}\n",
        },
    ]
    codes = [{**content["codes"][0], "description": awkward}, *content["codes"][1:]]
    phrases = {"WIFI_QUESTION": {"en": ["internet {word}", awkward], "pl": ["neta"]}}
    wanted = {**content, "bots": bots, "codes": codes, "phrases": phrases}
    found = again(wanted, tmp_path)
    assert found["bots"][0]["name"] == awkward
    assert found["bots"][1]["template"] == "one\r\ntwo\n\n{{x}}\n"
    assert found["bots"][1]["conditions"] == bots[1]["conditions"]
    assert found["codes"][0]["description"] == awkward
    assert found["phrases"] == phrases
    assert found["templates"] == wanted["templates"]


def test_the_order_of_many_bots_survives(tmp_path: Path) -> None:
    content = default_content()
    bots = [{**content["bots"][1], "name": f"bot {number}"} for number in range(25)]
    found = again({**content, "bots": bots}, tmp_path)
    assert [bot["name"] for bot in found["bots"]] == [bot["name"] for bot in bots]


def test_bots_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    content = default_content()
    twins = [{**content["bots"][1], "name": "Ź", "template": t} for t in ("one", "two")]
    found = again({**content, "bots": twins}, tmp_path)
    assert [bot["template"] for bot in found["bots"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("codes.toml", None, "codes.toml"),
        ("codes.toml", "= x", "codes.toml"),
        ("bots/10-x.toml", "name = 'x'\nconditions = 'no json'", "conditions is not JSON"),
        ("bots/10-x.toml", "name = 'x'", "10-x.txt"),
        ("replies/WIFI.txt", "x", "CODE.language.txt"),
        ("replies/fallback.toml", "x = 1", "fallback.toml"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, path: str, text: str | None, complaint: str
) -> None:
    write_library(default_content(), tmp_path)
    place = tmp_path / path
    if text is None:
        place.unlink()
    else:
        place.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=complaint):
        read_library(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    write_library(default_content(), tmp_path)
    (tmp_path / "codes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"codes\.toml"):
        read_library(tmp_path)
