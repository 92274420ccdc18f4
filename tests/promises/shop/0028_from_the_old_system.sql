--
-- Written by pg_dump on the old system, as such files are: it sets things for its own session.
--
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;

CREATE FUNCTION shop.legacy_key(text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $_$ SELECT pg_catalog.hashtext($1) FROM shop.comes_later WHERE false UNION ALL SELECT 1 $_$;

CREATE TABLE shop.comes_later (
    id integer NOT NULL,
    "Name with spaces" character varying(40) DEFAULT 'none'::character varying NOT NULL,
    "from" timestamp without time zone,
    CONSTRAINT "comes later check" CHECK ((("Name with spaces")::text <> ''::text))
);
COMMENT ON COLUMN shop.comes_later."from" IS 'a reserved word';
CREATE SEQUENCE shop.comes_later_id_seq
    AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE shop.comes_later_id_seq OWNED BY shop.comes_later.id;
ALTER TABLE ONLY shop.comes_later ALTER COLUMN id SET DEFAULT nextval('shop.comes_later_id_seq'::regclass);
INSERT INTO shop.comes_later VALUES (1, 'Müller', '2019-03-31 02:30:00'), (2, 'O''Brien; "Bob"', NULL);
SELECT pg_catalog.setval('shop.comes_later_id_seq', 2, true);
ALTER TABLE ONLY shop.comes_later ADD CONSTRAINT comes_later_pkey PRIMARY KEY (id);
SELECT id, "Name with spaces" AS name INTO shop.legacy_names FROM shop.comes_later;
--
-- PostgreSQL database dump complete
--
