"""Handing over to people: cases, and who speaks in a conversation.

Door: `cases`. A case belongs to a stay; `handling` says whether bot or human speaks, and only
`cases.may_speak` reads it.
"""
