# The one place for what your cluster calls things. Copy it, put your names in, and before snakemake:  source cluster.sh
# Without one of these nothing is submitted.
export FOURLENSES_ACCOUNT=my_project      # sbatch --account (profiles/slurm only): `sacctmgr show associations user=$USER`
export FOURLENSES_CPU_PARTITION=cpu       # converting images, indexing: `sinfo -s` lists the partitions with their time limits
export FOURLENSES_GPU_PARTITION=gpu       # pretraining and evaluation
export FOURLENSES_GPU_MODEL=any           # any, or a model such as a100, as in `scontrol show node | grep Gres`
