"""Nightdesk: an open, self-hosted voice hotline and guest-messaging agent."""
