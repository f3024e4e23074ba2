# Runs git with the arguments it is given, in a process group of its own, and ends the whole group when it is told to end.
# Without this an abort ends git and leaves behind the program that git started to speak HTTP.

# The empty line is for simple-git, which waits 50 ms for a program that says nothing.
echo >&2
# A repository that is too large is stopped while it is downloaded.
[ -z "${GANTRY_MAX_BLOCKS:-}" ] || ulimit -f "$GANTRY_MAX_BLOCKS"
# A shell gives what runs in its background an empty input, so ours is handed over under another number.
exec 3<&0
if command -v setsid >/dev/null; then
  setsid git "$@" <&3 3<&- &
else
  # macOS: there is no setsid, but its shell makes groups without a terminal.
  set -m
  git "$@" <&3 3<&- &
fi
group=$!
trap 'kill -s TERM -- "-$group" 2>/dev/null' INT TERM
wait "$group"
status=$?
# A wait that a signal interrupted says nothing about git.
while kill -s 0 "$group" 2>/dev/null; do
  wait "$group"
  status=$?
done
exit "$status"
