# Keeps a PostgreSQL server for one run of the tests: makes it, stops it in the
# hard way and starts it again on demand, and takes all of it away when whoever
# asked is gone, however that came about.
#
# keeper.sh BIN FOLDER PORT FSYNC; commands come on stdin, one answer each.
bin=$1 folder=$2 port=$3 fsync=$4

control() { "$bin/pg_ctl" -D "$folder/data" -w -t 60 "$@" >>"$folder/log" 2>&1; }

start() {
    control -l "$folder/log" start -o "-p $port -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories=$folder -c fsync=$fsync -c full_page_writes=$fsync \
        -c max_connections=200 -c shared_buffers=32MB"
}

control_standby() { "$bin/pg_ctl" -D "$folder/standby" -w -t 60 "$@" >>"$folder/log" 2>&1; }

# A second server at another port that has each change before it is acknowledged.
standby() {
    export PGPASSWORD=geheim
    "$bin/pg_basebackup" -h 127.0.0.1 -p "$port" -U kabao -D "$folder/standby" -R -X stream \
        --checkpoint=fast >>"$folder/log" 2>&1 &&
        control_standby -l "$folder/standby.log" start -o "-p $1 \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder \
            -c max_connections=200 -c shared_buffers=32MB" &&
        "$bin/psql" -h 127.0.0.1 -p "$port" -U kabao -d postgres -qAtX \
            -c "ALTER SYSTEM SET synchronous_standby_names = '*'" \
            -c "SELECT pg_reload_conf()" >>"$folder/log" 2>&1
}

echo geheim >"$folder/password"
"$bin/initdb" -D "$folder/data" --username=kabao --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$folder/log" 2>&1 &&
    start && echo done || tail -n 3 "$folder/log" | tr '\n' ' '

while read -r command; do
    case $command in
    stop) control -m immediate stop ;;
    start) start ;;
    "standby "*) standby "${command#standby }" ;;
    promote) control_standby promote ;;
    esac && echo done || echo "cannot $command"
done

control -m immediate stop
[ -d "$folder/standby" ] && control_standby -m immediate stop
rm -rf "$folder"
