# Your cluster's names, once. Copy this, put them in, and before snakemake:  source cluster.sh
# Without one of these nothing is submitted.
# sbatch --account, not needed without accounting: `sacctmgr show associations user=$USER`
export FOURLENSES_ACCOUNT=my_project
# converting images, indexing: `sinfo -s` lists the partitions with their time limits
export FOURLENSES_CPU_PARTITION=cpu
# pretraining and evaluation
export FOURLENSES_GPU_PARTITION=gpu
# any, or a model such as a100, as in `scontrol show node | grep Gres`
export FOURLENSES_GPU_MODEL=any
