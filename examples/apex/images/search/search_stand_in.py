"""A stand-in for a search server, small enough to build anywhere.

It is no Elasticsearch, OpenSearch or Meilisearch and speaks none of their protocols. It does index what it is
given and finds it again, ranked by BM25 and kept on disk: SQLite's full-text index behind four HTTP calls.

    GET    /health
    PUT    /documents/<id>   {"title": "…", "body": "…"}
    DELETE /documents/<id>
    GET    /search?q=words   {"hits": [{"id", "title", "score"}]}, best first, at most 50
"""

import os
import re
import signal
import sqlite3
import threading

import bottle
import waitress

app = bottle.Bottle()
lock = threading.Lock()
index = sqlite3.connect(os.environ.get("SEARCH_FILE", "/data/search.sqlite"), check_same_thread=False)
index.execute("PRAGMA journal_mode = WAL")
index.execute("CREATE VIRTUAL TABLE IF NOT EXISTS documents USING fts5(id UNINDEXED, title, body)")


@app.get("/health")
def health():
    with lock:
        count = index.execute("SELECT count(*) FROM documents").fetchone()[0]
    return {"status": "ok", "documents": count}


@app.put("/documents/<key>")
def put(key):
    document = bottle.request.json
    if not isinstance(document, dict):
        bottle.abort(400, 'a document is an object: {"title": "…", "body": "…"}')
    with lock, index:
        index.execute("DELETE FROM documents WHERE id = ?", (key,))
        values = (key, str(document.get("title", "")), str(document.get("body", "")))
        index.execute("INSERT INTO documents (id, title, body) VALUES (?, ?, ?)", values)
    bottle.response.status = 204


@app.delete("/documents/<key>")
def delete(key):
    with lock, index:
        index.execute("DELETE FROM documents WHERE id = ?", (key,))
    bottle.response.status = 204


@app.get("/search")
def search():
    words = re.findall(r"\w+", bottle.request.query.getunicode("q") or "")
    if not words:
        return {"hits": []}
    # Quoted, so that a word such as NEAR is a word; the last one may still be half typed.
    query = " ".join(f'"{word}"' for word in words) + "*"
    with lock:
        rows = index.execute(
            "SELECT id, title, -rank FROM documents WHERE documents MATCH ? ORDER BY rank LIMIT 50", (query,)
        ).fetchall()
    return {"hits": [{"id": key, "title": title, "score": round(score, 6)} for key, title, score in rows]}


def stop(_number, _frame):
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    port = int(os.environ.get("SEARCH_PORT", "7700"))
    print(f"search stand-in listening on port {port}", flush=True)
    waitress.create_server(app, host="0.0.0.0", port=port, threads=4, ident=None, asyncore_use_poll=True).run()
