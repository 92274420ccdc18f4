-- Double entry.
CREATE TABLE fiscal_years (
  year smallint PRIMARY KEY,
  during daterange NOT NULL,
  closed boolean NOT NULL DEFAULT false,
  EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE accounts (
  number varchar(8) PRIMARY KEY CHECK (number ~ '^\d{4,8}$'),
  name text NOT NULL,
  kind char(1) NOT NULL CHECK (kind = ANY ('{A,L,E,R,X}'::bpchar[])),
  parent varchar(8) REFERENCES accounts
);
CREATE TABLE cost_centers (
  code text PRIMARY KEY,
  name text NOT NULL,
  department_id integer REFERENCES departments
);
CREATE TABLE journals (
  id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);
CREATE TABLE journal_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  journal_id smallint NOT NULL REFERENCES journals,
  year smallint NOT NULL REFERENCES fiscal_years,
  booked_on date NOT NULL,
  text text NOT NULL,
  invoice_id bigint REFERENCES invoices
);
CREATE TABLE journal_lines (
  entry_id bigint REFERENCES journal_entries ON DELETE CASCADE,
  line smallint,
  account varchar(8) NOT NULL REFERENCES accounts,
  cost_center text REFERENCES cost_centers,
  debit money_amount NOT NULL DEFAULT 0,
  credit money_amount NOT NULL DEFAULT 0,
  PRIMARY KEY (entry_id, line),
  CONSTRAINT one_side CHECK ((debit = 0) <> (credit = 0))
);
CREATE FUNCTION check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  difference numeric;
BEGIN
  SELECT sum(debit - credit) INTO difference FROM journal_lines WHERE entry_id = NEW.entry_id;
  IF difference <> 0 THEN
    RAISE EXCEPTION 'entry % does not balance: %', NEW.entry_id, difference
      USING ERRCODE = 'check_violation', HINT = 'Debit and credit must be equal.';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entries_balance AFTER INSERT OR UPDATE ON journal_lines
  DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION check_balance();
ALTER TABLE journal_lines DISABLE TRIGGER entries_balance;
