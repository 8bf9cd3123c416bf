"""A real SMS gateway for the tests: Kannel (bearerbox, smsbox) and its fake SMS centre, on free loopback ports.

Prints one line of JSON when it takes messages. Orders come on standard input, a line each: `reply NUMBER TEXT` is a text
from a phone, `kill` ends bearerbox and smsbox at once, `start` starts them again, `centre off` and `centre on` take the
centre away and back. Each is answered with a line. It ends with standard input.

What counts is what the centre got: `centre.log` in its folder, and Kannel's own `access.log`, which has our id.
"""

import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CENTRE = next((p for p in ("/usr/lib/kannel/test/fakesmsc", "/usr/bin/fakesmsc") if os.path.exists(p)), "fakesmsc")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


LISTENING, CONNECTED = "0A", "01"


def wait_for(port, state=LISTENING, seconds=20):
    # Looks, and does not connect: the centre's port takes whoever connects for the centre.
    until, wanted = time.time() + seconds, f":{port:04X}"
    while time.time() < until:
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and fields[1].endswith(wanted):
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens at port {port}, or nobody connects")


class Gateway:
    def __init__(self, folder, replies):
        self.folder, self.running = pathlib.Path(folder), {}
        self.admin, self.box, self.centre, self.send = free_ports(4)
        self.secret = secrets.token_hex(8)
        text = (HERE / "kannel.conf.in").read_text()
        values = dict(ADMIN=self.admin, BOX=self.box, SMSC=self.centre, SEND=self.send, DIR=folder, USER="tester",
                      SECRET=self.secret, THROUGHPUT="", REPLIES=replies)
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        self.conf = self.folder / "kannel.conf"
        self.conf.write_text(text)

    def start(self, name, *command):
        log = open(self.folder / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.PIPE, cwd=self.folder)

    def stop(self, name, how=signal.SIGTERM):
        process = self.running.pop(name, None)
        if process and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def boxes(self):
        self.start("bearerbox", "/usr/sbin/bearerbox", "-v", "4", str(self.conf))
        wait_for(self.box)
        wait_for(self.centre)
        self.start("smsbox", "/usr/sbin/smsbox", "-v", "4", str(self.conf))
        wait_for(self.send)

    def connect_centre(self):
        self.start("centre", CENTRE, "-v", "0", "-H", "127.0.0.1", "-r", str(self.centre))
        wait_for(self.centre, CONNECTED)

    def order(self, line):
        words = line.split(" ", 2)
        if words[0] == "reply":
            self.running["centre"].stdin.write(f"{words[1]} Vard text {words[2]}\n".encode())
            self.running["centre"].stdin.flush()
        elif words[0] == "kill":
            for name in ("bearerbox", "smsbox"):
                self.stop(name, signal.SIGKILL)
            self.stop("centre")
        elif words[0] == "start":
            self.boxes()
            self.connect_centre()
        elif line == "centre off":
            self.stop("centre")
        elif line == "centre on":
            self.connect_centre()


def main():
    with tempfile.TemporaryDirectory(prefix="kannel-") as folder:
        gateway = Gateway(folder, sys.argv[1])
        try:
            gateway.boxes()
            gateway.connect_centre()
            said = dict(url=f"http://127.0.0.1:{gateway.send}/cgi-bin/sendsms", secret=gateway.secret, folder=folder)
            print(json.dumps(said), flush=True)
            for line in sys.stdin:
                gateway.order(line.strip())
                print("done", flush=True)
        finally:
            for name in ("centre", "smsbox", "bearerbox"):
                gateway.stop(name)


if __name__ == "__main__":
    main()
