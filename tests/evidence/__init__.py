"""Recorded cases: reading, rebuilding, following, comparing, and saying no."""
