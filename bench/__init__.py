"""Measurements; `make bench` or `python -m bench [name …]`. Never part of CI."""
