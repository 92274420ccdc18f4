"""A page that counts its visits in Lakebase.

It knows nothing of tokens: `lakegate run` starts it with the variables that libpq reads, and they
lead to a proxy beside it.
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

VISIT = "INSERT INTO visits DEFAULT VALUES RETURNING number, current_schema, current_user"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            return self.answer(404, "there is only one page\n")
        try:
            with psycopg.connect() as database:
                number, schema, role = database.execute(VISIT).fetchone()
        except psycopg.Error as error:
            self.log_error("%s", error)
            return self.answer(503, "the database does not answer\n")
        self.answer(200, f"visit {number}, kept in schema {schema} by {role}\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Page)
print(f"listening on port {server.server_port}", flush=True)
server.serve_forever()
