"""What a person does to runs through a journal: approve, cancel, retry, rescue, deliver, verify."""
