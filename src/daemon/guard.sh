# Usage: sh guard.sh PROGRAM [ARGUMENT…], started as the leader of its own process group, with the lifeline at descriptor 3.
#
# This shell becomes the program (the same process, so exit code, signals and descriptors 0 to 2 are the program's own)
# and leaves a watcher behind in the program's group. When the lifeline ends, the watcher ends the group with SIGTERM, and
# three seconds later with SIGKILL. While the watcher lives, the group's number cannot be given to anybody else.
#
# Some programs put their children into groups of their own (Forgejo its gits, coding agents their shells). Those are found
# by a mark in the environment that they inherit; where there is no /proc, only the group is ended.

if ! { true <&3; } 2>/dev/null; then
  echo "guard: descriptor 3 must hold the lifeline" >&2
  exit 125
fi

if ! { read -r mark </proc/sys/kernel/random/uuid; } 2>/dev/null; then
  mark=$$
fi

# Processes that carry the mark, one number a line; a process that has ended shows no environment.
marked() {
  grep -las "HIVE_GUARD=$mark" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do echo "$pid"; done
}

# Sends a signal to the group and to whoever carries the mark; some may have ended meanwhile.
signal_all() {
  kill -s "$1" $(marked) 2>/dev/null
  kill -s "$1" -- "-$$" 2>/dev/null
}

watch() {
  trap '' TERM HUP INT
  exec </dev/null >/dev/null 2>&1 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
  PATH=/usr/bin:/bin:/run/current-system/sw/bin:$PATH
  while read -r _ <&3; do :; done
  signal_all TERM
  tenths=0
  if [ -e /proc/self/environ ]; then
    while [ "$tenths" -lt 30 ] && [ -n "$(marked)" ]; do
      sleep 0.1
      tenths=$((tenths + 1))
    done
  else
    sleep 3
  fi
  while [ -n "$(marked)" ]; do kill -s KILL $(marked) 2>/dev/null; done
  kill -s KILL -- "-$$" # this ends the watcher too
}

# Twice in the background, so that the watcher is no child of the program.
(watch &)

HIVE_GUARD=$mark
export HIVE_GUARD
unset HIVE_LIFELINE
exec "$@" 3<&-
