"""Setting, joining and using up faults; spoiling texts."""

import json

import pytest

from app.sim.openai_faults import Fault, FaultRefused, Faults, spoil


def test_faults_are_joined_and_used_up():
    faults = Faults()
    faults.put({"status": 500, "times": 1})
    faults.put({"first_token_s": 2})

    assert faults.meet(is_routing=False) == Fault(status=500, first_token_s=2, times=1)
    assert faults.meet(is_routing=False).status == 0
    assert len(faults.current()) == 1


def test_a_fault_of_the_other_kind_of_request_is_kept():
    faults = Faults()
    faults.put({"refusal": True, "only": "answering", "times": 1})

    assert not faults.meet(is_routing=True).refusal
    assert faults.meet(is_routing=False).refusal
    assert faults.current() == []


@pytest.mark.parametrize("wanted", [{"status": True}, {"refusal": 1}, {"times": -1}, {"what": 1}])
def test_an_unknown_fault_is_refused(wanted):
    with pytest.raises(FaultRefused):
        Faults().put(wanted)


def test_a_spoiled_text_is_spoiled_in_its_own_way():
    text = '{"actionCode": "X_Y", "score": 0.9}'

    assert json.loads(spoil(text, Fault(nonsense=True), is_json=True))["score"] == 41.5
    assert spoil("[[a_b]]", Fault(mangled_placeholder=True), is_json=False) == "[[a_]"
    assert spoil(text, Fault(malformed_json=True), is_json=False) == text
    assert spoil(text, Fault(), is_json=True) == text
