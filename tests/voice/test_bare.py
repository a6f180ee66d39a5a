from app.voice.bare import bare


def test_case_and_punctuation_make_no_other_words():
    assert bare("Is there a BAKERY, nearby?") == bare("is there a bakery nearby")


def test_letters_of_every_script_count():
    assert bare("Gdzie jest żłobek?") == "gdziejestżłobek"
    assert bare("أين المخبز؟") == "أينالمخبز"
