# Usage: sh with-link.sh LINK TARGET PROGRAM [ARGUMENT…]
#
# This shell becomes the program, after LINK was made to lead to TARGET, unless something else is there. It runs where the agent
# runs: what an agent has put in the way leads nobody but itself astray.

link=$1
target=$2
shift 2
if [ -L "$link" ] || [ ! -e "$link" ]; then
  mkdir -p "${link%/*}" && ln -sfn "$target" "$link"
fi
exec "$@"
