"""The studies under reports/, made again: `python -m tools.studies [NAME...]`, or `make reports`."""
