/*
 * sender.h - the lines of a model, on their way to the daemon as those of any
 * platform are: octet-counted frames (RFC 6587) over one TCP connection.
 *
 * A thread of its own with a loop of its own. What the connection can't take is
 * dropped and counted, as there is nobody to wait for: a made-up platform must
 * not fill the memory of the daemon that it lives in.
 */
#ifndef LOGPLEXD_SENDER_H
#define LOGPLEXD_SENDER_H

#include "config/config.h"
#include "demo/cast.h"
#include "demo/model.h"

typedef struct sender sender;

/* A token is "t." and a UUID. */
enum { SENDER_TOKEN_BYTES = 40 };

/* Ids, as text, by app and demo_source. */
typedef struct sender_tokens {
    char of[CAST_APPS][DEMO_SOURCES][SENDER_TOKEN_BYTES];
} sender_tokens;

/*
 * Begins to send to address, and goes on until sender_stop(); when the
 * connection breaks it tries again. tokens are copied. NULL: no memory, no thread
 * or no port.
 * Owns: takes over model, whatever happens.
 */
sender *sender_start(demo_model *model, const sender_tokens *tokens,
                     const config_address *address);

/* The port of loopback on which its receiver takes syslog over TCP. */
uint16_t sender_receiver_port(const sender *send);

/* No more lines from now on; does not wait. Its receiver goes on, for what is
 * under way to it. NULL is allowed, here and in sender_end(). Threads: any. */
void sender_stop(sender *send);

/* Stops it if need be, ends its receiver, waits for its end, which is at once,
 * and frees it. */
void sender_end(sender *send);

#endif /* LOGPLEXD_SENDER_H */
