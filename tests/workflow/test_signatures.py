"""Functions of rules keep their signature, which Snakemake asks for twice for each job."""

import inspect

from snakemake.common import get_input_function_aux_params

from fourlenses.workflow.signatures import signed


def test_snakemake_finds_the_kept_signature_and_gives_what_it_names():
    @signed
    def memory(wildcards, attempt):
        return 1000 * attempt

    assert inspect.signature(memory) is inspect.signature(memory)  # made once
    offered = {"attempt": 2, "threads": 8, "input": []}
    assert get_input_function_aux_params(memory, offered) == {"attempt": 2}
    assert memory(None, attempt=2) == 2000
