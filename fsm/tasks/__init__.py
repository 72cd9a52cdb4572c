"""`TaskRun`: the table, its guards, and the policies they read. Data and pure functions."""
