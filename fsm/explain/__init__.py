"""Reads a run or a journal and answers in sentences; moves nothing."""
