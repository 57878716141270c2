"""Chaos by command: the whole product under kills, a lying network, a full disk and wrong clocks, and an account of both ledgers afterwards."""
