#!/bin/bash
# psql: scripts, its own cursors, \copy, \watch, Ctrl-C, and what other tools of libpq do with them.
# Each promise that holds is told; the first that does not ends the run.
set -euo pipefail

# For all but the very first session: whose tables are the suite's.
SCHEMA="-csearch_path=psql_suite"

trap 'echo "broken: $promise" >&2' ERR
set -o errtrace

kept() { echo "kept: $promise"; }

# Prints values alone.
PLAIN=(--no-psqlrc --quiet --tuples-only --no-align)

# Runs the SQL of standard input, or of -c.
sql() { psql "${PLAIN[@]}" --set ON_ERROR_STOP=1 "$@"; }

# Fails unless both are the same.
equal() {
  if [ "$1" != "$2" ]; then
    printf 'found:\n%s\nand not:\n%s\n' "$1" "$2" >&2
    return 1
  fi
}

# Fails unless the command fails with these words.
fails() {
  local words=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "it did not fail: $said" >&2
    return 1
  fi
  case $said in
    *"$words"*) ;;
    *) equal "$said" "$words" ;;
  esac
}

promise="a session is of the login's role and in its database"
equal "$(sql -c "SELECT current_user, current_database()")" "$LOGIN_ROLE|$LOGIN_DATABASE"
sql -c "SET client_min_messages = error" -c "DROP SCHEMA IF EXISTS psql_suite CASCADE" \
  -c "CREATE SCHEMA psql_suite"
export PGOPTIONS=$SCHEMA
kept

promise="values of all common types are shown as they are"
equal "$(sql <<'SQL'
SELECT true, 2147483647, -9223372036854775808, 0.1::float8, 12345678901234567890.000000000123,
       'Grüße, 世界', '\x00ff'::bytea, date '1999-12-31', time '23:59:59.999999',
       interval '3 days 00:00:05', '{1,NULL,3}'::int[], '{"a": [1, null]}'::jsonb, NULL;
SQL
)" 't|2147483647|-9223372036854775808|0.1|12345678901234567890.000000000123|Grüße, 世界|\x00ff|1999-12-31|23:59:59.999999|3 days 00:00:05|{1,NULL,3}|{"a": [1, null]}|'
kept

promise="a prepared statement of the session is used in many transactions"
equal "$(sql <<'SQL' | sort -n | uniq -c | tr -s ' ' | tr '\n' ';'
PREPARE add(integer) AS SELECT $1 + 1;
SELECT 'EXECUTE add(41)' FROM generate_series(1, 20) \gexec
BEGIN; EXECUTE add(1); COMMIT;
DEALLOCATE add;
SQL
)" " 1 2; 20 42;"
kept

promise="a script is one transaction when it is asked to be"
sql -c "CREATE TABLE kept (id integer PRIMARY KEY)"
sql --single-transaction -c "INSERT INTO kept VALUES (1)" -c "INSERT INTO kept VALUES (2)"
fails "duplicate key" sql --single-transaction -c "INSERT INTO kept VALUES (3)" \
  -c "INSERT INTO kept VALUES (1)"
fails "division by zero" sql -c "INSERT INTO kept VALUES (4); SELECT 1 / 0"
equal "$(sql -c "SELECT string_agg(id::text, ' ' ORDER BY id) FROM kept")" "1 2"
kept

promise="after an error the session goes on, also in the middle of a transaction"
equal "$(sql --set ON_ERROR_STOP=0 --set VERBOSITY=sqlstate 2>&1 <<'SQL'
SELECT 1 / 0;
SELECT 1;
BEGIN;
SELEC;
SELECT 2;
ROLLBACK;
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO kept VALUES (1);
INSERT INTO kept VALUES (5);
COMMIT;
SELECT max(id) FROM kept;
SQL
)" "ERROR:  22012
1
ERROR:  42601
ERROR:  25P02
ERROR:  23505
5"
kept

promise="COPY goes in and out, and can fail"
sql -c "CREATE TABLE copied (id integer, word text)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 1 50000 | sed 's/.*/&\tword &/' >"$folder/in"
sql -c "\copy copied FROM '$folder/in'"
sql -c "COPY copied FROM STDIN" <"$folder/in"
sql -c "\copy (SELECT DISTINCT * FROM copied ORDER BY id) TO '$folder/out'"
cmp "$folder/in" "$folder/out"
sql -c "COPY copied TO STDOUT (FORMAT binary)" >"$folder/binary"
sql -c "TRUNCATE copied" -c "\copy copied FROM '$folder/binary' (FORMAT binary)"
fails "invalid input syntax" sql -c "COPY copied FROM STDIN" <<<"no number"
equal "$(sql -c "SELECT count(*) FROM copied")" 100000
kept

promise="50 MB stream through, as rows, as COPY and by a cursor"
rows="SELECT repeat(chr(65 + i % 26), 999) FROM generate_series(1, 50000) i"
equal "$(sql -c "$rows" | wc -c)" 50000000
equal "$(sql -c "COPY ($rows) TO STDOUT" | wc -c)" 50000000
equal "$(sql --set FETCH_COUNT=5000 -c "$rows" | wc -c)" 50000000
kept

promise="a message of 30 MB goes in and comes back"
{
  printf "SELECT length('"
  head -c 30000000 /dev/zero | tr '\0' x
  printf "'), md5('"
  head -c 30000000 /dev/zero | tr '\0' y
  printf "') = md5(repeat('y', 30000000));"
} >"$folder/long.sql"
equal "$(sql -f "$folder/long.sql")" "30000000|t"
kept

promise="a listener hears what others notify"
equal "$(sql <<'SQL' | sed 's/PID [0-9]*/PID ?/'
LISTEN news;
\! psql --no-psqlrc --quiet -c "NOTIFY news, 'from another'"
SELECT 'on it goes';
SQL
)" 'on it goes
Asynchronous notification "news" with payload "from another" received from server process with PID ?.'
kept

promise="Ctrl-C cancels a long query, and a time limit ends it"
# Not by the function above: the signal is for psql, not for a shell around it.
psql "${PLAIN[@]}" >"$folder/cancelled" 2>&1 <<<"SELECT pg_sleep(600) /* psql sleeps */;" &
sleeper=$!
sleepers="SELECT count(*) FROM pg_stat_activity
  WHERE wait_event = 'PgSleep' AND query LIKE '%psql sleeps%'"
until [ "$(sql -c "$sleepers")" = 1 ]; do :; done
kill -INT "$sleeper"
wait "$sleeper" || equal "$?" 3 # A script ends with it.
equal "$(cat "$folder/cancelled")" "Cancel request sent
ERROR:  canceling statement due to user request"
fails "statement timeout" sql -c "SET statement_timeout = 50" -c "SELECT pg_sleep(600)"
kept

promise="20 sessions work at once, each with its own answers"
sql -c "CREATE TABLE worked (worker integer, turn integer)"
workers=()
for worker in $(seq 20); do
  sql >"$folder/worker.$worker" <<SQL &
SELECT 'INSERT INTO worked VALUES ($worker, ' || n || ')' FROM generate_series(1, 15) n \gexec
SELECT count(*), min(worker), max(worker) FROM worked WHERE worker = $worker;
SQL
  workers+=($!)
done
for worker in "${workers[@]}"; do wait "$worker"; done
for worker in $(seq 20); do equal "$(cat "$folder/worker.$worker")" "15|$worker|$worker"; done
kept

promise="what a session starts with is seen by the server"
shows="SELECT application_name, current_setting('search_path'), current_setting('work_mem'),
  current_setting('TimeZone'), current_setting('DateStyle'), current_setting('client_encoding')
  FROM pg_stat_activity WHERE pid = pg_backend_pid()"
equal "$(PGAPPNAME="psql's own" PGOPTIONS="$SCHEMA -cwork_mem=5MB" PGTZ=Asia/Kolkata \
  PGDATESTYLE="SQL, DMY" PGCLIENTENCODING=LATIN1 sql -c "$shows")" \
  "psql's own|psql_suite|5MB|Asia/Kolkata|SQL, DMY|LATIN1"
fails 'invalid value for parameter "TimeZone": "Nowhere/Atall"' env PGTZ=Nowhere/Atall psql -c ""
fails 'unrecognized configuration parameter "no_such"' env PGOPTIONS=-cno_such=1 psql -c ""
fails 'database "no_such" does not exist' psql --dbname no_such -c ""
kept

promise="what a session sets stays its own, in all its transactions and after its end"
before=$(sql -c "$shows")
equal "$(sql <<SQL
SET TimeZone = 'Europe/Rome';
SET work_mem = '7MB';
SET application_name = 'set';
$shows;
\! psql ${PLAIN[*]} -c "$(tr '\n' ' ' <<<"$shows")"
$shows;
RESET ALL;
$shows;
SQL
)" "set|psql_suite|7MB|Europe/Rome|ISO, MDY|UTF8
$before
set|psql_suite|7MB|Europe/Rome|ISO, MDY|UTF8
$before"
equal "$(sql -c "$shows")" "$before"
kept

promise="temporary tables, locks and cursors of a session live as long as it does"
taken="SELECT pg_try_advisory_lock(12), to_regclass('own') IS NULL"
equal "$(sql <<SQL
CREATE TEMPORARY TABLE own AS SELECT 42 AS answer;
$taken;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT 5;
COMMIT;
\! psql ${PLAIN[*]} -c "$taken"
SELECT answer FROM own;
FETCH ALL FROM held;
SQL
)" "t|f
f|t
42
5"
# Lets go at once: a lock must not be left to the suite's next run.
briefly=${taken/advisory/advisory_xact}
until [ "$(sql -c "$briefly")" = "t|t" ]; do :; done
kept

promise="what lists the database's own things works"
equal "$(sql -c '\dt psql_suite.*' | cut -d'|' -f2 | tr '\n' ' ')" "copied kept worked "
equal "$(sql -c "\\d kept" | head -1)" "id|integer||not null|"
sql -c "\\conninfo" >"$folder/told"
pg_dump --schema=psql_suite --table=psql_suite.kept >"$folder/dump"
equal "$(grep -c '^CREATE TABLE psql_suite.kept' "$folder/dump")" 1
kept
