# Sourced by the scripts: where things are, and how they speak.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/.precis
venv=$work/venv
export PATH=$venv/bin:$PATH

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }

# wait_for SECONDS WHAT COMMAND…: polls until COMMAND succeeds. WATCH, if set, holds process ids that must stay alive meanwhile.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2 pid
  shift 2
  until "$@" >/dev/null 2>&1; do
    for pid in ${WATCH:-}; do
      kill -0 "$pid" 2>/dev/null || die "process $pid ended while waiting for $what"
    done
    [ "$SECONDS" -lt "$deadline" ] || die "no $what in time"
    sleep 0.1
  done
}
