-- Orders from a year, with everything that hangs on them.
INSERT INTO customers (group_id, name, email, language, billing, ip, born, data)
SELECT 1 + n % 2, 'Kunde ' || n, 'Kunde' || n || '@post.example', (ARRAY['de', 'fr'])[1 + n % 2],
       ROW('Straße', n, lpad(n::text, 5, '0'), 'Stadt ' || n % 20, 'DE')::postal_address,
       ('10.' || n % 4 || '.0.' || n % 250)::inet, '1960-01-01'::date + 31 * n,
       CASE n % 3 WHEN 0 THEN jsonb_build_object('vip', n % 2 = 0, 'note', E'Zeile 1\nZeile 2 ⇒ "x"') END
FROM generate_series(1, 200) n;
INSERT INTO customer_addresses (customer_id, label, address)
SELECT id, 'work', ROW('Bürostr.', '5', '20095', 'Hamburg', 'DE')::postal_address FROM customers WHERE id % 3 = 0;
INSERT INTO consents SELECT id, 'newsletter', '2024-01-01 10:00:00+00', NULL FROM customers WHERE id % 2 = 0;
INSERT INTO contacts (customer_id, at, by, channel, note)
SELECT id, '2024-02-01 00:00:00+00'::timestamptz + (id % 100) * interval '1 hour', 1 + id % 25, 'phone', 'rief an'
FROM customers;
INSERT INTO customer_notes (author, body, customer_id) SELECT 'e1', 'zahlt bar', id FROM customers WHERE id % 25 = 0;
INSERT INTO product_notes (author, body, product_id) VALUES ('e2', 'läuft aus', 17);

INSERT INTO orders (customer_id, state, placed_at, voucher, billing, delivery)
SELECT c.id, 'placed', timestamptz '2024-01-01 08:00:00+00' + n * interval '5 hours 7 minutes',
       CASE WHEN n % 40 = 0 THEN 'SOMMER24' END, c.billing, c.billing
FROM generate_series(1, 600) n JOIN customers c ON c.id = 10001 + n % 200
ORDER BY n;
INSERT INTO order_lines (order_id, line, variant_id, title, pieces, price, tax_rate)
SELECT o.id, line, v.id, 'Ding ' || v.id, 1 + (o.id + line) % 5, COALESCE(price_of(v.id), 9.99), 19
FROM orders o CROSS JOIN generate_series(1, 4) line
JOIN product_variants v ON v.id = 1 + (o.id * 13 + line * 101) % 800
ORDER BY o.id, line;
UPDATE orders SET state = 'paid' WHERE id % 3 = 0;
UPDATE orders SET state = 'shipped' WHERE id % 6 = 0;
UPDATE orders SET state = 'cancelled' WHERE id % 50 = 1;
INSERT INTO payments (order_id, method, state, amount, at)
SELECT id, 'card', 'captured', order_total(id), placed_at + interval '1 minute' FROM orders
WHERE state IN ('paid', 'shipped') ORDER BY id;
INSERT INTO invoices (order_id, issued_on, due_on)
SELECT id, (placed_at AT TIME ZONE 'UTC')::date, (placed_at AT TIME ZONE 'UTC')::date + 14 FROM orders
WHERE state = 'shipped' ORDER BY id;
INSERT INTO invoice_lines (invoice_id, line, title, net, tax)
SELECT i.id, l.line, l.title, l.net, l.gross - l.net FROM invoices i JOIN order_lines l USING (order_id)
ORDER BY i.id, l.line;
INSERT INTO shipments (order_id, carrier_id, service, tracking, shipped_at)
SELECT id, 1, 'S', to_char(id, 'FM"TR"000000'), placed_at + interval '2 days' FROM orders WHERE state = 'shipped'
ORDER BY id;
INSERT INTO shipment_lines SELECT s.id, l.order_id, l.line, l.pieces FROM shipments s JOIN order_lines l USING (order_id);
INSERT INTO stock_movements (moved_at, variant_id, kind, pieces)
SELECT s.shipped_at, l.variant_id, 'sale', -l.pieces::integer FROM shipments s JOIN order_lines l USING (order_id)
ORDER BY s.id, l.line;
INSERT INTO returns (order_id, announced_on, reason)
SELECT order_id, '2024-08-01', 'it''s' FROM shipments WHERE order_id % 30 = 0 ORDER BY order_id;
INSERT INTO tickets (queue_id, customer_id, order_id, assigned_to, subject, state, priority, opened_at, solved_at)
SELECT 1, customer_id, id, 1 + id % 25, 'Wo bleibt ' || id || '?', 'solved', (ARRAY['low', 'high'])[1 + id % 2]::ticket_priority,
       placed_at + interval '3 days', placed_at + interval '4 days'
FROM orders WHERE id % 10 = 0 ORDER BY id;
INSERT INTO ticket_messages (ticket_id, from_customer, body, at)
SELECT t.id, n = 1, CASE n WHEN 1 THEN 'Wo?' ELSE 'Da!' END, t.opened_at + n * interval '1 hour'
FROM tickets t CROSS JOIN generate_series(1, 2) n ORDER BY t.id, n;
INSERT INTO ticket_events SELECT id, opened_at, 'opened', jsonb_build_object('by', customer_id) FROM tickets;
INSERT INTO labels (name, colour) VALUES ('Lieferung', '#00ff00'), ('Lob', NULL);
INSERT INTO ticket_labels SELECT id, 1 FROM tickets WHERE id % 2 = 0;
INSERT INTO attachments SELECT '00000000-0000-4000-8000-000000000001', 1, 'a "b".png', '\x89504e470d0a1a0a';
ALTER TABLE journal_lines ENABLE TRIGGER entries_balance;
WITH entry AS (
  INSERT INTO journal_entries (journal_id, year, booked_on, text, invoice_id)
  SELECT 1, 2024, issued_on, 'Rechnung ' || id, id FROM invoices ORDER BY id RETURNING id, invoice_id
), sums AS (SELECT invoice_id, sum(gross) AS gross FROM invoice_lines GROUP BY invoice_id)
INSERT INTO journal_lines (entry_id, line, account, debit, credit)
SELECT e.id, 1, '1200', s.gross, 0 FROM entry e JOIN sums s USING (invoice_id)
UNION ALL SELECT e.id, 2, '8400', 0, s.gross FROM entry e JOIN sums s USING (invoice_id);
REFRESH MATERIALIZED VIEW sales_by_month;
REFRESH MATERIALIZED VIEW product_documents;
DELETE FROM open_tickets WHERE id % 9 = 0;
