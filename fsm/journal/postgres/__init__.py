"""The journal in PostgreSQL; the only importer of sqlalchemy and psycopg."""
