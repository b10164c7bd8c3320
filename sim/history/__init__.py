"""Temporal's history: commands, failures, events, what workflow code can see of them, and the recorder."""
