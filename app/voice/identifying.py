"""What a turn tells of who is calling, and what must be asked; pure.

Nothing is read back as a hint.
"""

from dataclasses import replace
from datetime import date

from app.pms.stay import Stay
from app.voice.caller import Caller
from app.voice.finding import by_name
from app.voice.heard import Heard
from app.voice.known import Known, Step
from app.voice.proving import which, with_stay
from app.voice.strangers import Stranger


def decide(known: Known, heard: Heard, found: tuple[Stay, ...] | None, today: date) -> Step | None:
    """What follows; none where the turn says nothing of who calls and the mind may answer.

    Args:
        known: what was known before.
        heard: what the turn holds.
        found: live stays of a guest named as in the turn; none where it holds no new name.
        today: the day.
    """
    if (stranger := known.stranger or heard.stranger) is not None:
        return _of_stranger(known, heard, stranger)
    caller = known.caller
    if caller.stay is not None and caller.assurance > 0:
        return with_stay(known, heard, today)
    if caller.stays:
        return which(known, heard, today)
    return None if known.has_given_up else by_name(known, heard, found, today)


def _of_stranger(known: Known, heard: Heard, stranger: Stranger) -> Step:
    """Their message is taken, or a person called; nothing of a stay is said."""
    is_new = known.stranger is None
    after = replace(
        known, caller=Caller(), stranger=stranger, awaiting="message", pending="", found=()
    )
    is_at_once = is_new and (stranger.needs_person or stranger.is_machine)
    is_message = not is_new or stranger.has_message
    if is_at_once or is_message:
        says = "voice_person_called" if stranger.needs_person else "voice_message_taken"
        return Step(
            before=known, after=after, says=says,
            needs_person=f"the caller is no guest: {stranger.kind}", severity=stranger.severity,
        )  # fmt: skip
    return Step(before=known, after=after, says="voice_take_message")
