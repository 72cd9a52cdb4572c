"""What the journals of SQLite and PostgreSQL share."""
