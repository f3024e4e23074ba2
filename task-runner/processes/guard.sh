# Ends the programs of jobs when their runner has died or is suspended. The runner writes to standard input how long the
# programs of each job may run; the end of the input means that the runner has died. Only POSIX is used, so the guard runs
# wherever scripts run, and it needs about a megabyte. Each line is a change:
#
#   NUMBER SECONDS GROUPS FOLDER   after SECONDS (-: never, while the runner lives) the process groups GROUPS (PGID:START,
#                                  separated by commas; -: none) get SIGKILL, and so does every process with
#                                  GANTRY_JOB_FOLDER=FOLDER in its environment
#   NUMBER - -                     the job is over
set -u
most=0

# Process ids are reused: the leader, if it still exists, must be the expected one.
end_group() { # PGID:START
  pgid=${1%%:*}
  if stat=$(cat "/proc/$pgid/stat" 2>/dev/null); then
    # The program's name is in parentheses and may contain any character; the start is the 20th field after it.
    set -- "${1#*:}" ${stat##*) }
    [ "${21}" = "$1" ] || return 0
  fi
  # The first process of a sandbox leads no group of its own, unless a script has made it leave the one it was in.
  kill -s KILL -- "-$pgid" 2>/dev/null
  [ -z "$stat" ] || kill -s KILL "$pgid" 2>/dev/null
}

end_job() { # GROUPS FOLDER
  folder=$2
  for group in $(echo "$1" | tr , ' '); do
    [ "$group" = - ] || end_group "$group"
  done
  # Processes that left the group are found by their environment; those started meanwhile, in the next iteration.
  tries=0
  while [ "$tries" -lt 100 ]; do
    files=$(grep -lszxF "GANTRY_JOB_FOLDER=$folder" /proc/[0-9]*/environ 2>/dev/null)
    [ -n "$files" ] || break
    for file in $files; do
      pid=${file#/proc/}
      kill -KILL "${pid%/environ}" 2>/dev/null
    done
    tries=$((tries + 1))
  done
}

start_timer() { # NUMBER SECONDS GROUPS FOLDER
  (
    before=${!:-}
    # SIGKILL, because a process that has just been forked may not react to other signals yet.
    trap '[ "${!:-}" = "$before" ] || kill -KILL "$!" 2>/dev/null; exit 0' TERM
    sleep "$2" &
    wait "$!" || exit 0
    # When this guard is gone, another one has taken over with newer limits.
    kill -0 $$ 2>/dev/null || exit 0
    end_job "$3" "$4"
  ) &
  eval "timer_$1=$!"
}

stop_timer() { # NUMBER
  eval "timer=\${timer_$1:-}"
  [ -n "$timer" ] || return 0
  kill "$timer" 2>/dev/null
  wait "$timer" 2>/dev/null
  eval "timer_$1="
}

while read -r number seconds groups folder; do
  case $number in '' | *[!0-9]*) continue ;; esac
  stop_timer "$number"
  eval "groups_$number=\$groups folder_$number=\$folder"
  [ "$number" -le "$most" ] || most=$number
  [ "$seconds" = - ] || start_timer "$number" "$seconds" "$groups" "$folder"
done

number=0
while [ "$number" -le "$most" ]; do
  stop_timer "$number"
  eval "groups=\${groups_$number:-} folder=\${folder_$number:-}"
  [ -z "$folder" ] || end_job "$groups" "$folder"
  number=$((number + 1))
done
