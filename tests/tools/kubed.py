#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An API server of Kubernetes for tests, over TLS: GET /api/v1/nodes answers with the file NODES.

    kubed.py --port-file FILE --cert PEM --key PEM --nodes FILE --log FILE [--listen ADDR] [--client-ca PEM]
        [--tokens FILE]

It answers 401 without a token that is a line of the file --tokens, which is read for each request; with --client-ca it
speaks only to who has a certificate of that CA. The log has a line a request: "STATUS PATH sni=NAME host=HOST client=CN
token=TOKEN". It ends with its standard input.
"""
import argparse
import http.server
import os
import socket
import ssl
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        token = (self.headers.get("Authorization") or "-").replace("Bearer ", "")
        known = None
        if options.tokens:
            with open(options.tokens) as file:
                known = file.read().split()
        status = 404 if not self.path.startswith("/api/v1/nodes?") else 401 if known is not None and token not in known else 200
        body = b'{"kind":"Status","message":"Unauthorized"}'
        if status == 200:
            with open(options.nodes, "rb") as file:
                body = file.read()
        subject = dict(part[0] for part in (self.connection.getpeercert() or {}).get("subject", ()))
        with open(options.log, "a") as log:
            log.write("%d %s sni=%s host=%s client=%s token=%s\n" % (status, self.path, self.connection.asked,
                      self.headers.get("Host"), subject.get("commonName", "-"), token))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Connection(ssl.SSLSocket):
    asked = "-"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server.__new__(Server)
    if ":" in options.listen:
        Server.address_family = socket.AF_INET6
    server.__init__((options.listen, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = Connection
    context.load_cert_chain(options.cert, options.key)
    context.sni_callback = lambda connection, name, _: setattr(connection, "asked", name or "-") or None
    if options.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.client_ca)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(options.port_file + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(options.port_file + ".new", options.port_file)
    sys.stdin.read()


parser = argparse.ArgumentParser()
for name in ["port-file", "cert", "key", "nodes", "log"]:
    parser.add_argument("--" + name, required=True)
parser.add_argument("--listen", default="127.0.0.1")
parser.add_argument("--client-ca")
parser.add_argument("--tokens")
options = parser.parse_args()
main()
