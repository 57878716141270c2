"""What the product stands on: the time source, child processes, the private PostgreSQL. Knows nothing of petitions."""
