# Usage: sh with-secrets.sh DIRECTORY "NAME…" PROGRAM [ARGUMENT…]
#
# This shell becomes the program, with those variables in its environment of which the directory holds a file: so what a
# coding agent signs in with is on no command line, which everybody on the machine may read.

directory=$1
names=$2
shift 2
for name in $names; do
  if [ -r "$directory/$name" ]; then
    export "$name=$(cat "$directory/$name")"
  fi
done
exec "$@"
