"""The outside's stand-ins, a process of its own: Hostaway, Slack and language models on one port.

Start it with `python -m app.sim`. Nothing here imports the product and the product imports nothing
of it: the two meet over HTTP only. Doors: `server.build_app` for tests, `__main__` for everybody
else, and the control plane under `/sim` (see `control.py`).
"""
