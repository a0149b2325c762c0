"""Does a file lie on a network share, whose locks and shared pages a write-ahead log cannot trust?"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_KINDS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "gpfs",
        "ncpfs",
        "davfs",
        "coda",
        "ocfs2",
        "gfs2",
        "vboxsf",
        "vmhgfs",
        "prl_fs",
        "virtiofs",
        "drvfs",
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.davfs",
        "fuse.davfs2",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.gvfsd-fuse",
        "fuse.vmhgfs-fuse",
        "fuse.mergerfs",
        "fuse.curlftpfs",
        "fuse.juicefs",
    }
)
_REMOTE_DRIVE = 4  # what GetDriveTypeW says of a letter that stands for a share
_ESCAPED = re.compile(r"\\([0-7]{3})")


def on_network(path: Path) -> bool:
    """True where the file lies on a network share. Where the system does not tell, the answer is False."""
    real = os.path.realpath(path)
    if sys.platform == "win32":
        return real.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(Path(real).anchor) == _REMOTE_DRIVE
    if not _MOUNTS.is_file():
        return False
    return kind_of_mount(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"), real) in _KINDS


def kind_of_mount(mounts: str, path: str) -> str:
    """The kind of file system that the absolute `path` lies on, by the text of /proc/self/mounts."""
    kind, longest = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[1])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of several mounts at one point the last lies on top.
        if inside and len(point) >= longest:
            kind, longest = fields[2], len(point)
    return kind
