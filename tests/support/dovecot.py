"""A Dovecot for tests: on free loopback ports, in a folder of its own, gone when it stops."""

import base64
import grp
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PASSWORD = "pw"
CERTIFICATE = Path(__file__).parent / "localhost.pem"  # for "localhost", until 2126, signed by itself; its key is in it
STARTS_WITHIN = 10  # seconds
MAIL_USER = "vmail"
# Who logs in with OAuth2 brings a token that this issuer signed with this key (HS256).
ISSUER = "https://login.greenfield.test/"
SIGNING_KEY = b"a key of thirty-two octets or more"
OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=@HOME@/keys/
username_attribute = email
active_attribute =
active_value =
scope = imap
issuers = @ISSUER@
"""
# Dovecot's master wants to be root; without it, everything runs as the one user there is.
ROOTLESS = """
default_login_user = @USER@
default_internal_user = @USER@
default_internal_group = @GROUP@
service anvil {
  chroot =
}
service imap-login {
  chroot =
}
"""


def path() -> str | None:
    """The program, where it is installed."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Dovecot:
    """One running server; `deliver` is what a mail server does at the end of its way."""

    def __init__(self) -> None:
        self.imap_port, self.imaps_port, self.lmtp_port = free_ports(3)
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-"))
        user, group = _mail_user()
        _prepare(self.home, user, group)
        template = (Path(__file__).parent / "dovecot.conf").read_text() + ("" if os.geteuid() == 0 else ROOTLESS)
        facts = {"HOME": self.home, "USER": user, "GROUP": group, "CERTIFICATE": CERTIFICATE}
        facts |= {"IMAP": self.imap_port, "IMAPS": self.imaps_port, "LMTP": self.lmtp_port}
        for name, value in facts.items():
            template = template.replace(f"@{name}@", str(value))
        configuration = self.home / "dovecot.conf"
        configuration.write_text(template)
        program = path()
        assert program, "Dovecot is not installed"
        self._process = subprocess.Popen([program, "-F", "-c", configuration], stderr=subprocess.DEVNULL)
        self._wait()

    def deliver(self, raw: bytes, sender: str, recipient: str) -> None:
        """Deliver over LMTP: the message gets its Return-Path and Received on top."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, local_hostname="localhost", timeout=10) as lmtp:
            refused = lmtp.sendmail(sender, [recipient], raw)
        assert not refused, refused

    def forget(self, address: str) -> None:
        """Remove a mailbox with all its folders."""
        shutil.rmtree(self.folder(address), ignore_errors=True)

    def folder(self, address: str, name: str = "") -> Path:
        """Where a mailbox keeps a folder (maildir), "" for the inbox."""
        return self.home / "mail" / address / (f".{name}" if name else "")

    @property
    def log(self) -> str:
        """What it has logged so far."""
        log = self.home / "dovecot.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def _wait(self) -> None:
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.imap_port), 1) as connection:
                    if connection.recv(4) == b"* OK":
                        return
            except OSError:
                time.sleep(0.05)
        log = self.log
        self.stop()
        raise AssertionError(f"Dovecot did not start:\n{log}")


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _mail_user() -> tuple[str, str]:
    """The user whom the mail belongs to: not root, which Dovecot refuses."""
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return me.pw_name, grp.getgrgid(me.pw_gid).gr_name
    try:
        user = pwd.getpwnam(MAIL_USER)
    except KeyError:
        # Another worker may be quicker: what counts is that the user is there afterwards.
        subprocess.run(["useradd", "-r", "-M", "-s", "/usr/sbin/nologin", MAIL_USER], check=False, capture_output=True)
        user = pwd.getpwnam(MAIL_USER)
    return user.pw_name, grp.getgrgid(user.pw_gid).gr_name


def _prepare(home: Path, user: str, group: str) -> None:
    home.chmod(0o755)
    mail = home / "mail"
    mail.mkdir()
    if os.geteuid() == 0:
        shutil.chown(mail, user, group)
    keys = home / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_bytes(base64.b64encode(SIGNING_KEY))
    (home / "oauth2.conf.ext").write_text(OAUTH2.replace("@HOME@", str(home)).replace("@ISSUER@", ISSUER))
