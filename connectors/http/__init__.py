"""The connector for bodies that speak the wire over HTTP."""
