#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An S3 server for tests that believes nothing: it recomputes each signature from what arrived, by the AWS documentation
and independently of lib/cloud/sigv4.c.

    s3d.py --port-file FILE --folder DIR [--bucket logs] [--region us-east-1] [--key ID --secret SECRET] [--token TOKEN]

Terraform's s3 backend finds what it needs, too: DELETE, HEAD, listing, If-None-Match: *.
Objects of the bucket become files of DIR, named by their percent-encoded key. DIR.log has a line a request: the status,
the method, the path as it came, and why it was refused. While it runs, the test may write
    DIR.down     each request is answered 503
    DIR.faults   a line for each of the next requests: a status ("503", "429 1" with Retry-After) or "close"
    DIR.refuse   a regular expression: keys that match are answered 403
It ends with its standard input.
"""
import argparse
import datetime
import hashlib
import hmac
import http.server
import os
import re
import sys
import threading
import urllib.parse

EMPTY = b""


def escape(text, also_plain=""):
    return urllib.parse.quote(text, safe="-._~" + also_plain)


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Refused(Exception):
    def __init__(self, status, code, why):
        super().__init__(why)
        self.status, self.code = status, code


def parse_authorization(text):
    scheme, _, rest = text.partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        raise Refused(400, "AuthorizationHeaderMalformed", "another scheme")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    if sorted(fields) != ["Credential", "Signature", "SignedHeaders"]:
        raise Refused(400, "AuthorizationHeaderMalformed", "other fields")
    return fields["Credential"].split("/"), fields["SignedHeaders"].split(";"), fields["Signature"]


def check_headers(headers, signed):
    if signed != sorted(set(signed)):
        raise Refused(400, "AuthorizationHeaderMalformed", "names of headers are not sorted")
    for name in ["host", "x-amz-date", "x-amz-content-sha256"]:
        if name not in signed:
            raise Refused(403, "AccessDenied", name + " is not signed")
    for name in headers.keys():
        if name.lower().startswith("x-amz-") and name.lower() not in signed:
            raise Refused(403, "AccessDenied", name + " came without being signed")
    for name in signed:
        if len(headers.get_all(name) or []) != 1:
            raise Refused(403, "AccessDenied", name + " is signed and came %d times" % len(headers.get_all(name) or []))


def canonical_query(query):
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    return "&".join(escape(n) + "=" + escape(v)
                    for n, v in sorted((urllib.parse.unquote(n), urllib.parse.unquote(v)) for n, v in pairs))


def check_signature(options, method, target, headers, body):
    credential, signed, signature = parse_authorization(headers.get("Authorization", ""))
    check_headers(headers, signed)
    date = headers["X-Amz-Date"]
    if credential != [options.key, date[:8], options.region, "s3", "aws4_request"]:
        raise Refused(403, "InvalidAccessKeyId", "the scope is %s" % "/".join(credential[1:]))
    moment = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) > 900:
        raise Refused(403, "RequestTimeTooSkewed", date)
    payload = headers["X-Amz-Content-Sha256"]
    if payload != hashlib.sha256(body).hexdigest():
        raise Refused(400, "XAmzContentSHA256Mismatch", "another body was signed")
    path, _, query = target.partition("?")
    lines = [method, escape(urllib.parse.unquote(path, errors="strict"), "/"), canonical_query(query)]
    lines += ["%s:%s" % (name, " ".join(headers[name].split())) for name in signed]
    lines += ["", ";".join(signed), payload]
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = ("AWS4" + options.secret).encode()
    for part in credential[1:]:
        key = digest(key, part)
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(credential[1:]), request])
    if not hmac.compare_digest(digest(key, text).hex(), signature):
        raise Refused(403, "SignatureDoesNotMatch", "another signature")


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.options, self.lock = options, threading.Lock()

    def next_fault(self):
        path = self.options.folder + ".faults"
        with self.lock:
            if os.path.exists(self.options.folder + ".down"):
                return "503"
            if not os.path.exists(path):
                return None
            with open(path) as file:
                lines = file.read().splitlines()
            with open(path, "w") as file:
                file.write("".join(line + "\n" for line in lines[1:]))
            return lines[0] if lines else None

    def note(self, line):
        with self.lock, open(self.options.folder + ".log", "a") as file:
            file.write(line + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=EMPTY, why="", headers=()):
        self.server.note(" ".join([str(status), self.command, self.path, why]).strip())
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, why, headers=()):
        # as some servers do, with what they were sent; nobody may tell that on
        text = "<?xml version='1.0'?><Error><Code>%s</Code><Message>%s</Message></Error>" % (
            code, self.headers.get("Authorization", ""))
        self.answer(status, text.encode(), code + ": " + why, headers)

    def key_of(self):
        path = urllib.parse.unquote(self.path.partition("?")[0], errors="strict")
        bucket, _, key = path.removeprefix(self.server.options.base + "/").partition("/")
        if bucket != self.server.options.bucket:
            raise Refused(404, "NoSuchBucket", bucket)
        return key

    def check(self, body):
        options = self.server.options
        if options.token:
            if self.headers.get("Authorization") != "Bearer " + options.token:
                raise Refused(401, "AccessDenied", "another token")
        else:
            check_signature(options, self.command, self.path, self.headers, body)
        key = self.key_of()
        if os.path.exists(options.folder + ".refuse"):
            with open(options.folder + ".refuse") as file:
                if re.search(file.read().strip(), key):
                    raise Refused(403, "AccessDenied", "refused as told")
        return os.path.join(options.folder, escape(key))

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.next_fault()
        if fault == "close":
            self.server.note("close %s %s" % (self.command, self.path))
            self.close_connection = True
            return
        if fault:
            status, _, after = fault.partition(" ")
            self.refuse(int(status), "SlowDown", "as told", [("Retry-After", after)] if after else [])
            return
        try:
            self.store(self.check(body), body)
        except Refused as refused:
            self.refuse(refused.status, refused.code, str(refused))

    def store(self, path, body):
        if path.endswith("/"):  # the bucket itself
            query = urllib.parse.parse_qs(self.path.partition("?")[2])
            prefix = query.get("prefix", [""])[0]
            keys = sorted(urllib.parse.unquote(name) for name in os.listdir(self.server.options.folder))
            self.answer(200, ("<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>" % "".join(
                "<Contents><Key>%s</Key></Contents>" % key for key in keys if key.startswith(prefix))).encode())
        elif self.command == "PUT" and self.headers.get("If-None-Match") == "*" and os.path.exists(path):
            raise Refused(412, "PreconditionFailed", "it is there")
        elif self.command == "DELETE":
            if os.path.exists(path):
                os.unlink(path)
            self.answer(204)
        elif self.command == "PUT":
            with open(path + ".new", "wb") as file:
                file.write(body)
            os.replace(path + ".new", path)
            self.answer(200)
        elif os.path.exists(path):
            with open(path, "rb") as file:
                self.answer(200, file.read())
        else:
            raise Refused(404, "NoSuchKey", "")

    do_GET = do_PUT = do_HEAD = do_DELETE = serve


def main():
    parser = argparse.ArgumentParser()
    for name, default in [("port-file", None), ("folder", None), ("bucket", "logs"), ("region", "us-east-1"),
                          ("key", "AKIDEXAMPLE"), ("secret", "s3cret/of+the=key"), ("token", None), ("base", "")]:
        parser.add_argument("--" + name, default=default)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    server = Server(options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(options.port_file + ".new", "w") as file:
        file.write("%d\n" % server.server_address[1])
    os.replace(options.port_file + ".new", options.port_file)
    sys.stdin.read()


main()
