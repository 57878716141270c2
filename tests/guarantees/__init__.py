"""Every promise of docs/delivery-guarantees.md has a test that bears its mark, and the other way round."""
