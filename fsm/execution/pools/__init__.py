"""Where callables run: threads, processes, any executor."""
