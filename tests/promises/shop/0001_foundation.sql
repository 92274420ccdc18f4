-- What all other files build on: extensions, domains, enums, composite and range types.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE DOMAIN email AS text
  CONSTRAINT email_has_at CHECK (VALUE ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$');
CREATE DOMAIN money_amount AS numeric(14, 2);
CREATE DOMAIN price AS money_amount CONSTRAINT price_is_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN quantity AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN country_code AS char(2) CHECK (VALUE ~ '^[A-Z]{2}$');
CREATE DOMAIN currency_code AS char(3) CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN sku AS text CHECK (VALUE ~ '^[A-Z0-9]+(-[A-Z0-9]+)*$');
CREATE DOMAIN percentage AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN tags AS text[] DEFAULT '{}' CHECK (array_position(VALUE, NULL) IS NULL);

CREATE TYPE order_state AS ENUM ('draft', 'placed', 'paid', 'picking', 'shipped', 'done', 'cancelled');
CREATE TYPE payment_state AS ENUM ('open', 'authorized', 'captured', 'refunded', 'failed');
CREATE TYPE ticket_priority AS ENUM ('low', 'normal', 'high', 'urgent');
CREATE TYPE ticket_state AS ENUM ('new', 'open', 'waiting', 'solved', 'closed');
CREATE TYPE movement_kind AS ENUM ('receipt', 'sale', 'return', 'correction', 'transfer');
CREATE TYPE "quoted ""kind""; -- no comment" AS ENUM ('it''s', 'a "b"', E'back\\slash', '$$');

CREATE TYPE postal_address AS (
  street text,
  house_number text,
  postcode text,
  city text COLLATE "C",
  country country_code
);
CREATE TYPE money_with_currency AS (amount numeric(14, 2), currency char(3));

CREATE FUNCTION price_difference(a numeric, b numeric) RETURNS double precision
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (a - b)::double precision;

CREATE TYPE price_range AS RANGE (SUBTYPE = numeric, SUBTYPE_DIFF = price_difference);

CREATE SEQUENCE document_number AS bigint START WITH 100000 INCREMENT BY 1 MINVALUE 100000 CACHE 1;
CREATE SEQUENCE odd_number AS smallint INCREMENT BY 2 MAXVALUE 999 CYCLE;

-- A body with everything that a splitter of statements stumbles over.
CREATE FUNCTION slug(title text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $body$
DECLARE
  -- A comment; with a semicolon, 'a quote' and $$ another quote $$.
  result text := lower(title);
BEGIN
  result := translate(result, 'äöüßéè', 'aousee');
  result := regexp_replace(result, $re$[^a-z0-9]+$re$, '-', 'g');
  /* nested /* comment; */ ends; here */
  RETURN trim(BOTH '-' FROM result);
END;
$body$;

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
  NEW.updated_at := COALESCE(NULLIF(NEW.updated_at, OLD.updated_at), ''2024-01-01 00:00:00+00'');
  RETURN NEW;
END';
