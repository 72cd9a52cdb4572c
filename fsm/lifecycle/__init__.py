"""The table of a lifecycle as immutable data: events, rows, guards, steps, payload building.

No run, no clock, no IO."""
