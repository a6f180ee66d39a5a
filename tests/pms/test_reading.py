from app.pms.reading import fold, read, spelled_numbers, words_of


def test_reading_leaves_out_what_does_not_change_it() -> None:
    assert fold("Żółty KÓD ４\u200b8️⃣ ٢ Straße") == "zolty kod 48 2 strasse"


def test_letters_that_only_look_latin_are_read_as_latin() -> None:
    assert fold("раsswоrd") == "password"


def test_every_sign_of_a_reading_knows_its_place() -> None:
    text = "ab\u200b ４ß"
    reading = read(text)
    assert reading.words == "ab 4ss"
    assert [text[at] for at in reading.at[:-1]] == ["a", "b", " ", "４", "ß", "ß"]
    assert reading.at[-1] == len(text)


def test_digits_in_words_are_digits_where_there_are_several() -> None:
    assert read("four seven one").words == "4 7 1"
    assert read("one or two").words == "one or two"


def test_a_number_that_is_spelled_has_one_place() -> None:
    text = "Kod: cztery siedem jeden jeden, potem #. One two."
    ((start, end),) = spelled_numbers(text)
    assert text[start:end] == "cztery siedem jeden jeden"


def test_words_know_their_places() -> None:
    assert list(words_of("Ul. Długa 7")) == [(0, 2, "ul"), (4, 9, "dluga"), (10, 11, "7")]
