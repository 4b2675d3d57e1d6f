"""Rows of the truth table that are not as they should be, and why: runtime, act, reason. There is none at present.

The list only shrinks. A row that is listed here and passes fails the tests, as does one that fails and is not listed.
"""

EXPECTED_FAILURES: dict[str, dict[str, str]] = {}
