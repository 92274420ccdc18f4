-- Five years later: partitions are moved, old things go, others are made anew.
ALTER TABLE stock_movements_2023 RENAME TO stock_movements_archive;
CREATE TABLE stock_movements_2025 (LIKE stock_movements INCLUDING ALL);
ALTER TABLE stock_movements_2025 ALTER COLUMN id DROP IDENTITY IF EXISTS;
ALTER TABLE stock_movements_2025 ADD CONSTRAINT in_2025
  CHECK (moved_at >= '2025-01-01 00:00:00+00' AND moved_at < '2026-01-01 00:00:00+00');
INSERT INTO stock_movements_2025 (id, moved_at, variant_id, kind, pieces)
SELECT 1000000 + n, timestamptz '2025-02-01 00:00:00+00' + n * interval '1 day', 1, 'correction', n
FROM generate_series(1, 40) n;
ALTER TABLE stock_movements ATTACH PARTITION stock_movements_2025
  FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE stock_movements_2026 PARTITION OF stock_movements (CHECK (pieces < 100000))
  FOR VALUES FROM ('2026-01-01 00:00:00+00') TO (MAXVALUE);

DROP VIEW customer_totals CASCADE;
CREATE OR REPLACE VIEW order_totals AS
  SELECT o.id, o.customer_id, o.state, o.placed_at, count(l.line) AS lines,
         sum(l.net) AS net, sum(l.gross) AS gross,
         sum(l.gross) FILTER (WHERE l.tax_rate = 7) AS gross_reduced,
         sum(l.gross) - sum(l.net) AS tax
  FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
  GROUP BY o.id;
ALTER VIEW waiting_orders SET (security_invoker = true);
ALTER VIEW waiting_orders RENAME COLUMN reference TO their_reference;
CREATE OR REPLACE FUNCTION net_of(gross numeric, rate numeric DEFAULT 20) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED RETURN round(gross / (1 + rate / 100), 2);
ALTER FUNCTION slug(text) COST 200;
ALTER FUNCTION audit() SET search_path = shop, pg_temp;
ALTER FUNCTION category_path(integer, text[]) RENAME TO path_of_category;
DROP RULE lists_are_told ON price_lists;
DROP RULE history_is_not_rewritten ON price_history;
DROP TRIGGER note_state ON orders;
DROP FUNCTION note_state();
DROP POLICY own_changes ON customers;
ALTER POLICY own_account ON customers USING (id = acting_customer() AND deleted_at IS NULL);
DROP INDEX movements_of_bins;
DROP TABLE search_words, legacy_names;
ALTER TABLE web_sessions SET LOGGED;
ALTER TABLE redirects SET UNLOGGED;
ALTER TABLE stock RESET (fillfactor);
ALTER TABLE orders DISABLE TRIGGER audit;
UPDATE orders SET reference = 'R' || id WHERE id % 4 = 0;
ALTER TABLE orders ENABLE TRIGGER audit;
WITH moved AS (DELETE FROM price_history WHERE old_amount IS NULL RETURNING price_id)
INSERT INTO redirects SELECT DISTINCT '/p/' || price_id, '/', 301 FROM moved;
MERGE INTO vouchers v USING (VALUES ('DANKE', 7), ('NEU', 3)) AS n (code, times) ON v.code = n.code
  WHEN MATCHED THEN UPDATE SET times_left = n.times
  WHEN NOT MATCHED THEN INSERT (code, discount_id, times_left) VALUES (n.code, 2, n.times);
CREATE TEMPORARY TABLE staging AS SELECT id, upper(title) AS title FROM products WHERE id <= 5;
UPDATE products p SET title = s.title FROM staging s WHERE s.id = p.id;
DROP TABLE staging;
TRUNCATE audit_log RESTART IDENTITY;
REFRESH MATERIALIZED VIEW sales_by_month;
