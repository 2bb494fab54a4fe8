"""What bad luck may do to updates in batches: kills, signals, lost connections, crowds, and hundreds in one process."""

import pytest

pytest.register_assert_rewrite("tests.endurance.scene")
