"""A PostgreSQL primary with a synchronous standby, in temporary folders, as a user without rights.

Standard library and PostgreSQL's own programs only. The two change roles with each failover.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

from aceso_server import free_port

USER = "aceso"
DATABASE = "aceso"
START_SECONDS_MAX = 30
SYNC_SECONDS_MAX = 60


def programs():
    """Where the newest server's programs are, 15 or newer; None where none is installed."""
    found = [path for path in glob.glob("/usr/lib/postgresql/*/bin")
             if path.split("/")[4].isdigit() and int(path.split("/")[4]) >= 15
             and os.access(path + "/initdb", os.X_OK) and os.access(path + "/pg_basebackup", os.X_OK)]
    return max(found, key=lambda path: int(path.split("/")[4]), default=None)


def require_programs():
    """Ends with 77, as tests do that are skipped, where PostgreSQL is not installed."""
    if programs() is None:
        print("skipped: PostgreSQL 15 or newer is not installed (apt install postgresql)")
        sys.exit(77)


def unprivileged(command):
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return command
    return ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


def run(command, log):
    with open(log, "ab") as output:
        code = subprocess.run(unprivileged(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                              check=False).returncode
    if code != 0:
        with open(log, encoding="utf-8", errors="replace") as text:
            raise RuntimeError(f"{os.path.basename(command[0])} ended with {code}:\n{text.read()[-2000:]}")


class Instance:
    """One server process with its data."""

    def __init__(self, folder, name):
        self.name = name
        self.folder = os.path.join(folder, name)
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.process = None
        os.mkdir(self.folder, 0o700)
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        open(self.log, "ab").close()
        if os.getuid() == 0:
            os.chown(self.log, nobody.pw_uid, nobody.pw_gid)

    def program(self, name):
        return os.path.join(programs(), name)

    def initialize(self):
        run([self.program("initdb"), "-D", self.data, "-A", "trust", "-U", USER, "--locale=C", "-E", "UTF8",
             "--no-sync"], self.log)

    def start(self, more=None):
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
            "max_connections": 200, "wal_level": "replica", "max_wal_senders": 10, "wal_keep_size": "256MB",
            "dynamic_shared_memory_type": "mmap", "shared_buffers": "64MB", "cluster_name": self.name,
            **(more or {}),
        }
        options = [item for key, value in settings.items() for item in ("-c", f"{key}={value}")]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                unprivileged([self.program("postgres"), "-D", self.data, *options]), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, cwd="/")
        self.wait_until("the server answers", START_SECONDS_MAX, lambda: self.sql("SELECT 1") == "1")

    def wait_until(self, what, seconds, is_so):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if is_so():
                    return
            except RuntimeError:
                if self.process.poll() is not None:
                    break
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: not within {seconds} s: {what}; see {self.log}")

    def sql(self, text, database="postgres"):
        result = subprocess.run(
            [self.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER,
             "-d", database, "-c", text], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return result.stdout.strip()

    def processes(self):
        """The server's process and its children, which are no group of their own."""
        children = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.process.pid:
                children.append(int(entry))
        return [self.process.pid, *children]

    def kill(self):
        """As if the machine had lost its power: every process at once, without notice."""
        for process in self.processes():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.forget_memory()

    def forget_memory(self):
        """The shared memory segment of a server that was killed, by its number in postmaster.pid."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as lines:
                segment = lines.read().split("\n")[6].split()[1]
        except (OSError, IndexError):
            return
        subprocess.run(["ipcrm", "-m", segment], check=False, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def promote(self):
        run([self.program("pg_ctl"), "promote", "-D", self.data, "-w", "-t", "30"], self.log)

    def follow(self, primary):
        """Begins anew as the standby of another, from a copy of its data."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={primary.port} user={USER} application_name={self.name}"
        run([self.program("pg_basebackup"), "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast",
             "--no-sync"], self.log)
        # A copy of the primary's settings says for whom commits wait. When this one is promoted, there is nobody.
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as settings:
            settings.write("synchronous_standby_names = ''\n")
        self.start()
        primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{self.name}'")
        primary.sql("SELECT pg_reload_conf()")
        primary.wait_until(
            f"{self.name} is in step", SYNC_SECONDS_MAX,
            lambda: primary.sql("SELECT string_agg(sync_state, '') FROM pg_stat_replication") == "sync"
            and primary.sql("SHOW synchronous_standby_names") == self.name)


class Pair:
    """Two servers, of which one is the primary and the other its synchronous standby."""

    def __init__(self, folder):
        self.primary, self.standby = Instance(folder, "north"), Instance(folder, "south")
        self.members = [self.primary, self.standby]

    def start(self):
        self.primary.initialize()
        self.primary.start()
        self.primary.sql(f"CREATE DATABASE {DATABASE}")
        self.standby.follow(self.primary)

    @property
    def address(self):
        """The same whoever is the primary."""
        places = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgresql://{USER}@{places}/{DATABASE}?target_session_attrs=read-write"

    def fail_over(self, pause=0.0):
        """Kills the primary; after a pause the standby takes its place. Returns the seconds until it did."""
        began = time.monotonic()
        self.primary.kill()
        time.sleep(pause)
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        return time.monotonic() - began

    def rebuild(self):
        """The one that was killed becomes the standby."""
        self.standby.follow(self.primary)

    def stop(self):
        for member in (self.standby, self.primary):
            member.stop()
