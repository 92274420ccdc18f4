-- lakegate: no-transaction
-- For tables that are written to all day; each statement is a transaction of its own.
CREATE INDEX CONCURRENTLY payments_by_order ON payments (order_id);
CREATE UNIQUE INDEX CONCURRENTLY invoices_by_url ON invoices (pdf_url) WHERE pdf_url IS NOT NULL;
ALTER TABLE invoices ADD CONSTRAINT numbers_are_known CHECK (id >= 100000) NOT VALID;
CREATE PROCEDURE close_old_tickets(before timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  ticket bigint;
BEGIN
  FOR ticket IN SELECT id FROM tickets WHERE state = 'solved' AND solved_at < before ORDER BY id LOOP
    UPDATE tickets SET state = 'closed' WHERE id = ticket;
    COMMIT;
  END LOOP;
END $$;
CALL close_old_tickets('2024-02-01 00:00:00+00');
DROP INDEX CONCURRENTLY open_orders_by_time;
ALTER TABLE stock_movements DETACH PARTITION stock_movements_2023;
VACUUM (ANALYZE) orders;
REINDEX INDEX CONCURRENTLY orders_by_customer;
REFRESH MATERIALIZED VIEW CONCURRENTLY product_documents;
