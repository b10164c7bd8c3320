"""The protocol, once: history service, matching, workers. One state machine per file; no clock, no network.

Sections of docs/PROTOCOL.md are cited as P1.2.3. The server knows nothing about sessions.
"""
