import re

import pytest

from app.bots.library_folder import DEFAULT_LIBRARY
from app.bots.llm import ModelError
from app.bots.nonsense import refuse_nonsense
from app.bots.sentences import SENTENCES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I'm sorry, but I can't assist with that request.", "en"),
        ("I cannot help with that.", "en"),
        ("As an AI language model, I do not have access to bookings.", "en"),
        ("That violates our usage policy.", "en"),
        ("Przykro mi, ale nie mogę w tym pomóc.", "pl"),
        ("Jako model językowy nie mam dostępu do rezerwacji.", "pl"),
        ("Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.", "de"),
        ("Tut mir leid, dabei kann ich leider nicht helfen.", "de"),
        ("Als KI habe ich keinen Zugriff darauf.", "de"),
        ("عذرًا، لا يمكنني المساعدة في ذلك.", "ar"),
        ("بصفتي نموذج لغة لا أعرف ذلك.", "ar"),
    ],
)
def test_a_refusal_reaches_no_guest(text: str, language: str) -> None:
    with pytest.raises(ModelError, match="refused"):
        refuse_nonsense(text, language)


@pytest.mark.parametrize(
    "text",
    [
        '{"actionCode": "ESCALATE", "score": 1}',
        "[1, 2]",
        "```\nHello\n```",
        "<think>The guest wants the code</think> Hello",
        "<|im_start|>assistant",
        "<html><body>502</body></html>",
        "assistant: Hello",
    ],
)
def test_markup_reaches_no_guest(text: str) -> None:
    with pytest.raises(ModelError, match="instead of words"):
        refuse_nonsense(text, "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le parking se trouve derrière la maison, il est gratuit pour nos clients.", "en"),
        ("Der Parkplatz liegt hinter dem Haus und ist für unsere Gäste kostenlos.", "pl"),
        ("The car park is behind the house and it is free for all of our guests.", "de"),
        ("The car park is behind the house and it is free for all of our guests.", "ar"),
        ("停车场在房子后面，对我们的客人免费开放，谢谢。", "en"),
        ("Парковка за домом, бесплатно.", "pl"),
    ],
)
def test_another_language_reaches_no_guest(text: str, language: str) -> None:
    with pytest.raises(ModelError, match="another language"):
        refuse_nonsense(text, language)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_no_words_at_all_are_no_answer(text: str) -> None:
    with pytest.raises(ModelError, match="said nothing"):
        refuse_nonsense(text, "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Sorry, there is no lift, but I can ask a colleague to help with the bags.", "en"),
        ("The wifi is RiverNet, the password is [[wifi_password]].", "en"),
        ("Check-in is from 15:00 at ul. Rzeczna 7, Warszawa.", "en"),
        ("Parking (spot 14) is in Garage B2 [level -2].", "en"),
        ("Ja, der Parkplatz ist hinter dem Haus, Sie können dort kostenlos parken.", "de"),
        ("Tak, parking jest za domem i jest bezpłatny dla naszych gości.", "pl"),
        ("نعم، يوجد موقف سيارات مجاني خلف المنزل لضيوفنا.", "ar"),
        ("👍", "en"),
        ("OK", "pl"),
    ],
)
def test_a_good_answer_passes(text: str, language: str) -> None:
    refuse_nonsense(text, language)


def test_what_the_product_itself_says_would_pass() -> None:
    for versions in SENTENCES.values():
        for language, text in versions.items():
            refuse_nonsense(text.replace("{{{", "").replace("}}}", ""), language)
    for path in (DEFAULT_LIBRARY / "replies").glob("*.*.txt"):
        words = re.sub(r"<%.*?%>|\{\{.*?\}\}", "", path.read_text("utf-8"))
        refuse_nonsense(words, path.stem[-2:])
