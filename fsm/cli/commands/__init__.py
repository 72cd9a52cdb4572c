"""The commands of `fsm`, one module each."""
