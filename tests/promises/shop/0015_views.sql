-- What reports read.
CREATE VIEW current_prices WITH (security_barrier) AS
  SELECT p.variant_id, p.list_id, l.currency, p.amount, p.from_pieces::integer AS from_pieces
  FROM prices p JOIN price_lists l ON l.id = p.list_id
  WHERE p.valid @> '2024-06-01 00:00:00+00'::timestamptz;

CREATE VIEW order_totals AS
  SELECT o.id, o.customer_id, o.state, o.placed_at, count(l.line) AS lines,
         sum(l.net) AS net, sum(l.gross) AS gross,
         sum(l.gross) FILTER (WHERE l.tax_rate = 7) AS gross_reduced
  FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
  GROUP BY o.id;

CREATE VIEW customer_totals AS
  SELECT c.id, c.name, count(t.id) AS orders, COALESCE(sum(t.gross), 0) AS gross,
         rank() OVER (ORDER BY sum(t.gross) DESC NULLS LAST, c.id) AS place
  FROM customers c LEFT JOIN order_totals t ON t.customer_id = c.id AND t.state <> 'cancelled'
  GROUP BY c.id, c.name;

CREATE VIEW best_customers AS SELECT * FROM customer_totals WHERE place <= 10 ORDER BY place;

CREATE VIEW active_customers AS
  SELECT id, group_id, name, email, language FROM customers WHERE deleted_at IS NULL
  WITH CASCADED CHECK OPTION;

CREATE RECURSIVE VIEW category_tree (id, path, depth) AS
  SELECT id, ARRAY[name], 1 FROM categories WHERE parent_id IS NULL
  UNION ALL
  SELECT c.id, t.path || c.name, t.depth + 1 FROM categories c JOIN category_tree t ON t.id = c.parent_id;

CREATE VIEW variants AS
  SELECT p.id AS product_id, v.id, p.number || '-' || v.number AS number, p.title, b.name AS brand
  FROM product_variants v JOIN products p ON p.id = v.product_id LEFT JOIN brands b ON b.id = p.brand_id;
CREATE FUNCTION write_variant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO product_variants (product_id, number) VALUES (NEW.product_id, NEW.number) RETURNING id INTO NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER write INSTEAD OF INSERT ON variants FOR EACH ROW EXECUTE FUNCTION write_variant();

CREATE VIEW open_tickets AS
  SELECT t.*, q.name AS queue, p.first_answer,
         (SELECT max(at) FROM ticket_messages m WHERE m.ticket_id = t.id) AS last_message_at
  FROM tickets t JOIN queues q ON q.id = t.queue_id LEFT JOIN sla_policies p USING (priority)
  WHERE t.state <> 'closed';
CREATE RULE close_by_deleting AS ON DELETE TO open_tickets DO INSTEAD
  UPDATE tickets SET state = 'closed', solved_at = COALESCE(solved_at, '2024-12-31 00:00:00+00') WHERE id = OLD.id;

CREATE MATERIALIZED VIEW sales_by_month AS
  SELECT date_trunc('month', o.placed_at AT TIME ZONE 'UTC')::date AS month, l.variant_id,
         sum(l.pieces::integer) AS pieces, sum(l.gross) AS gross
  FROM orders o JOIN order_lines l ON l.order_id = o.id
  WHERE o.state <> 'cancelled'
  GROUP BY GROUPING SETS ((1, 2), (1))
  WITH NO DATA;
CREATE INDEX sales_by_month_variant ON sales_by_month (variant_id, month DESC);

CREATE MATERIALIZED VIEW product_documents AS
  SELECT p.id, p.title, to_tsvector('shop_text', p.title || ' ' || COALESCE(p.description, '')) AS document,
         array_agg(DISTINCT c.name ORDER BY c.name) FILTER (WHERE c.name IS NOT NULL) AS categories
  FROM products p
  LEFT JOIN product_categories pc ON pc.product_id = p.id LEFT JOIN categories c ON c.id = pc.category_id
  GROUP BY p.id;
CREATE UNIQUE INDEX product_documents_id ON product_documents (id);
CREATE INDEX product_documents_document ON product_documents USING gin (document);
