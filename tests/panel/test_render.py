from typing import Any

import pytest

from app.panel.render import Pages

NOBODY: dict[str, Any] = {"operator": "", "tenant_id": ""}


def test_a_value_is_escaped() -> None:
    text = Pages().text("refused.html", problem="<script>alert('x') & more</script>", **NOBODY)
    assert "<script>" not in text
    assert "&lt;script&gt;alert(&#39;x&#39;) &amp; more" in text


def test_a_value_inside_an_attribute_cannot_leave_it() -> None:
    text = '</textarea><img src="x">'
    draft = {"id": 1, "who": "x", "where": "y", "at": "z", "turns": [], "text": text}
    text = Pages().text(
        "drafts.html", drafts=[draft], note="", form_token='"><b>', operator="Ala", tenant_id="t"
    )
    assert 'value="&#34;&gt;&lt;b&gt;"' in text
    assert "<img" not in text


def test_words_with_template_marks_are_shown_as_they_are() -> None:
    words = "${1+1} <%block> % if x:\n## note"
    text = Pages().text("refused.html", problem=words, **NOBODY)
    assert "${1+1} &lt;%block&gt; % if x:\n## note" in text


def test_a_missing_name_is_an_error() -> None:
    with pytest.raises(NameError):
        Pages().text("refused.html", **NOBODY)


def test_a_page_loads_nothing_from_elsewhere_and_is_not_kept() -> None:
    response = Pages().response("refused.html", status_code=404, problem="no", **NOBODY)
    assert response.status_code == 404
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
