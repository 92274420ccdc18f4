-- The databases of a server of our own, made of the template that content.sql has filled.

DROP DATABASE postgres;

CREATE DATABASE postgres;

CREATE DATABASE databricks_postgres;

DO $body$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['databricks_writer_', 'databricks_reader_'] LOOP
        role := role || (SELECT oid FROM pg_database WHERE datname = 'databricks_postgres');
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        EXECUTE format('GRANT CONNECT ON DATABASE databricks_postgres TO %I', role);
    END LOOP;
END
$body$;

