"""A server that is there to be killed: trains a run in the store of its argument, and prints the run's id.

Ctrl-C ends it in order.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from explorer.jobs.engine import Engine
from explorer.runs.store import Store
from explorer.settings import Settings
from tests.runs.tiny import tiny_dataset, tiny_plan

WORKERS = 5  # of all kinds; one that still starts belongs to the terminal's group

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests started with "&" in a script ignore Ctrl-C
    store = Store(Path(sys.argv[1]))
    engine = Engine(store, Settings(checkpoint_steps=20))
    run_id = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset())).id
    engine.submit(run_id)
    try:
        while store.run(run_id).step < 30 or len(engine._client.scheduler_info(n_workers=-1)["workers"]) < WORKERS:
            time.sleep(0.02)
        print(run_id, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        engine.close()
