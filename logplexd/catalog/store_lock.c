/* store_lock.c - see store_lock.h. */
#include "catalog/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that path lies in, without a slash at its end. */
static void folder_of(const char *path, char *out, size_t room_bytes)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        snprintf(out, room_bytes, ".");
    } else if (slash == path) {
        snprintf(out, room_bytes, "/");
    } else {
        snprintf(out, room_bytes, "%.*s", (int)(slash - path), path);
    }
}

/* The pid is for whoever wonders; the lock does not depend on it. */
static void write_pid(int fd)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        return; // a full disk is told of by the first write that matters
    }
}

static long read_pid(int fd)
{
    char text[16] = "";
    long pid = 0;

    if (pread(fd, text, sizeof text - 1, 0) <= 0 ||
        sscanf(text, "%ld", &pid) != 1) {
        return 0;
    }
    return pid;
}

int store_lock(const char *path, char *why, size_t why_bytes)
{
    // Of the open file, not of the process: the other kind of fcntl() lock goes
    // with whichever descriptor of the file a process closes first.
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char folder[PATH_MAX], file[PATH_MAX + 8];
    int fd;

    folder_of(path, folder, sizeof folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        snprintf(why, why_bytes, "the data folder %s can't be made: %s", folder,
                 strerror(errno));
        return -1;
    }
    snprintf(file, sizeof file, "%s/lock", folder);
    fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, why_bytes, "%s can't be opened: %s", file,
                 strerror(errno));
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
        write_pid(fd);
        return fd;
    }
    if (errno == EAGAIN || errno == EACCES) {
        snprintf(why, why_bytes,
                 "the data folder %s is in use by another logplexd, pid %ld",
                 folder, read_pid(fd));
    } else {
        snprintf(why, why_bytes, "%s can't be locked: %s", file,
                 strerror(errno));
    }
    close(fd);
    return -1;
}

bool store_is_locked(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char folder[PATH_MAX], file[PATH_MAX + 8];
    bool is_locked;
    int fd;

    folder_of(path, folder, sizeof folder);
    snprintf(file, sizeof file, "%s/lock", folder);
    fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    is_locked = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    close(fd);
    return is_locked;
}
