-- Where it comes from.
CREATE TABLE suppliers (
  id serial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  address postal_address,
  payment_days smallint NOT NULL DEFAULT 30,
  rating numeric(2, 1) CHECK (rating BETWEEN 0 AND 5)
);
CREATE TABLE supplier_products (
  supplier_id integer REFERENCES suppliers ON DELETE CASCADE,
  variant_id bigint REFERENCES product_variants ON DELETE CASCADE,
  their_number text,
  price price NOT NULL,
  lead_time interval DAY TO SECOND NOT NULL DEFAULT '7 days',
  PRIMARY KEY (supplier_id, variant_id)
);
CREATE TABLE purchase_orders (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  supplier_id integer NOT NULL REFERENCES suppliers,
  ordered_on date NOT NULL,
  expected daterange,
  state order_state NOT NULL DEFAULT 'draft'
);
CREATE TABLE purchase_order_lines (
  order_id bigint REFERENCES purchase_orders ON DELETE CASCADE,
  line smallint,
  variant_id bigint NOT NULL REFERENCES product_variants,
  pieces quantity,
  price price NOT NULL,
  total numeric(16, 2) GENERATED ALWAYS AS (pieces::integer * price) STORED,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE goods_receipts (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  order_id bigint REFERENCES purchase_orders,
  received_at timestamptz NOT NULL,
  warehouse_id smallint REFERENCES warehouses
);
CREATE TABLE goods_receipt_lines (
  receipt_id bigint REFERENCES goods_receipts ON DELETE CASCADE,
  order_id bigint NOT NULL,
  line smallint NOT NULL,
  pieces quantity,
  PRIMARY KEY (receipt_id, order_id, line),
  FOREIGN KEY (order_id, line) REFERENCES purchase_order_lines
);
CREATE TABLE supplier_invoices (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  supplier_id integer NOT NULL REFERENCES suppliers,
  number text NOT NULL,
  amount money_with_currency NOT NULL,
  due_on date,
  scan bytea,
  UNIQUE (supplier_id, number)
);
ALTER TABLE supplier_invoices ALTER COLUMN scan SET STORAGE EXTERNAL;
