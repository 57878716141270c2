"""A whole installation in time-lapse: real processes, invented data, time by a file; and the account of both ledgers at its end."""
