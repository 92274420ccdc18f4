-- What is paid, and what is owed.
CREATE TABLE payment_methods (
  code text PRIMARY KEY,
  title text NOT NULL,
  fee price NOT NULL DEFAULT 0,
  settings jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE payments (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  order_id bigint NOT NULL REFERENCES orders,
  method text NOT NULL REFERENCES payment_methods ON UPDATE CASCADE,
  state payment_state NOT NULL DEFAULT 'open',
  amount money_amount NOT NULL,
  reference text,
  at timestamptz NOT NULL
);
CREATE TABLE refunds (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  payment_id bigint NOT NULL REFERENCES payments,
  return_id bigint REFERENCES returns,
  amount price NOT NULL
);
CREATE TABLE invoices (
  id bigint PRIMARY KEY DEFAULT nextval('document_number'),
  order_id bigint NOT NULL UNIQUE REFERENCES orders,
  issued_on date NOT NULL,
  due_on date NOT NULL,
  pdf_url text,
  CHECK (issued_on <= due_on)
);
CREATE TABLE invoice_lines (
  invoice_id bigint REFERENCES invoices ON DELETE CASCADE,
  line smallint,
  title text NOT NULL,
  net numeric(14, 2) NOT NULL,
  tax numeric(14, 2) NOT NULL,
  gross numeric(14, 2) GENERATED ALWAYS AS (net + tax) STORED,
  PRIMARY KEY (invoice_id, line)
);
CREATE TABLE credit_notes (
  LIKE invoices INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES,
  invoice_id bigint NOT NULL REFERENCES invoices
);
CREATE TABLE dunning_levels (
  level smallint PRIMARY KEY,
  after interval NOT NULL,
  fee price NOT NULL
);
CREATE TABLE dunnings (
  invoice_id bigint REFERENCES invoices ON DELETE CASCADE,
  level smallint REFERENCES dunning_levels,
  sent_on date NOT NULL,
  PRIMARY KEY (invoice_id, level)
);
