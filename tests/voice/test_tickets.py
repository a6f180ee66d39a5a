"""A ticket is ours, of one call, fresh, and used once."""

import pytest

from app.clock import ManualClock
from app.errors import Forbidden
from app.keys import Keyring, new_key
from app.voice.tickets import TRIED_AGAIN, VALID, Arrivals, Ticket, Tickets

TICKET = Ticket(
    call_sid="CA1",
    tenant_id="acme",
    hotline_e164="+48221234567",
    caller_e164="+48500100200",
    is_doubtful=False,
)


@pytest.fixture
def tickets(clock: ManualClock) -> Tickets:
    return Tickets(Keyring((new_key(),)), clock)


def test_what_was_given_comes_back(tickets: Tickets):
    assert tickets.take(tickets.give(TICKET), "CA1") == TICKET


def test_a_ticket_is_used_once(tickets: Tickets):
    token = tickets.give(TICKET)
    tickets.take(token, "CA1")
    with pytest.raises(Forbidden, match="before"):
        tickets.take(token, "CA1")


def test_a_ticket_of_another_call_is_refused(tickets: Tickets):
    with pytest.raises(Forbidden, match="another"):
        tickets.take(tickets.give(TICKET), "CA2")


def test_an_old_ticket_is_refused(tickets: Tickets, clock: ManualClock):
    token = tickets.give(TICKET)
    clock.advance(VALID.total_seconds() + 1)
    with pytest.raises(Forbidden, match="old"):
        tickets.take(token, "CA1")


def test_a_ticket_of_another_house_is_refused(tickets: Tickets, clock: ManualClock):
    stranger = Tickets(Keyring((new_key(),)), clock)
    with pytest.raises(Forbidden):
        tickets.take(stranger.give(TICKET), "CA1")


@pytest.mark.parametrize("token", ["", "None", "a.b", "é.ü", "." * 600])
def test_nonsense_is_refused(tickets: Tickets, token: str):
    with pytest.raises(Forbidden):
        tickets.take(token, "CA1")


def test_a_token_fits_into_a_parameter_of_twiml(tickets: Tickets):
    assert len(tickets.give(TICKET)) < 480


def test_a_signed_link_of_the_desk_is_no_ticket(clock: ManualClock):
    keyring = Keyring((new_key(),))
    link = keyring.sign({"id": "x", "until": 9999999999, "call_sid": "CA1"})
    with pytest.raises(Forbidden, match="no ticket"):
        Tickets(keyring, clock).take(link, "CA1")


def test_a_call_that_its_carrier_tries_again_is_no_copy(clock: ManualClock):
    arrivals = Arrivals(clock)
    for _ in range(3):
        assert not arrivals.is_copy("acme", "CA1")
        clock.advance(15)


def test_a_call_that_comes_in_again_much_later_is_a_copy(clock: ManualClock):
    arrivals = Arrivals(clock)
    arrivals.is_copy("acme", "CA1")
    clock.advance(TRIED_AGAIN.total_seconds() + 1)
    assert arrivals.is_copy("acme", "CA1")
    assert not arrivals.is_copy("acme", "CA2")
    assert not arrivals.is_copy("other", "CA1")
