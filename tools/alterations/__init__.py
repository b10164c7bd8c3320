"""Alters histories in ways that the protocol does not allow, and looks whether `conform` says no, and where.

`python -m tools.alterations CASE... --simulated N --seed S` prints a table by kind.
"""
