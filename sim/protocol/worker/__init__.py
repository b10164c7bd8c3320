"""The worker: pollers and slots, the token bucket, the creation and completion activities, users' activities, heartbeats,
workflow tasks, the graceful stop. One part a file; `node.Worker` puts them together (P2, P3)."""
