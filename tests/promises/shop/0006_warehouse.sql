-- Where it lies, and how it moves.
CREATE TABLE warehouses (
  id smallserial PRIMARY KEY,
  code char(3) NOT NULL UNIQUE,
  branch_id integer REFERENCES branches,
  floor_plan polygon
);
CREATE TABLE warehouse_zones (
  warehouse_id smallint REFERENCES warehouses ON DELETE CASCADE,
  zone char(1),
  temperature numrange,
  PRIMARY KEY (warehouse_id, zone)
);
CREATE TABLE bins (
  id serial PRIMARY KEY,
  warehouse_id smallint NOT NULL,
  zone char(1) NOT NULL,
  shelf smallint NOT NULL,
  place smallint NOT NULL,
  FOREIGN KEY (warehouse_id, zone) REFERENCES warehouse_zones (warehouse_id, zone) MATCH FULL,
  CONSTRAINT one_bin_in_a_place UNIQUE (warehouse_id, zone, shelf, place) DEFERRABLE
);
CREATE TABLE stock (
  variant_id bigint REFERENCES product_variants,
  bin_id integer REFERENCES bins,
  pieces integer NOT NULL CHECK (pieces >= 0),
  reserved integer NOT NULL DEFAULT 0,
  free integer GENERATED ALWAYS AS (pieces - reserved) STORED,
  PRIMARY KEY (variant_id, bin_id),
  CHECK (reserved <= pieces)
) WITH (fillfactor = 70);
CREATE TABLE stock_movements (
  id bigint GENERATED ALWAYS AS IDENTITY,
  moved_at timestamptz NOT NULL,
  variant_id bigint NOT NULL REFERENCES product_variants,
  bin_id integer REFERENCES bins,
  kind movement_kind NOT NULL,
  pieces integer NOT NULL CHECK (pieces <> 0),
  PRIMARY KEY (id, moved_at, kind)
) PARTITION BY RANGE (moved_at);
CREATE TABLE stock_movements_2023 PARTITION OF stock_movements
  FOR VALUES FROM ('2023-01-01 00:00:00+00') TO ('2024-01-01 00:00:00+00');
CREATE TABLE stock_movements_2024 PARTITION OF stock_movements
  FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00')
  PARTITION BY LIST (kind);
CREATE TABLE stock_movements_2024_sales PARTITION OF stock_movements_2024 FOR VALUES IN ('sale', 'return');
CREATE TABLE stock_movements_2024_rest PARTITION OF stock_movements_2024 DEFAULT;
CREATE TABLE stock_movements_other PARTITION OF stock_movements DEFAULT;
CREATE INDEX ON stock_movements (variant_id, moved_at DESC);
CREATE TABLE stock_reservations (
  id uuid PRIMARY KEY,
  variant_id bigint NOT NULL,
  bin_id integer NOT NULL,
  pieces quantity,
  until timestamptz NOT NULL,
  FOREIGN KEY (variant_id, bin_id) REFERENCES stock ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE inventory_counts (
  id serial PRIMARY KEY,
  warehouse_id smallint NOT NULL REFERENCES warehouses,
  counted_on date NOT NULL,
  counted_by bigint REFERENCES employees
);
CREATE TABLE inventory_count_lines (
  count_id integer REFERENCES inventory_counts ON DELETE CASCADE,
  bin_id integer REFERENCES bins,
  variant_id bigint REFERENCES product_variants,
  expected integer NOT NULL,
  found integer NOT NULL,
  difference integer GENERATED ALWAYS AS (found - expected) STORED,
  PRIMARY KEY (count_id, bin_id, variant_id)
);
