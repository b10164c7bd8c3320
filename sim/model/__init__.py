"""The ground everything stands on: nodes, steps, spans, worlds, draws. It knows no protocol and no clock.

A protocol is written once, as nodes: an input and a state give a state and effects. What differs between a
simulation, an exhaustive search, a replay and a hand-written dialogue is only who answers the questions.
"""
