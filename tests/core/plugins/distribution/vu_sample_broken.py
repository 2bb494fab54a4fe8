"""A plugin that cannot be imported."""

import a_library_that_nobody_installed  # type: ignore[import-not-found]  # noqa: F401
