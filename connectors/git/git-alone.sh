# Runs git with the arguments it is given, in place of this shell: for calls that start no program which could outlive git.

# The empty line is for simple-git, which waits 50 ms for a program that says nothing.
echo >&2
exec git "$@"
