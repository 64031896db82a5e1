"""What a process has used, as the kernel has it, and on what machine."""
import contextlib
import os
import platform
import time

WAIT_S = 30
TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(is_so, otherwise, limit_s=WAIT_S):
    end = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.02)


@contextlib.contextmanager
def on(processors):
    """Whatever is started within runs on these."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid):
    """User and system time so far, of threads that ended too, to the nanosecond:
    the clock that clock_getcpuclockid(3) gives."""
    return time.clock_gettime(~pid << 3 | 2)


def cpu_seconds(pid):
    """User and system seconds of a process so far, of its threads that ended too."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def memory_kib(pid, name):
    """VmRSS: what is resident; VmHWM: the most that ever was."""
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise KeyError(name)


def until_quiet(pid, still_s=0.6, limit_s=300, nothing_s=0.01):
    """When it has used no processor for a while, but for nothing_s, which is what
    timers and the like take; the seconds it took to be so."""
    began = last = time.monotonic()
    before = cpu_s(pid)
    while time.monotonic() - last < still_s:
        time.sleep(0.05)
        now = cpu_s(pid)
        if now - before > nothing_s:
            before, last = now, time.monotonic()
        if last - began > limit_s:
            raise TimeoutError("%d does not come to rest" % pid)
    return last - began


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        models = [line.split(":")[1].strip() for line in cpuinfo
                  if line.startswith("model name")]
    return "%s%s, %d processors, Linux %s" % (
        platform.machine(), " (%s)" % models[0] if models else "",
        os.cpu_count(), platform.release())
