"""Death at every line between two systems: the product's own processes on a real ledger and real partners, killed where it hurts, and both ledgers compared."""

import pytest

pytest.register_assert_rewrite("tests.crash.city")
