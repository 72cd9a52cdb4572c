"""The commands of `fsm`; one module each, or one for a few that are alike."""
