"""What a process has used, from /proc."""
import time

import tools

WAIT_S = 30


def wait_until(is_so, otherwise, limit_s=WAIT_S):
    end = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.02)


def cpu_s(pid):
    return sum(tools.cpu_seconds(pid))


def memory_kib(pid, name):
    """VmRSS: what is resident; VmHWM: the most that ever was."""
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise KeyError(name)


def until_quiet(pid, still_s=0.6, limit_s=300):
    """When it has used no processor for a while; the seconds it took to be so."""
    began = last = time.monotonic()
    before = cpu_s(pid)
    while time.monotonic() - last < still_s:
        time.sleep(0.05)
        now = cpu_s(pid)
        if now != before:
            before, last = now, time.monotonic()
        if last - began > limit_s:
            raise TimeoutError("%d does not come to rest" % pid)
    return last - began
