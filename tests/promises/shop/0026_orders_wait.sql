-- lakegate: new-transaction
-- Who waits for goods is told apart from who waits for us.
UPDATE orders SET state = 'backordered' WHERE state = 'paid' AND id % 9 = 0;
CREATE VIEW waiting_orders AS SELECT * FROM orders WHERE state = 'backordered';
CREATE INDEX orders_waiting ON orders (placed_at) WHERE state = 'backordered';
ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'backordered'::order_state;
ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'draft';
INSERT INTO sla_policies (priority, first_answer, solution) VALUES ('someday', '100:00', '1 year');
