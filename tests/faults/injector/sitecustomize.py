"""Python imports this module when it starts. The harness puts its folder on the path of every function, so
that faults come from outside: what is deployed has no switch for them.
"""

import os

if "FAULTS_FOLDER" in os.environ:
    from fault_injector import hooks

    hooks.install()
