-- What customers ordered, and two of them to begin with.
CREATE TABLE orders (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer  text NOT NULL,
    item      text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO orders (customer, item) VALUES ('Ada', 'punched cards'), ('Grace', 'a moth, in a jar');
