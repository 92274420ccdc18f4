-- From the cart to the return.
CREATE TABLE carriers (
  id serial PRIMARY KEY,
  name text NOT NULL,
  tracking_url text CHECK (tracking_url LIKE 'https://%\%s%' ESCAPE '\')
);
CREATE TABLE carrier_services (
  carrier_id integer REFERENCES carriers ON DELETE CASCADE,
  code text,
  max_weight_grams integer,
  price price NOT NULL,
  PRIMARY KEY (carrier_id, code)
);
CREATE TABLE carts (
  id uuid PRIMARY KEY,
  customer_id bigint REFERENCES customers ON DELETE CASCADE,
  changed_at timestamptz NOT NULL
);
CREATE TABLE cart_lines (
  cart_id uuid REFERENCES carts ON DELETE CASCADE,
  variant_id bigint REFERENCES product_variants,
  pieces quantity,
  PRIMARY KEY (cart_id, variant_id)
);
CREATE TABLE orders (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  customer_id bigint NOT NULL REFERENCES customers,
  state order_state NOT NULL DEFAULT 'draft',
  placed_at timestamptz,
  currency currency_code NOT NULL DEFAULT 'EUR' REFERENCES currencies,
  voucher text REFERENCES vouchers,
  billing postal_address,
  delivery postal_address,
  reference text,
  created_at timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00',
  updated_at timestamptz,
  CONSTRAINT placed_has_a_time CHECK (state = 'draft' OR placed_at IS NOT NULL)
);
CREATE TABLE order_lines (
  order_id bigint REFERENCES orders ON DELETE CASCADE,
  line smallint,
  variant_id bigint NOT NULL REFERENCES product_variants,
  title text NOT NULL,
  pieces quantity,
  price price NOT NULL,
  tax_rate percentage NOT NULL,
  net numeric GENERATED ALWAYS AS (round(pieces::integer * price / (1 + tax_rate / 100), 2)) STORED,
  gross numeric GENERATED ALWAYS AS (pieces::integer * price) STORED,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE order_events (
  id bigserial PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  state order_state NOT NULL,
  at timestamptz NOT NULL,
  note text
);
CREATE TABLE shipments (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  order_id bigint NOT NULL REFERENCES orders,
  carrier_id integer NOT NULL,
  service text NOT NULL,
  tracking text,
  shipped_at timestamptz,
  FOREIGN KEY (carrier_id, service) REFERENCES carrier_services
);
CREATE TABLE shipment_lines (
  shipment_id bigint REFERENCES shipments ON DELETE CASCADE,
  order_id bigint NOT NULL,
  line smallint NOT NULL,
  pieces quantity,
  PRIMARY KEY (shipment_id, order_id, line),
  FOREIGN KEY (order_id, line) REFERENCES order_lines (order_id, line)
);
CREATE TABLE returns (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  order_id bigint NOT NULL REFERENCES orders,
  announced_on date NOT NULL,
  reason "quoted ""kind""; -- no comment"
);
CREATE TABLE return_lines (
  return_id bigint REFERENCES returns ON DELETE CASCADE,
  order_id bigint NOT NULL,
  line smallint NOT NULL,
  pieces quantity,
  restock boolean NOT NULL DEFAULT true,
  PRIMARY KEY (return_id, order_id, line),
  FOREIGN KEY (order_id, line) REFERENCES order_lines
);
CREATE TABLE wish_lists (
  id bigserial PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
  name text NOT NULL DEFAULT 'My list',
  variants bigint[] NOT NULL DEFAULT ARRAY[]::bigint[]
);
CREATE TABLE product_reviews (
  product_id bigint REFERENCES products ON DELETE CASCADE,
  customer_id bigint REFERENCES customers ON DELETE CASCADE,
  stars smallint NOT NULL CHECK (stars IN (1, 2, 3, 4, 5)),
  body text,
  PRIMARY KEY (product_id, customer_id)
);
