-- What it costs, and when.
CREATE TABLE price_lists (
  id serial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  currency currency_code NOT NULL REFERENCES currencies,
  with_tax boolean NOT NULL DEFAULT true
);
CREATE TABLE prices (
  id bigserial,
  list_id integer NOT NULL REFERENCES price_lists ON DELETE CASCADE,
  variant_id bigint NOT NULL REFERENCES product_variants ON DELETE CASCADE,
  amount price NOT NULL,
  from_pieces quantity,
  valid tstzrange NOT NULL DEFAULT '[2020-01-01 00:00:00+00,)',
  CONSTRAINT prices_key PRIMARY KEY (id),
  CONSTRAINT one_price_at_a_time EXCLUDE USING gist
    (list_id WITH =, variant_id WITH =, int4range(from_pieces, from_pieces, '[]') WITH &&, valid WITH &&)
    DEFERRABLE INITIALLY IMMEDIATE
);
CREATE TABLE exchange_rates (
  base currency_code REFERENCES currencies,
  quote currency_code REFERENCES currencies,
  day date,
  rate numeric(18, 8) NOT NULL CHECK (rate > 0),
  PRIMARY KEY (base, quote, day),
  CHECK (base <> quote)
);
CREATE TABLE discounts (
  id serial PRIMARY KEY,
  title text NOT NULL,
  rate percentage,
  amount price,
  during tstzrange,
  only_for price_range,
  CONSTRAINT rate_or_amount CHECK (num_nonnulls(rate, amount) = 1)
);
CREATE TABLE discount_products (
  discount_id integer REFERENCES discounts ON DELETE CASCADE,
  product_id bigint REFERENCES products ON DELETE CASCADE,
  PRIMARY KEY (discount_id, product_id)
);
CREATE TABLE vouchers (
  code text PRIMARY KEY CHECK (code = upper(code)),
  discount_id integer NOT NULL REFERENCES discounts,
  times_left integer CHECK (times_left >= 0),
  secret uuid
);
CREATE TABLE price_history (
  price_id bigint NOT NULL,
  changed_at timestamptz NOT NULL,
  old_amount numeric,
  new_amount numeric
);
-- A rule in place of a trigger, as they were written long ago.
CREATE RULE price_is_remembered AS ON UPDATE TO prices
  WHERE OLD.amount IS DISTINCT FROM NEW.amount
  DO ALSO INSERT INTO price_history VALUES (OLD.id, '2024-02-01 00:00:00+00', OLD.amount, NEW.amount);
CREATE RULE lists_are_told AS ON INSERT TO price_lists DO ALSO (
  NOTIFY price_lists_changed;
  INSERT INTO price_history VALUES (-NEW.id, '2024-02-01 00:00:00+00', NULL, NULL)
);
CREATE RULE history_is_not_rewritten AS ON DELETE TO price_history DO INSTEAD NOTHING;
