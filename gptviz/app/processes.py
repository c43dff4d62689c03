"""Several servers as one: nginx before them keeps each browser with one of them.

A server computes and writes its pages in one Python process, which uses one core. Beside a second
one, a machine answers more readers; each has the models in memory once more.
"""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from gptviz import system
from gptviz.app.hosts import LOOPBACK
from gptviz.app.listening import listen

READY = "gptviz is ready"  # how the line begins that a server prints when a browser may come
LOOKS_EVERY = 0.3  # seconds, after which it is seen that one of them has ended
PATIENCE = 10.0  # seconds that they get to end

# A browser that names no process yet gets the one with the fewest connections, and a cookie that
# names it. Whoever comes with the teacher's word goes to the first, which has printed it.
NGINX = """
daemon off;
pid "{folder}/pid";
error_log stderr crit;
worker_processes 1;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path "{folder}/body";
  proxy_temp_path "{folder}/proxy";
  fastcgi_temp_path "{folder}/fastcgi";
  uwsgi_temp_path "{folder}/uwsgi";
  scgi_temp_path "{folder}/scgi";
  map $cookie_{cookie} $kept {{ default all; {kept} }}
  map $http_x_forwarded_proto $protocol {{
    "" $scheme; default $http_x_forwarded_proto;
  }}
  map $arg_teacher $servers {{ "" $kept; default process_0; }}
  map $upstream_addr $process {{ default 0; {named} }}
  upstream all {{ least_conn; {all} }}
  {each}
  server {{
    listen {address};
    client_max_body_size 60m;
    location / {{
      proxy_pass http://$servers;
      proxy_http_version 1.1;
      proxy_read_timeout 1d;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $protocol;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      add_header Set-Cookie "{cookie}=$process; Path=/; HttpOnly; SameSite=Lax";
    }}
  }}
}}
"""


def serve(arguments: Sequence[str], n: int, host: str, port: int) -> int:
    """Serve the app from n processes until Ctrl-C or SIGTERM; the exit code.

    arguments are those of the command, which each of them gets. Port 0 takes any free port. Raises
    ValueError or OSError in words where this machine cannot do it.
    """
    program = _nginx()
    with listen(host, port) as free:
        port = free.getsockname()[1]
    for number in system.END_SIGNALS:
        signal.signal(number, _leave)
    with suppress(SystemExit), ExitStack() as over:
        folder = Path(over.enter_context(tempfile.TemporaryDirectory(prefix="gptviz")))
        folder.chmod(0o711)  # nginx, where root starts it, works as somebody else
        inner = [over.enter_context(socket.create_server((LOOPBACK[0], 0))) for _ in range(n)]
        settings = folder / "nginx.conf"
        ports = [listener.getsockname()[1] for listener in inner]
        settings.write_text(configuration(folder, host, port, ports), encoding="utf-8")
        nginx = _Process([program, "-e", "stderr", "-p", str(folder), "-c", str(settings)])
        all_of_them = [over.enter_context(nginx)]
        for listener in inner[1:]:
            server = _Process(_command(arguments, port, listener), listener, quiet=True)
            all_of_them.append(over.enter_context(server))
        for server in all_of_them[1:]:
            server.until_ready()
        # What the first one prints says that all are ready.
        first = _Process(_command(arguments, port, inner[0]), inner[0])
        all_of_them.append(over.enter_context(first))
        while (ended := next((each for each in all_of_them if each.has_ended()), None)) is None:
            time.sleep(LOOKS_EVERY)
        print(
            f"gptviz: {ended.name}, one of its processes, has ended with exit code "
            f"{ended.process.returncode}, so all end; start gptviz again",
            file=sys.stderr,
        )
        return 1
    return 0


def configuration(folder: Path, host: str, port: int, ports: Sequence[int]) -> str:
    """What nginx reads: it listens at host and port, and the servers at ports of this machine."""
    servers = [f"{LOOPBACK[0]}:{inner}" for inner in ports]
    return NGINX.format(
        folder=folder,
        cookie=f"gptviz_process_{port}",
        address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        kept=" ".join(f"{i} process_{i};" for i in range(len(servers))),
        named=" ".join(f"{server} {i};" for i, server in enumerate(servers)),
        all=" ".join(f"server {server};" for server in servers),
        each=" ".join(
            f"upstream process_{i} {{ server {server}; }}" for i, server in enumerate(servers)
        ),
    )


def _nginx() -> str:
    if sys.platform == "win32":
        raise ValueError(
            "--processes needs nginx as Linux and macOS have it; on Windows start gptviz without it"
        )
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not program:
        raise ValueError(
            "--processes needs nginx, and there is none; install it, as in `apt-get install "
            "nginx-light` or `brew install nginx`, or leave --processes out"
        )
    return program


def _command(arguments: Sequence[str], port: int, listener: socket.socket) -> list[str]:
    # Of an option that comes twice, the last one counts.
    own = ("--no-browser", "--port", str(port), "--processes", "1")
    listening = ("--listening", str(listener.fileno()))
    return [sys.executable, "-m", "gptviz", *arguments, *own, *listening]


class _Process:
    """One of the processes, which ends with the block.

    A server gets its listener, and ends when its standard input does: then this process is gone.
    """

    def __init__(
        self, command: Sequence[str], listener: socket.socket | None = None, quiet: bool = False
    ):
        self.name = "a server" if listener else "nginx"
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if quiet else None,
            text=True,
            pass_fds=(listener.fileno(),) if listener else (),
            start_new_session=True,  # Ctrl-C reaches this process, which ends the others in order
        )

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *of_an_error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def until_ready(self) -> None:
        """Wait until it has said so; from then on nobody listens to what it prints."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(READY):
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        raise ValueError(f"{self.name} ended before it was ready")

    def has_ended(self) -> bool:
        return self.process.poll() is not None


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise SystemExit(0)
