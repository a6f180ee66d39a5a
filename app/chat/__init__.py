"""Guests' messages: quiet window, one answer, exactly one reply; people before bots.

Doors: `debounce` (what a webhook brought), `reply` (the jobs that answer and look), `outbox`
(sending), `operator` (a reply by a person), `humans` (was that a person?).
"""
