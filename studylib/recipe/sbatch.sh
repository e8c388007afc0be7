# Fill in what makes `python` the one that has studylib, and what your nodes need to reach each other, for instance
#   module load cuda
#   source .venv/bin/activate
#   export NCCL_SOCKET_IFNAME=ib0 GLOO_SOCKET_IFNAME=ib0
export PYTHON=${PYTHON:-python}

# ---------------------------------------------------------------------------------------------------------------------
# Nothing below needs to be changed.

set -u

restarts=${SLURM_RESTART_COUNT:-0}

say() {
    printf '%s %s\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$*"
}

newest_checkpoint() {
    local found=("$out"/checkpoints/step-????????)
    [[ ! -d ${found[-1]} ]] || printf '%s\n' "${found[-1]##*/}"
}

# Slurm's own address of a node: a node's name need not be one that others can look up.
address_of() {
    local address
    address=$(scontrol show node "$1" | sed -n 's/.*NodeAddr=\([^ ]*\).*/\1/p' | head -n 1)
    printf '%s\n' "${address:-$1}"
}

# Put this job back into the queue and end, because of $1.
requeue() {
    # What was cancelled, by a person or by Slurm, stays so.
    if ! scontrol show job "$SLURM_JOB_ID" | grep -q 'JobState=RUNNING'; then
        say "$1, and the job is being ended: not requeued"
        exit 1
    fi
    if ((restarts >= max_requeues)); then
        say "$1, after $restarts requeues: that is the bound; submit again to go on"
        exit 1
    fi
    local from
    from=$(newest_checkpoint)
    say "$1: requeued, to go on from ${from:-the beginning}"
    scontrol requeue "$SLURM_JOB_ID" && exit 0
    say "Slurm refuses to requeue; submit again to go on"
    exit 1
}

if [[ -e $out/result.json ]]; then
    say "done already: $out/result.json"
    exit 0
fi
if ((restarts > max_requeues)); then
    say "started again $restarts times, more than $max_requeues: submit again to go on"
    exit 1
fi

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
addresses=()
for node in "${nodes[@]}"; do
    addresses+=("$(address_of "$node")")
done
export NODE_ADDRESSES="${addresses[*]}"
export SPEC="$spec" OUT="$out" PROCESSES_PER_NODE="$processes_per_node"
# Below the range from which systems take ports at random; another one for each start.
export RENDEZVOUS_PORT=$((10000 + (SLURM_JOB_ID + 97 * restarts) % 20000))
export RENDEZVOUS_ID="$SLURM_JOB_ID-$restarts"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$cpus_per_process}
export NCCL_DEBUG=${NCCL_DEBUG:-WARN}

# One torchrun a node. They meet at the first node; each is told its own address, and whether it is the first.
# shellcheck disable=SC2016  # expanded on the nodes
on_node='
    read -ra addresses <<< "$NODE_ADDRESSES"
    exec "$PYTHON" -m torch.distributed.run \
        --nnodes="${#addresses[@]}" --nproc-per-node="$PROCESSES_PER_NODE" --max-restarts=0 \
        --rdzv-backend=c10d --rdzv-id="$RENDEZVOUS_ID" --rdzv-endpoint="${addresses[0]}:$RENDEZVOUS_PORT" \
        --rdzv-conf="is_host=$((SLURM_NODEID == 0)),read_timeout=600,join_timeout=900" \
        --local-addr="${addresses[SLURM_NODEID]}" \
        --log-dir="$OUT/logs/$RENDEZVOUS_ID/node-$SLURM_NODEID" --tee=3 --local-ranks-filter=0 \
        -m studylib.train "$SPEC" --out "$OUT"
'

at_start=$(newest_checkpoint)
say "start $((restarts + 1)) on ${nodes[*]}, from ${at_start:-the beginning}"
signalled=
trap 'signalled=yes' USR1 TERM  # the limit is near; preempted, or cancelled
SECONDS=0
srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" bash -c "$on_node" &
wait "$!"
status=$?

if [[ -z $signalled ]] && ((status == 0)); then
    say "done: $out/result.json"
    exit 0
fi
if [[ -n $signalled ]] && ((SECONDS < limit_s - signal_s - 60)); then
    requeue "preempted"
elif [[ $(newest_checkpoint) == "$at_start" ]]; then
    # The same would happen again.
    if [[ -n $signalled ]]; then
        say "the limit of $limit_s s came before the first new checkpoint: keep checkpoints more often, or give a longer limit"
    else
        say "failed with status $status before the first new checkpoint; what ranks said is in $out/logs/$RENDEZVOUS_ID"
    fi
    exit 1
elif [[ -n $signalled ]]; then
    requeue "the time limit is near"
else
    requeue "failed with status $status"
fi
