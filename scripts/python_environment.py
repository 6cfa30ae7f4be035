"""Virtual environments in .build with packages from PyPI, for scripts that ask another maker's library."""

import os
import shutil
import subprocess
import sys

from aceso_server import ROOT


def environment(name, packages):
    """The Python of a virtual environment with exactly these packages, made if missing; None without them."""
    folder = os.path.join(ROOT, ".build", name)
    python, stamp = os.path.join(folder, "bin", "python3"), os.path.join(folder, "packages")
    wanted = "\n".join(packages)
    if not (os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == wanted):
        print("Installing " + ", ".join(packages[:3]) + " …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2"]
        if subprocess.run([*install, *packages], check=False).returncode != 0:
            return None
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    return python
