"""Serve functions of one source tree as the framework makes them: python serve.py TREE PORT FUNCTION…

Run with that tree first on the path, so that it may be of another release than these tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import functions_framework
from werkzeug.serving import make_server

from shared.edge.manifest import load_all


def main(tree: Path, port: int, names: list[str]) -> None:
    manifests = load_all(tree / "functions")
    apps = [
        (manifests[name], functions_framework.create_app(name, str(tree / "functions" / name / "main.py")))
        for name in names
    ]

    def route(environ, start):
        path = environ["PATH_INFO"]
        app = next((app for manifest, app in apps if manifest.covers(path)), apps[0][1])
        return app(environ, start)

    server = make_server("127.0.0.1", port, route, threaded=True)
    sys.stdout.write(f"ready {server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
