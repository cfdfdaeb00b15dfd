#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server for terraform's http backend, in memory, with locks and a password.

    stated.py --port-file FILE --user USER --password PASSWORD

https://developer.hashicorp.com/terraform/language/backend/http. It ends with its standard input.
"""
import argparse
import base64
import http.server
import json
import os
import sys
import threading

states, locks = {}, {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if self.headers.get("Authorization") != self.server.authorization:
            self.answer(401)
        elif self.command == "LOCK":
            holder = locks.setdefault(path, body)
            self.answer(200 if holder is body else 423, b"" if holder is body else holder)
        elif self.command == "UNLOCK":
            # force-unlock sends no more than the identifier, and some versions nothing at all
            locks.pop(path, None)
            self.answer(200)
        elif self.command == "POST":
            if path in locks and "ID=" + json.loads(locks[path])["ID"] not in query:
                self.answer(409)
                return
            states[path] = body
            self.answer(200)
        elif self.command == "DELETE":
            states.pop(path, None)
            self.answer(200)
        else:
            self.answer(200 if path in states else 404, states.get(path, b""))

    do_GET = do_POST = do_DELETE = do_LOCK = do_UNLOCK = serve


def main():
    parser = argparse.ArgumentParser()
    for name in ("port-file", "user", "password"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.authorization = "Basic " + base64.b64encode((options.user + ":" + options.password).encode()).decode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(options.port_file + ".new", "w") as file:
        file.write("%d\n" % server.server_address[1])
    os.replace(options.port_file + ".new", options.port_file)
    sys.stdin.read()


main()
