-- What is sold.
CREATE TABLE brands (
  id serial PRIMARY KEY,
  name text NOT NULL,
  slug text GENERATED ALWAYS AS (slug(name)) STORED UNIQUE,
  website text
);
CREATE TABLE categories (
  id serial PRIMARY KEY,
  parent_id integer REFERENCES categories ON DELETE RESTRICT,
  name text NOT NULL,
  sort smallint NOT NULL DEFAULT 0,
  UNIQUE (parent_id, name)
);
CREATE TABLE category_names (
  category_id integer REFERENCES categories ON DELETE CASCADE,
  language varchar(10) REFERENCES languages,
  name text NOT NULL,
  PRIMARY KEY (category_id, language)
);
CREATE TABLE products (
  id bigserial PRIMARY KEY,
  number sku NOT NULL UNIQUE,
  brand_id integer REFERENCES brands,
  tax_class smallint NOT NULL REFERENCES tax_classes,
  title text NOT NULL,
  description text,
  attributes jsonb NOT NULL DEFAULT '{}',
  labels tags,
  weight_grams integer CHECK (weight_grams > 0),
  size_mm integer[3],
  available daterange NOT NULL DEFAULT '[2020-01-01,)',
  created_at timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00',
  updated_at timestamptz,
  CONSTRAINT title_is_no_blank CHECK (btrim(title) <> '')
);
ALTER TABLE products ALTER COLUMN attributes SET COMPRESSION pglz, ALTER COLUMN description SET STORAGE EXTERNAL;
ALTER TABLE products ALTER COLUMN title SET STATISTICS 500;
CREATE TABLE product_names (
  product_id bigint REFERENCES products ON DELETE CASCADE,
  language varchar(10) REFERENCES languages,
  title text NOT NULL,
  description text,
  PRIMARY KEY (product_id, language)
);
CREATE TABLE product_variants (
  id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  product_id bigint NOT NULL REFERENCES products ON DELETE CASCADE,
  number sku NOT NULL,
  barcode text,
  options jsonb NOT NULL DEFAULT '{}',
  UNIQUE (product_id, number),
  UNIQUE (product_id, id)
);
CREATE TABLE attributes (
  id serial PRIMARY KEY,
  code text NOT NULL UNIQUE CHECK (code ~ '^[a-z_]+$'),
  kind text NOT NULL CHECK (kind IN ('text', 'number', 'flag', 'choice')),
  unit text
);
CREATE TABLE attribute_values (
  id serial PRIMARY KEY,
  attribute_id integer NOT NULL REFERENCES attributes ON DELETE CASCADE,
  value text NOT NULL,
  sort integer,
  UNIQUE (attribute_id, value)
);
CREATE TABLE variant_attributes (
  variant_id bigint REFERENCES product_variants ON DELETE CASCADE,
  value_id integer REFERENCES attribute_values,
  PRIMARY KEY (variant_id, value_id)
);
CREATE TABLE product_images (
  product_id bigint REFERENCES products ON DELETE CASCADE,
  sort smallint,
  url text NOT NULL,
  alternative text,
  PRIMARY KEY (product_id, sort)
);
CREATE TABLE product_categories (
  product_id bigint REFERENCES products ON DELETE CASCADE,
  category_id integer REFERENCES categories,
  is_main boolean NOT NULL DEFAULT false,
  PRIMARY KEY (product_id, category_id)
);
CREATE TABLE bundles (
  product_id bigint PRIMARY KEY REFERENCES products,
  discount percentage NOT NULL DEFAULT 0
);
CREATE TABLE bundle_items (
  bundle_id bigint REFERENCES bundles ON DELETE CASCADE,
  variant_id bigint REFERENCES product_variants,
  pieces quantity,
  PRIMARY KEY (bundle_id, variant_id)
);
CREATE TABLE product_relations (
  from_id bigint REFERENCES products ON DELETE CASCADE,
  to_id bigint REFERENCES products ON DELETE CASCADE,
  kind text NOT NULL DEFAULT 'similar',
  PRIMARY KEY (from_id, to_id, kind),
  CONSTRAINT not_to_itself CHECK (from_id <> to_id)
);
