/*
 * api_legacy.h - what the files of the legacy API (v1 and v2) have in common.
 *
 * It is the original's own first API: ids are numbers, and answers are markup
 * by name whatever they are. Where the original said 500 to what the client did,
 * it is a 4xx in JSON here.
 */
#ifndef LOGPLEXD_API_LEGACY_H
#define LOGPLEXD_API_LEGACY_H

#include "api/api_channel.h"
#include "api/api_write.h"

enum { API_LEGACY_BODY_MAX_BYTES = 1024 * 1024 };

/* Is the id in the path of digits alone? If not, it is a path that nobody knows,
 * and that has been answered. */
bool api_legacy_has_number(http_request *req);

/* The channel of the path; NULL: there is none, and nothing has been said. */
const catalog_channel *api_legacy_channel(http_request *req);

/* 404 in the words of v1, and of v2. */
void api_legacy_refuse_v1(http_request *req);
void api_legacy_refuse_v2(http_request *req);

/* A write to the channel of the path, if that is a number; NULL: answered. */
api_write *api_legacy_write(http_request *req);

#endif /* LOGPLEXD_API_LEGACY_H */
