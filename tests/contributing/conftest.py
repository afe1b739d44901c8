"""A copy of the project for each test."""

import pytest

from tests.helpers.copied_house import CopiedHouse


@pytest.fixture
def house(tmp_path):
    return CopiedHouse(tmp_path)
