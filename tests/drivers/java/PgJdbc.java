import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * pgJDBC: what it sets at every start, statements that are prepared from the second use on, batches,
 * portals that are read in parts, COPY. Each promise that holds is told; the first that does not ends
 * the run.
 */
class PgJdbc {
    static final String SCHEMA = "pgjdbc";

    interface Promise {
        void keep() throws Exception;
    }

    interface With {
        void work(Connection... sessions) throws Exception;
    }

    /** A session; whose tables are the suite's, unless told otherwise. */
    static Connection connect(String... more) throws SQLException {
        Map<String, String> env = System.getenv();
        Properties options = new Properties();
        options.setProperty("user", env.get("PGUSER"));
        set(options, "password", env.get("PGPASSWORD"));
        set(options, "sslmode", env.get("PGSSLMODE"));
        set(options, "sslrootcert", env.get("PGSSLROOTCERT"));
        options.setProperty("currentSchema", SCHEMA);
        options.setProperty("prepareThreshold", "2");
        for (int i = 0; i < more.length; i += 2) {
            options.setProperty(more[i], more[i + 1]);
        }
        // Without a database in it, the driver asks for one of the user's name.
        String database = env.getOrDefault("PGDATABASE", "");
        String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + database;
        return DriverManager.getConnection(url, options);
    }

    static void set(Properties options, String name, String value) {
        if (value != null) {
            options.setProperty(name, value);
        }
    }

    static void one(With with) throws Exception {
        try (Connection own = connect()) {
            with.work(own);
        }
    }

    static void two(With with) throws Exception {
        try (Connection own = connect(); Connection other = connect()) {
            with.work(own, other);
        }
    }

    /** The only value of the only row. */
    static Object value(Connection session, String query, Object... parameters) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(query)) {
            return value(statement, parameters);
        }
    }

    static Object value(PreparedStatement statement, Object... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        try (ResultSet rows = statement.executeQuery()) {
            rows.next();
            Object found = rows.getObject(1);
            equal(rows.next(), false);
            return found;
        }
    }

    static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    static void equal(Object found, Object expected) {
        if (!Objects.deepEquals(found, expected)) {
            throw new AssertionError(found + " is not " + expected);
        }
    }

    /** The error, of this SQLSTATE, that the work must end with. */
    static SQLException fails(String code, Promise work) throws Exception {
        try {
            work.keep();
        } catch (SQLException error) {
            equal(error.getSQLState(), code);
            return error;
        }
        throw new AssertionError("no " + code);
    }

    static void promise(String words, Promise promise) {
        try {
            promise.keep();
        } catch (Throwable error) {
            error.printStackTrace();
            System.err.println("broken: " + words);
            System.exit(1);
        }
        System.out.println("kept: " + words);
    }

    static void isOfTheLoginsRole() throws Exception {
        one(sessions -> {
            Connection own = sessions[0];
            equal(value(own, "SELECT current_user::text"), System.getenv("LOGIN_ROLE"));
            equal(value(own, "SELECT current_database()::text"), System.getenv("LOGIN_DATABASE"));
            execute(own, "DROP SCHEMA IF EXISTS " + SCHEMA + " CASCADE; CREATE SCHEMA " + SCHEMA);
        });
    }

    static void carriesAllTypes() throws Exception {
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("boolean", true);
        values.put("integer", Integer.MAX_VALUE);
        values.put("bigint", Long.MIN_VALUE);
        values.put("real", 0.5f);
        values.put("double precision", 0.1);
        values.put("numeric", new BigDecimal("12345678901234567890.000000000123"));
        values.put("text", "Grüße, 世界 'quoted' \\ and\nmore");
        values.put("bytea", bytes);
        values.put("date", LocalDate.of(1999, 12, 31));
        values.put("time", LocalTime.of(23, 59, 59, 999_999_000));
        values.put("timestamp", LocalDateTime.of(2024, 2, 29, 12, 30));
        values.put("timestamptz", OffsetDateTime.parse("2024-02-29T12:30:00.000001Z"));
        values.put("uuid", UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
        one(sessions -> {
            for (Map.Entry<String, Object> sent : values.entrySet()) {
                // As text at first, as binary once it is prepared.
                String query = "SELECT ?::" + sent.getKey();
                try (PreparedStatement statement = sessions[0].prepareStatement(query)) {
                    for (int turn = 0; turn < 4; turn++) {
                        statement.setObject(1, sent.getValue());
                        try (ResultSet rows = statement.executeQuery()) {
                            rows.next();
                            boolean binary = sent.getValue() instanceof byte[];
                            equal(binary ? rows.getBytes(1)
                                    : rows.getObject(1, sent.getValue().getClass()), sent.getValue());
                        }
                    }
                }
            }
            Array sent = sessions[0].createArrayOf("text", new String[] {"a", "b\"", null, "{,}"});
            Array found = (Array) value(sessions[0], "SELECT ?::text[]", sent);
            equal(found.getArray(), sent.getArray());
        });
    }

    static void usesAPreparedStatement() throws Exception {
        String query = "SELECT ?::integer + 1";
        two(sessions -> {
            try (PreparedStatement a = sessions[0].prepareStatement(query);
                    PreparedStatement b = sessions[1].prepareStatement(query)) {
                for (int turn = 0; turn < 12; turn++) {
                    // The one that stays in a transaction keeps its connection from the other.
                    PreparedStatement stays = turn % 2 == 0 ? a : b;
                    PreparedStatement goes = turn % 2 == 0 ? b : a;
                    stays.getConnection().setAutoCommit(false);
                    equal(value(stays, turn), turn + 1);
                    equal(value(goes, turn), turn + 1);
                    stays.getConnection().commit();
                    stays.getConnection().setAutoCommit(true);
                }
            }
        });
    }

    static void commitsAndRollsBack() throws Exception {
        String count = "SELECT count(*)::integer FROM kept";
        two(sessions -> {
            Connection writer = sessions[0];
            execute(writer, "CREATE TABLE kept (id integer PRIMARY KEY)");
            writer.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            writer.setAutoCommit(false);
            execute(writer, "INSERT INTO kept VALUES (1)");
            equal(value(sessions[1], count), 0);
            writer.commit();
            equal(value(sessions[1], count), 1);
            equal(value(writer, "SHOW transaction_isolation"), "serializable");
            execute(writer, "INSERT INTO kept VALUES (2)");
            writer.rollback();
            equal(value(sessions[1], count), 1);
        });
    }

    static void goesOnAfterAnError() throws Exception {
        one(sessions -> {
            Connection own = sessions[0];
            fails("22012", () -> execute(own, "SELECT 1 / 0"));
            fails("42P01", () -> value(own, "SELECT ? FROM nowhere", 1));
            fails("23505", () -> value(own, "INSERT INTO kept VALUES (?) RETURNING id", 1));
            own.setAutoCommit(false);
            equal(value(own, "SELECT 1"), 1);
            Savepoint before = own.setSavepoint();
            fails("42601", () -> execute(own, "SELEC"));
            fails("25P02", () -> value(own, "SELECT 1"));
            own.rollback(before);
            equal(value(own, "SELECT 2"), 2);
            own.commit();
            own.setAutoCommit(true);
            equal(value(own, "SELECT ?::integer", 3), 3);
        });
        // Each statement between savepoints of the driver's own.
        try (Connection own = connect("autosave", "always")) {
            own.setAutoCommit(false);
            for (int turn = 0; turn < 5; turn++) {
                fails("22012", () -> value(own, "SELECT 1 / ?::integer", 0));
                equal(value(own, "SELECT ?::integer", turn), turn);
            }
            own.commit();
        }
    }

    static void sendsBatches() throws Exception {
        one(sessions -> {
            Connection own = sessions[0];
            execute(own, "CREATE TABLE batched (id integer PRIMARY KEY, word text)");
            String insert = "INSERT INTO batched VALUES (?, ?)";
            own.setAutoCommit(false);
            try (PreparedStatement statement = own.prepareStatement(insert)) {
                for (int id = 0; id < 5_000; id++) {
                    add(statement, id);
                }
                equal(Arrays.stream(statement.executeBatch()).sum(), 5_000);
                own.commit();
                for (int id : new int[] {6_000, 6_001, 0, 6_002}) {
                    add(statement, id);
                }
                BatchUpdateException error =
                        (BatchUpdateException) fails("23505", statement::executeBatch);
                equal(error.getUpdateCounts().length, 4);
                own.rollback();
                add(statement, 7_000);
                statement.executeBatch();
                own.commit();
            }
            equal(value(own, "SELECT count(*)::integer FROM batched"), 5_001);
        });
    }

    static void add(PreparedStatement insert, int id) throws SQLException {
        insert.setInt(1, id);
        insert.setString(2, "word " + id);
        insert.addBatch();
    }

    static void copies() throws Exception {
        StringBuilder rows = new StringBuilder();
        for (int id = 0; id < 20_000; id++) {
            rows.append(id).append("\tword ").append(id).append('\n');
        }
        one(sessions -> {
            Connection own = sessions[0];
            execute(own, "CREATE TABLE copied (id integer, word text)");
            var copy = own.unwrap(PGConnection.class).getCopyAPI();
            String in = "COPY copied FROM STDIN";
            equal(copy.copyIn(in, new StringReader(rows.toString())), 20_000L);
            StringWriter found = new StringWriter();
            copy.copyOut("COPY (TABLE copied ORDER BY id) TO STDOUT", found);
            equal(found.toString(), rows.toString());
            fails("22P02", () -> copy.copyIn(in, new StringReader("no number\tword\n")));
            var givenUp = copy.copyIn(in);
            byte[] row = "1\tnever\n".getBytes();
            givenUp.writeToCopy(row, 0, row.length);
            givenUp.cancelCopy();
            equal(value(own, "SELECT count(*)::integer FROM copied"), 20_000);
        });
    }

    static void streams() throws Exception {
        String query =
                "SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i";
        one(sessions -> {
            sessions[0].setAutoCommit(false);
            try (PreparedStatement statement = sessions[0].prepareStatement(query)) {
                statement.setFetchSize(5_000);
                long length = 0;
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        length += rows.getString(1).length();
                    }
                }
                equal(length, 50_000_000L);
                // Given up in the middle.
                try (ResultSet rows = statement.executeQuery()) {
                    equal(rows.next(), true);
                }
            }
            equal(value(sessions[0], "SELECT 1"), 1);
            sessions[0].commit();
        });
    }

    static void listens() throws Exception {
        two(sessions -> {
            PGConnection listener = sessions[0].unwrap(PGConnection.class);
            execute(sessions[0], "LISTEN news");
            for (int turn = 0; turn < 3; turn++) {
                value(sessions[1], "SELECT pg_notify('news', ?)::text", "turn " + turn);
                PGNotification[] heard = listener.getNotifications(60_000);
                equal(heard.length, 1);
                equal(heard[0].getName() + ": " + heard[0].getParameter(), "news: turn " + turn);
                equal(value(sessions[0], "SELECT ?::integer", turn), turn);
            }
        });
    }

    static void cancels() throws Exception {
        // Not only active: that it is before it is executed, when nothing can be cancelled.
        String sleepers = "SELECT count(*)::integer FROM pg_stat_activity"
                + " WHERE wait_event = 'PgSleep' AND query LIKE '%pgjdbc sleeps%'";
        ExecutorService pool = Executors.newCachedThreadPool();
        two(sessions -> {
            Statement asleep = sessions[0].createStatement();
            Future<?> ended = pool.submit(() -> fails("57014",
                    () -> asleep.execute("SELECT pg_sleep(600) /* pgjdbc sleeps */")));
            while (!value(sessions[1], sleepers).equals(1)) {}
            asleep.cancel();
            ended.get();
            equal(value(sessions[0], "SELECT 1"), 1);
            // The driver's own limit cancels as well. On a busy machine that may be before the query
            // is executed, and cancels nothing: then it is the server that ends it.
            execute(sessions[0], "SET statement_timeout = '10s'");
            asleep.setQueryTimeout(1);
            fails("57014", () -> asleep.execute("SELECT pg_sleep(600)"));
            execute(sessions[0], "RESET statement_timeout");
            equal(value(sessions[0], "SELECT 2"), 2);
        });
        pool.shutdown();
    }

    static void worksAtOnce() throws Exception {
        one(own -> execute(own[0], "CREATE TABLE worked (worker integer, turn integer)"));
        ExecutorService pool = Executors.newFixedThreadPool(20);
        // All are there before one works, and until all have worked.
        List<Connection> sessions = new ArrayList<>();
        for (int worker = 0; worker < 20; worker++) {
            sessions.add(connect());
        }
        List<Future<?>> works = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int worker = i;
            works.add(pool.submit(() -> {
                work(sessions.get(worker), worker);
                return null;
            }));
        }
        for (Future<?> work : works) {
            work.get();
        }
        for (Connection session : sessions) {
            session.close();
        }
        pool.shutdown();
        one(own -> equal(value(own[0], "SELECT count(*)::integer FROM worked"), 300));
    }

    static void work(Connection own, int worker) throws SQLException {
        String insert = "INSERT INTO worked VALUES (?, ?)";
        String query = "SELECT count(*)::integer FROM worked WHERE worker = ?";
        try (PreparedStatement goesIn = own.prepareStatement(insert);
                PreparedStatement count = own.prepareStatement(query)) {
            for (int turn = 0; turn < 15; turn++) {
                own.setAutoCommit(false);
                goesIn.setInt(1, worker);
                goesIn.setInt(2, turn);
                equal(goesIn.executeUpdate(), 1);
                equal(value(count, worker), turn + 1);
                own.commit();
                own.setAutoCommit(true);
                String said = worker + "-" + turn;
                equal(value(own, "SELECT ?::text", said), said);
            }
        }
    }

    static void seesWhatASessionStartsWith() throws Exception {
        String seen = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        String options = "-c work_mem=5MB -c lock_timeout=4321";
        try (Connection own = connect("ApplicationName", "pgjdbc's own", "options", options)) {
            equal(value(own, seen), "pgjdbc's own");
            equal(value(own, "SELECT current_setting('work_mem')"), "5MB");
            equal(value(own, "SELECT current_setting('lock_timeout')"), "4321ms");
            equal(value(own, "SELECT current_setting('search_path')"), SCHEMA);
            String zone = java.util.TimeZone.getDefault().getID();
            equal(value(own, "SELECT current_setting('TimeZone')"), zone);
            // Set by the driver itself, at every start.
            equal(value(own, "SELECT current_setting('extra_float_digits')"), "3");
        }
    }

    static void keepsWhatASessionSets() throws Exception {
        Map<String, String> sets =
                Map.of("TimeZone", "Europe/Rome", "application_name", "set", "work_mem", "7MB");
        String setting = "SELECT current_setting(?)";
        Map<String, Object> before = new LinkedHashMap<>();
        two(sessions -> {
            for (String name : sets.keySet()) {
                before.put(name, value(sessions[1], setting, name));
                execute(sessions[0], "SET " + name + " = '" + sets.get(name) + "'");
            }
            sessions[0].setReadOnly(true);
            for (int turn = 0; turn < 3; turn++) {
                for (String name : sets.keySet()) {
                    equal(value(sessions[0], setting, name), sets.get(name));
                    equal(value(sessions[1], setting, name), before.get(name));
                }
            }
        });
        for (int turn = 0; turn < 3; turn++) {
            one(sessions -> {
                for (String name : sets.keySet()) {
                    equal(value(sessions[0], setting, name), before.get(name));
                }
            });
        }
    }

    static void keepsWhatASessionMakes() throws Exception {
        String taken = "SELECT pg_try_advisory_lock(11)";
        // Lets go at once: a lock must not be left to the suite's next run.
        String briefly = "SELECT pg_try_advisory_xact_lock(11)";
        String exists = "SELECT to_regclass('own') IS NOT NULL";
        two(sessions -> {
            execute(sessions[0], "CREATE TEMPORARY TABLE own AS SELECT 42 AS answer");
            equal(value(sessions[0], taken), true);
            for (int turn = 0; turn < 3; turn++) {
                equal(value(sessions[0], "SELECT answer FROM own"), 42);
                equal(value(sessions[1], taken), false);
                equal(value(sessions[1], exists), false);
            }
        });
        one(sessions -> {
            while (value(sessions[0], briefly).equals(false)) {}
            equal(value(sessions[0], exists), false);
        });
    }

    public static void main(String[] arguments) {
        promise("a session is of the login's role and in its database", PgJdbc::isOfTheLoginsRole);
        promise("all common types come back as they went", PgJdbc::carriesAllTypes);
        promise("a prepared statement is used in many transactions of two sessions",
                PgJdbc::usesAPreparedStatement);
        promise("a transaction is there for others once it is committed, and never when rolled back",
                PgJdbc::commitsAndRollsBack);
        promise("after an error the session goes on, also in the middle of a transaction",
                PgJdbc::goesOnAfterAnError);
        promise("an error in the middle of a batch undoes the batch, and the session goes on",
                PgJdbc::sendsBatches);
        promise("COPY goes in and out, and can be given up", PgJdbc::copies);
        promise("50 MB stream through a portal", PgJdbc::streams);
        promise("a listener hears what others notify", PgJdbc::listens);
        promise("a long query can be cancelled, and is ended by its time limit", PgJdbc::cancels);
        promise("20 sessions work at once, each with its own answers", PgJdbc::worksAtOnce);
        promise("what a session starts with is seen by the server",
                PgJdbc::seesWhatASessionStartsWith);
        promise("what a session sets stays its own, in all its transactions and after its end",
                PgJdbc::keepsWhatASessionSets);
        promise("temporary tables and locks of a session live as long as it does",
                PgJdbc::keepsWhatASessionMakes);
    }
}
