-- What happens by itself.
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  actor text NOT NULL,
  relation regclass NOT NULL,
  operation char(1) NOT NULL,
  old_row jsonb,
  new_row jsonb,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Only what an application does is kept: it says who it is.
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  actor CONSTANT text := NULLIF(current_setting('shop.actor', true), '');
BEGIN
  IF actor IS NOT NULL THEN
    INSERT INTO audit_log (actor, relation, operation, old_row, new_row)
    VALUES (actor, TG_RELID::regclass, left(TG_OP, 1),
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
            CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  END IF;
  RETURN NULL;
END $$;
DO $do$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['customers', 'orders', 'products', 'tickets'] LOOP
    EXECUTE format(
      'CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION audit()', name);
  END LOOP;
END
$do$;
CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE OF title, description, attributes ON products
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE orders ENABLE ALWAYS TRIGGER touch;

CREATE FUNCTION move_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO stock AS s (variant_id, bin_id, pieces)
    SELECT variant_id, bin_id, sum(pieces) FROM moved WHERE bin_id IS NOT NULL GROUP BY 1, 2
  ON CONFLICT (variant_id, bin_id) DO UPDATE SET pieces = s.pieces + EXCLUDED.pieces;
  RETURN NULL;
END $$;
CREATE TRIGGER moves AFTER INSERT ON stock_movements
  REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION move_stock();

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is not truncated', TG_TABLE_NAME;
END $$;
CREATE TRIGGER keep BEFORE TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO order_events (order_id, state, at, note)
  VALUES (NEW.id, NEW.state, NEW.placed_at, 'by trigger ' || TG_ARGV[0]);
  RETURN NEW;
END $$;
CREATE TRIGGER note_state AFTER UPDATE OF state ON orders FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION note_state('note_state; $1');
