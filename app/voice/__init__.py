"""The hotline: a phone call from its webhook to the last word.

Doors: `twilio` (what the carrier asks), `dispatch` (the live calls). Everything that needs
livekit-agents is loaded late, by `wiring` alone: importing it takes seconds.
"""
