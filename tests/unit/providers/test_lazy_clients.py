import subprocess
import sys

ADAPTERS = [
    "shared.cache.rate_limit",
    "shared.cache.read_through",
    "shared.providers.translate",
    "shared.providers.vision",
    "shared.queue.pubsub",
    "shared.queue.tasks",
    "shared.storage.gcs",
]


def test_importing_the_adapters_loads_no_client_library():
    code = f"import sys, {', '.join(ADAPTERS)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"google.api_core", "google.auth", "grpc", "redis", "requests"} & set(loaded.split())
