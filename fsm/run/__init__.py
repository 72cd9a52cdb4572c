"""One run: its state, its history, its listeners, and the one door through which it moves."""
