"""Dataset __NAME__ keeps the contract that everything downstream relies on. Skipped, with the reason, where its images are not."""

from tests.datasets.contract import check_contract, study_or_skip


def test_the_contract_of___NAME__(tmp_path):
    check_contract("__NAME__", study_or_skip("__NAME__"), tmp_path)
