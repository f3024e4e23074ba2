# Runs git with the arguments it is given, in a process group of its own, and ends the whole group when it is told to end.
# Without this an abort ends git and leaves behind the program that git started to speak HTTP.
# The empty line is for simple-git, which waits 50 ms for a program that says nothing.
echo >&2
# A shell gives what runs in its background an empty input, so ours is handed over under another number.
exec 3<&0
setsid git "$@" <&3 3<&- &
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
