-- What the web shop shows; its text can be searched.
CREATE TEXT SEARCH DICTIONARY no_stop_words (TEMPLATE = simple, ACCEPT = true);
CREATE TEXT SEARCH CONFIGURATION shop_text (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION shop_text ALTER MAPPING FOR asciiword, word WITH no_stop_words;

CREATE TABLE media (
  id uuid PRIMARY KEY,
  path text NOT NULL UNIQUE,
  mime text NOT NULL CHECK (mime LIKE '%/%'),
  bytes bigint NOT NULL
);
CREATE TABLE pages (
  id serial PRIMARY KEY,
  path text NOT NULL,
  language varchar(10) NOT NULL REFERENCES languages,
  title text NOT NULL,
  body text NOT NULL DEFAULT '',
  document tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('pg_catalog.simple', title), 'A') || setweight(to_tsvector('pg_catalog.simple', body), 'B')
  ) STORED,
  UNIQUE (path, language)
);
CREATE TABLE page_versions (
  page_id integer REFERENCES pages ON DELETE CASCADE,
  version integer,
  body text NOT NULL,
  written_at timestamptz NOT NULL,
  written_by bigint REFERENCES employees,
  PRIMARY KEY (page_id, version)
);
CREATE TABLE redirects (
  path text PRIMARY KEY,
  target text NOT NULL,
  code smallint NOT NULL DEFAULT 301 CHECK (code IN (301, 302, 307, 308)),
  CHECK (path <> target)
);
CREATE TABLE menus (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE menu_items (
  menu_id integer REFERENCES menus ON DELETE CASCADE,
  position integer,
  page_id integer REFERENCES pages,
  url text,
  PRIMARY KEY (menu_id, position) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT page_or_url CHECK ((page_id IS NULL) <> (url IS NULL))
);
CREATE TABLE translations (
  key text,
  language varchar(10) REFERENCES languages,
  text text NOT NULL,
  PRIMARY KEY (key, language)
);
CREATE TABLE search_words (word text PRIMARY KEY, times bigint NOT NULL DEFAULT 1);
