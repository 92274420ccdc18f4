-- An example: a table of the application, in the schema that the bootstrap made.
CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_at timestamptz NOT NULL DEFAULT now(),
    text text NOT NULL
);
