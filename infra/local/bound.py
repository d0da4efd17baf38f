"""Becomes another program, as another user if asked, that does not outlive its parent.

Run by path, since it starts before any package of ours can be found.

Arguments: parent's pid, signal for the orphan, uid, gid (-1 each: stay who you are), program, its arguments.
Linux sends the signal when the parent ends, however it ends; elsewhere an orphan goes on until it is stopped by hand.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    if gid >= 0:
        os.setgroups([])
        os.setgid(gid)
    if uid >= 0:
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user: the kernel forgets the wish when credentials change.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit("the parent ended before its child began")
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
