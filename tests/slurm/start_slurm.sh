#!/usr/bin/env bash
# A real SLURM of two nodes on this machine, for the tests: no systemd, no cgroups, fake GPUs.
#
#   tests/slurm/start_slurm.sh start|stop|install
#
# Each node has two GPUs; partitions cpu (both nodes), gpu (node1), and two on node1 whose jobs the
# others preempt by requeueing: low at once, grace after a minute's notice; and cancel on node1,
# whose jobs they end. pair, pairlow and pairgrace are gpu, low and grace of both nodes. Everything
# lies under $SLURM_TEST_ROOT, with ports from $SLURM_TEST_BASEPORT on, so that several can live on
# one machine and none touches /etc/slurm.
# SLURM_TEST_ACCOUNTING=1: with accounting, by its own slurmdbd and MariaDB, in which root
# has the account testproject. Needs root, and Debian's or Ubuntu's slurm-wlm and munge, for
# accounting slurmdbd and mariadb-server too, which `install` gets.
set -euo pipefail

ROOT=${SLURM_TEST_ROOT:?a separate directory, short enough for a socket}
PORT=${SLURM_TEST_BASEPORT:-17817}
ACCOUNTING=${SLURM_TEST_ACCOUNTING:-}
NODES=(node1 node2)
export SLURM_CONF=$ROOT/etc/slurm.conf PATH=/usr/sbin:/sbin:$PATH

die() { echo "start_slurm: $*" >&2; exit 1; }

install() {
  local programs=(slurmctld munged) packages=(slurm-wlm munge) policy=/usr/sbin/policy-rc.d
  [ -z "$ACCOUNTING" ] || { programs+=(slurmdbd mariadbd); packages+=(slurmdbd mariadb-server); }
  [ "$(command -v "${programs[@]}" | wc -l)" = ${#programs[@]} ] && return
  [ "$(id -u)" = 0 ] || die "as root: apt-get install --no-install-recommends ${packages[*]}"
  # Debian asks it before it starts the service of a package: none of the machine's own is to run
  if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

await() { # seconds, command
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || die "not within the time: $*"; sleep 0.2; done
}

# the process of a pid file, if it still is the program we started (zombies count as gone: a
# container's process 1 may not reap them)
running() { # pid file, program
  local pid; pid=$(cat "$1" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:.Z' "/proc/$pid/status" && echo "$pid"
}

halt() { # pid file, program
  local pid
  pid=$(running "$1" "$2") || return 0
  kill "$pid"
  for _ in $(seq 50); do running "$1" "$2" >/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid"
}

accounting() { # of slurm.conf
  [ -n "$ACCOUNTING" ] || { printf 'AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none\n'; return; }
  cat <<EOF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 1))
# slurmdbd's clients do not look at AuthInfo
AccountingStoragePass=$ROOT/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
EOF
}

start_accounting() {
  local database=$ROOT/database socket=$ROOT/run/mariadb
  [ -d "$database/mysql" ] ||
    mariadb-install-db --no-defaults --user=root --datadir="$database" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  if ! running "$ROOT/run/mariadbd.pid" mariadbd >/dev/null; then
    mariadbd --no-defaults --user=root --datadir="$database" --skip-networking --socket="$socket" --pid-file="$ROOT/run/mariadbd.pid" \
      --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=0 </dev/null >"$ROOT/log/mariadbd.log" 2>&1 &
    await 60 mariadb-admin --no-defaults --socket="$socket" ping
  fi
  (umask 077; cat >"$ROOT/etc/slurmdbd.conf") <<EOF
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((PORT + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$ROOT/munge/socket
PidFile=$ROOT/run/slurmdbd.pid
LogFile=$ROOT/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
EOF
  # the database's client library takes the socket from this variable
  running "$ROOT/run/slurmdbd.pid" slurmdbd >/dev/null || MYSQL_UNIX_PORT=$socket slurmdbd </dev/null >/dev/null 2>&1
  await 60 sacctmgr -n list cluster
  if [ -z "$(sacctmgr -n list associations user=root account=testproject)" ]; then
    sacctmgr -iQ add cluster tests >/dev/null
    sacctmgr -iQ add account testproject cluster=tests >/dev/null
    sacctmgr -iQ add user root account=testproject cluster=tests >/dev/null
  fi
}

configure() {
  mkdir -p "$ROOT"/{etc,run,log,state,spool/node1,spool/node2,munge,dev,bin}
  chmod 755 "$ROOT" "$ROOT/munge"
  [ -s "$ROOT/munge/key" ] || (umask 077; head -c 128 /dev/urandom >"$ROOT/munge/key")
  # GPUs have to be character devices, or jobs are given none
  local gpu devices=$ROOT/dev/gpu[0-1]
  for gpu in 0 1; do [ -c "$ROOT/dev/gpu$gpu" ] || mknod "$ROOT/dev/gpu$gpu" c 1 3 2>/dev/null || devices=""; done
  if [ -n "$devices" ]; then
    printf 'AutoDetect=off\nNodeName=node[1-2] Name=gpu Type=fake File=%s\n' "$devices"
  else
    printf 'AutoDetect=off\nNodeName=node[1-2] Name=gpu Type=fake File=/dev/null\nNodeName=node[1-2] Name=gpu Type=fake File=/dev/zero\n'
  fi >"$ROOT/etc/gres.conf"
  cat >"$SLURM_CONF" <<EOF
ClusterName=tests
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# cred_expire is also how long a requeued job waits
AuthInfo=socket=$ROOT/munge/socket,cred_expire=5
StateSaveLocation=$ROOT/state
SlurmdSpoolDir=$ROOT/spool/%n
SlurmctldPidFile=$ROOT/run/slurmctld.pid
SlurmdPidFile=$ROOT/run/slurmd.%n.pid
SlurmctldLogFile=$ROOT/log/slurmctld.log
SlurmdLogFile=$ROOT/log/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,sched_interval=5,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# as on some clusters, so that whatever is requeued is so by the profile
JobRequeue=0
GresTypes=gpu
MinJobAge=86400
KillWait=2
Waittime=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
$(accounting)
NodeName=node1 NodeAddr=127.0.0.1 NodeHostname=node1 Port=$((PORT + 101)) CPUs=16 RealMemory=200000 Gres=gpu:fake:2 State=UNKNOWN
NodeName=node2 NodeAddr=127.0.0.1 NodeHostname=node2 Port=$((PORT + 102)) CPUs=16 RealMemory=200000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=cpu Nodes=node1,node2 Default=YES MaxTime=1440 DefMemPerCPU=200 PriorityTier=10 State=UP
PartitionName=gpu Nodes=node1 MaxTime=1440 DefMemPerCPU=200 PriorityTier=10 State=UP
PartitionName=low Nodes=node1 MaxTime=1440 DefMemPerCPU=200 PriorityTier=1 PreemptMode=REQUEUE GraceTime=0 State=UP
PartitionName=grace Nodes=node1 MaxTime=1440 DefMemPerCPU=200 PriorityTier=1 PreemptMode=REQUEUE GraceTime=60 State=UP
PartitionName=pair Nodes=node1,node2 MaxTime=1440 DefMemPerCPU=200 PriorityTier=10 State=UP
PartitionName=pairlow Nodes=node1,node2 MaxTime=1440 DefMemPerCPU=200 PriorityTier=1 PreemptMode=REQUEUE GraceTime=0 State=UP
PartitionName=pairgrace Nodes=node1,node2 MaxTime=1440 DefMemPerCPU=200 PriorityTier=1 PreemptMode=REQUEUE GraceTime=60 State=UP
PartitionName=cancel Nodes=node1 MaxTime=1440 DefMemPerCPU=200 PriorityTier=1 PreemptMode=CANCEL GraceTime=0 State=UP
EOF
  # A job step loses SLURM_CONF before its inner srun, so the commands themselves know which
  # cluster they are for.
  local command
  for command in sbatch srun squeue scancel scontrol sinfo sacct sacctmgr sshare; do
    printf '#!/bin/sh\nSLURM_CONF=%s exec /usr/bin/%s "$@"\n' "$SLURM_CONF" "$command" >"$ROOT/bin/$command"
    chmod 755 "$ROOT/bin/$command"
  done
}

ready() { ! sinfo -h -N -o '%T' | grep -qvE '^(idle|mixed|allocated|completing)$'; } # down, draining, or with a * behind it: no answer

start() {
  [ "$(id -u)" = 0 ] || die "must be root"
  configure
  if ! running "$ROOT/run/munged.pid" munged >/dev/null; then
    rm -f "$ROOT"/munge/socket*
    munged --key-file="$ROOT/munge/key" --socket="$ROOT/munge/socket" --pid-file="$ROOT/run/munged.pid" \
      --log-file="$ROOT/log/munged.log" --seed-file="$ROOT/munge/seed" --num-threads=2 </dev/null >/dev/null 2>&1
  fi
  [ -z "$ACCOUNTING" ] || start_accounting
  running "$ROOT/run/slurmctld.pid" slurmctld >/dev/null || slurmctld </dev/null >/dev/null 2>&1
  await 30 sh -c 'scontrol ping | grep -q "is UP"'
  local node
  for node in "${NODES[@]}"; do
    running "$ROOT/run/slurmd.$node.pid" slurmd >/dev/null || slurmd -N "$node" </dev/null >/dev/null 2>&1
    scontrol update nodename="$node" state=resume >/dev/null 2>&1 || true  # refused where it is not down
  done
  await 90 ready
}

stop() {
  if running "$ROOT/run/slurmctld.pid" slurmctld >/dev/null; then scancel --user=root || true; sleep 1; fi
  local node
  for node in "${NODES[@]}"; do halt "$ROOT/run/slurmd.$node.pid" slurmd; done
  halt "$ROOT/run/slurmctld.pid" slurmctld
  halt "$ROOT/run/slurmdbd.pid" slurmdbd
  halt "$ROOT/run/mariadbd.pid" mariadbd
  halt "$ROOT/run/munged.pid" munged
}

case "${1:-}" in
  start | stop | install) "$1" ;;
  *) die "start, stop or install" ;;
esac
