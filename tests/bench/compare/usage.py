"""What a process has used, from /proc."""
import os
import time

WAIT_S = 30
TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(is_so, otherwise, limit_s=WAIT_S):
    end = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.02)


def cpu_s(pid):
    """User and system seconds of all its threads, those that ended too."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


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
