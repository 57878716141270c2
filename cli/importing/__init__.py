"""Petitions from files: a mapping says which column is what, a row becomes an arrival or a reason, batches go through the door."""
