"""Which stage of a line's way a function belongs to: the one table of it.

A stage begins where one of its functions is called, and has all that these call,
up to where another stage begins. They are functions that a compiler can't draw
into another one: they are called from another file, or by a pointer.
"""

STAGES = {
    # What the kernel does, by what it was asked for.
    "kernel: receive": ("ksys_read", "do_readv", "__sys_recvfrom",
                        "__sys_recvmsg", "__sys_recvmmsg"),
    "kernel: send": ("ksys_write", "do_writev", "__sys_sendto",
                     "__sys_sendmsg", "__sys_sendmmsg"),
    "kernel: wait": ("do_epoll_wait", "do_epoll_ctl", "__x64_sys_epoll_wait",
                     "__x64_sys_epoll_pwait", "__x64_sys_epoll_ctl"),
    "kernel: page faults": ("exc_page_fault",),
    # In.
    "HTTP": ("MHD_run", "on_direct"),
    "POST": ("http_request_run",),
    "framing": ("lp_framer_next",),
    "batch": ("ingest_begin", "ingest_frame", "ingest_end"),
    "header": ("lp_syslog_parse",),
    "lookup": ("catalog_reader_find_route",),
    "render": ("lp_render_line",),
    "append": ("lp_channel_append", "lp_channel_prefetch"),
    # Likewise, of a POST with a token; in samples alone.
    "batch of a token": ("ingest_frame_for",),
    # Counted.
    "read": ("lp_cursor_next", "lp_run_release"),
    "count": ("aggregator_read_on",),
    "measure": ("lp_request_read", "lp_measures_read"),
    # Likewise, in samples alone: it is jumped to, and no stack has who did.
    "measure: a request": ("lpi_read_request",),
    # Likewise, in samples alone: its frames are so large that a stack is cut there.
    "count: a second's end": (
        "lpi_tiers_advance", "close_second", "lpi_frame_of_rows",
        "lpi_frame_merge"),
    # Out.
    "drain": ("lpi_drain_pump",),
    "take": ("lpi_take",),
    "request": ("direct_send",),
    "write": ("syslog_send",),
    "render syslog": ("lp_render_syslog_at",),
    "answer": ("lpi_answer_read",),
    "tail, text": ("path_tail_text",),
    "tail, events": ("path_tail_events",),
}

# What is counted in each function of bench_path.c, and for each stage the one that
# calls it there. What no stage has is the loop's, and is not counted.
PARTS = {
    "path_ingest": ("ingest", {
        "framing": None, "batch": None, "header": "batch", "lookup": "batch",
        "render": "batch", "append": "batch"}),
    "path_count": ("counting", {
        "count": None, "read": "count", "measure": "count"}),
    "path_drain_http": ("HTTP drain", {
        "drain": None, "take": "drain", "request": "drain"}),
    "path_drain_syslog": ("syslog drain", {
        "drain": None, "take": "drain", "write": "drain",
        "render syslog": "write"}),
    "path_tail_text": ("tail of text", {"tail, text": None}),
    "path_tail_events": ("tail of events", {"tail, events": None}),
}
