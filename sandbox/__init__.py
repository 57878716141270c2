"""Invented partner bodies on the real wire, to try the product against. Imports `connectors.wire` and nothing else
of the house."""
