#!/usr/bin/env bash
# Writes down what it does, one event per line: task, attempt, what, marker,
# microseconds, and the program that runs it where there are several. The message of the task says how many lines to print, with how
# many milliseconds between them, and how long tidying up takes.
marker=$SEMAPHORE_RUN_MARKER
IFS=- read -r task attempt _ <<<"$marker"
read -r lines pause tidy again <<<"$SEMAPHORE_TASK_DETAILS_MESSAGE"
[ "$attempt" -gt 1 ] && lines=${again:-$lines}

note() { printf '%s\n' "$task,$attempt,$1,$marker,${EPOCHREALTIME/[.,]/}${CRASH_WHERE:+,$CRASH_WHERE}" >>"$CRASH_EVENTS"; }
sure() { note "$1" && sync -d "$CRASH_EVENTS"; }
rest() { sleep "$(printf '0.%03d' "$1")"; }
tidy_up() {
  rest "$tidy"
  sure aborted
  exit 143
}
trap tidy_up TERM
RANDOM=$((task * 7 + attempt))

sure start
# One that leaves its group and its session, as daemons do.
[ $((task % 10)) -ne 0 ] || setsid sleep 600 </dev/null >/dev/null 2>&1 &
for ((i = 1; i <= lines; i++)); do
  echo "out $attempt $i"
  note tick
  rest $((RANDOM % (pause + 1)))
done
echo "out $attempt done"
sure end
