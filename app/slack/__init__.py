"""Operators in Slack: alerts of cases, each with a thread that follows the conversation.

Doors: `alerts` (what is posted, and when), `client` (Slack's Web API). Nothing gated is posted:
texts go out as they are stored, secrets standing as placeholders.
"""
