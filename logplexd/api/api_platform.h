/*
 * api_platform.h - what the files of the Platform API have in common.
 *
 * An app is a channel, its name the channel's id. A credential of one channel
 * sees that one; of others, and of none at all, it gets the same answer.
 */
#ifndef LOGPLEXD_API_PLATFORM_H
#define LOGPLEXD_API_PLATFORM_H

#include "api/api_channel.h"
#include "api/api_write.h"

enum { API_PLATFORM_BODY_MAX_BYTES = 64 * 1024 };

/* 404, as Heroku says it. */
void api_platform_refuse_app(http_request *req);

/* The app of the path, if who asks may see it. */
const catalog_channel *api_platform_app(http_request *req);

#endif /* LOGPLEXD_API_PLATFORM_H */
