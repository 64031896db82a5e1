/*
 * window.c - see window.h.
 *
 * It is apart because the header that knows tcpi_snd_wnd is the kernel's, which
 * the C library's can't be included with, and libuv includes that.
 */
#include "window.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

lpi_window lpi_window_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t info_bytes = sizeof(info);
    lpi_window window = {0, 0};

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_bytes) != 0)
        return window;
    window.acknowledged_bytes = window.edge_bytes = info.tcpi_bytes_acked;
    if (info_bytes >=
        offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(info.tcpi_snd_wnd))
        window.edge_bytes += info.tcpi_snd_wnd;
    return window;
}
