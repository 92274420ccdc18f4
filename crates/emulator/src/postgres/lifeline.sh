# Runs a server that must not outlive the emulator: $1 is "yes" if folder $2 goes with it; the rest is the command.
# Standard input is a pipe that only the emulator holds. Its end, however that came, stops the server.
# A line on it stops the server too, but leaves the folder, because the server is about to start again.
remove=$1 folder=$2
shift 2
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
(
    read -r line <&3
    trap '' TERM # From here on this shell's answer counts.
    kill -INT "$server" 2>/dev/null
    [ -z "$line" ]
) &
lifeline=$!
wait "$server"
status=$?
kill "$lifeline" 2>/dev/null
wait "$lifeline" && [ "$remove" = yes ] && rm -rf "$folder"
exit "$status"
