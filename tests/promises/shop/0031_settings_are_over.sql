-- The same as in the file before, with the server's own settings.
CREATE TABLE written_here AS
  SELECT '2024-03-01 00:00:00'::timestamptz AS at, '3.2.2024'::date AS day, 'a\\b'::text AS backslash,
         to_tsvector('les maisons') AS words;
UPDATE customers SET phone = '+49 40' WHERE id = 10003;
CREATE FUNCTION lenient() RETURNS integer LANGUAGE sql RETURN 1;
