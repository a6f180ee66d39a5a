"""Hurts the product on purpose and counts, from the outside's own record, what became of guests.

`python -m bench.crash --form kills --messages 2000 --kills 30 --seed 1`; forms: kills, servers,
freeze, limits. The stand-ins and the product run as processes of their own; what counts is what
the stand-in of the PMS stored (`/sim/hostaway/record`) and what the one of Slack received.
"""
