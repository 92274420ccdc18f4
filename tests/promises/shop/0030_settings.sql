-- What a file sets is its own: the next one reads times and numbers as if this had not been.
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German, DMY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
SET shop.actor = 'migration 30';
SET default_text_search_config = 'pg_catalog.french';
CREATE TABLE written_in_tokyo AS
  SELECT '2024-03-01 00:00:00'::timestamptz AS at, '3.2.2024'::date AS day, 'a\\b'::text AS backslash,
         to_tsvector('les maisons') AS words;
UPDATE customers SET phone = '+81 1' WHERE id = 10002;
