"""The part of S3 that reading needs, on this host alone: GET with ranges, HEAD, and ListObjectsV2.

usage: s3_server.py FOLDER

Buckets are the folders in FOLDER, and objects the files in them. Keys that begin with "denied" are
refused. Prints its port, then a line for each request: "GET bucket/key bytes=0-99 -> 206".
"""
import datetime
import http.server
import os
import sys
import urllib.parse
from email.utils import formatdate
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def keys_in(bucket):
    for folder, _, names in os.walk(bucket):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), bucket)


def etag(path):
    status = os.stat(path)
    return '"%x-%x"' % (status.st_mtime_ns, status.st_size)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", headers=(), length=None):
        print(self.command, self.path.lstrip("/"), self.headers.get("Range", "-"), "->", code, flush=True)
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, code, name):
        body = f"<?xml version='1.0'?><Error><Code>{name}</Code><Message>{name}</Message></Error>".encode()
        self.answer(code, body, [("Content-Type", "application/xml")])

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        bucket, _, key = urllib.parse.unquote(parts.path).lstrip("/").partition("/")
        folder = os.path.join(self.server.folder, bucket)
        if not bucket or not os.path.isdir(folder):
            return self.fail(404, "NoSuchBucket")
        if not key:
            return self.list(folder, bucket, dict(urllib.parse.parse_qsl(parts.query)))
        if key.startswith("denied"):
            return self.fail(403, "AccessDenied")
        path = os.path.join(folder, key)
        if not os.path.isfile(path):
            return self.fail(404, "NoSuchKey")
        self.object(path)

    def object(self, path):
        with open(path, "rb") as file:
            body = file.read()
        headers = [("ETag", etag(path)), ("Last-Modified", formatdate(os.path.getmtime(path), usegmt=True)),
                   ("Accept-Ranges", "bytes"), ("Content-Type", "application/octet-stream")]
        asked = self.headers.get("Range")
        if asked is None:
            return self.answer(200, body, headers)
        begin, _, end = asked.removeprefix("bytes=").partition("-")
        begin = int(begin)
        end = min(int(end) if end else len(body) - 1, len(body) - 1)
        if begin >= len(body):
            return self.fail(416, "InvalidRange")
        headers.append(("Content-Range", f"bytes {begin}-{end}/{len(body)}"))
        self.answer(206, body[begin : end + 1], headers)

    def list(self, folder, bucket, query):
        prefix = query.get("prefix", "")
        delimiter = query.get("delimiter", "")
        after = query.get("continuation-token", query.get("start-after", ""))
        most = int(query.get("max-keys", "1000"))
        found = {}  # a key, or a prefix that ends with the delimiter -> its text
        for key in keys_in(folder):
            if not key.startswith(prefix):
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                common = key[: cut + len(delimiter)]
                found[common] = f"<CommonPrefixes><Prefix>{escape(common)}</Prefix></CommonPrefixes>"
            else:
                status = os.stat(os.path.join(folder, key))
                time = datetime.datetime.fromtimestamp(status.st_mtime, datetime.timezone.utc)
                found[key] = (f"<Contents><Key>{escape(key)}</Key><Size>{status.st_size}</Size><LastModified>"
                              f"{time:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>")
        names = sorted((name for name in found if name > after), key=os.fsencode)
        page = names[:most]
        is_cut = len(names) > most
        next_token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_cut else ""
        body = (f"<?xml version='1.0'?><ListBucketResult xmlns='{NAMESPACE}'><Name>{bucket}</Name>"
                f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount><MaxKeys>{most}</MaxKeys>"
                f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{next_token}"
                + "".join(found[name] for name in page) + "</ListBucketResult>")
        self.answer(200, body.encode(), [("Content-Type", "application/xml")])


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.folder = sys.argv[1]
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
