from app.voice.openings import Openings

DISCLOSURE = "Hello, this is the AI assistant of Acme."


def test_what_is_owed_comes_in_order_until_it_was_heard():
    openings, told = Openings(), list[str]()
    openings.owe(DISCLOSURE, lambda: told.append("disclosed"))
    openings.owe("Your case is with our team.", lambda: told.append("case"))
    assert openings.due() == [DISCLOSURE, "Your case is with our team."]
    openings.heard("hello this is the AI assistant of Acme. The code")
    assert openings.due() == ["Your case is with our team."]
    assert told == ["disclosed"]


def test_what_was_cut_off_is_still_owed():
    openings, told = Openings(), list[str]()
    openings.owe(DISCLOSURE, lambda: told.append("disclosed"))
    openings.heard("Hello, this is the AI")
    assert (openings.due(), told) == ([DISCLOSURE], [])
