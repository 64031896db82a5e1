/* capture.h - what the code under test writes to stderr or stdout. */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct capture {
    FILE *file;
    int fd;
    int saved_fd;
} capture;

/* From here on, fd goes into a file. */
static inline void capture_begin(capture *cap, int fd)
{
    fflush(NULL);
    cap->fd = fd;
    cap->file = tmpfile();
    assert(cap->file);
    cap->saved_fd = dup(fd);
    assert(cap->saved_fd >= 0);
    assert(dup2(fileno(cap->file), fd) == fd);
}

/* Gives fd back, and what came, with a NUL, cut to room_bytes. */
static inline void capture_end(capture *cap, char *out, size_t room_bytes)
{
    size_t n;

    fflush(NULL);
    assert(dup2(cap->saved_fd, cap->fd) == cap->fd);
    close(cap->saved_fd);
    rewind(cap->file);
    n = fread(out, 1, room_bytes - 1, cap->file);
    out[n] = '\0';
    fclose(cap->file);
}

#endif /* TESTS_CAPTURE_H */
