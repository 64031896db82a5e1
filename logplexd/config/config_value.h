/*
 * config_value.h - the text of one value to what it means, and back.
 *
 * Each parser takes all of text or nothing: it returns NULL, or what is wrong,
 * as a phrase that goes behind the value ("is not a number"), and has then
 * changed nothing. Threads: any.
 */
#ifndef LOGPLEXD_CONFIG_VALUE_H
#define LOGPLEXD_CONFIG_VALUE_H

#include "config/config.h"

/* Decimal digits alone. */
const char *value_number(const char *text, uint64_t *out);

/* Bytes: a number, with KiB, MiB, GiB or TiB behind it, or k, M, G or T for
 * the same. */
const char *value_size(const char *text, uint64_t *out_bytes);

/* A number with ms, s, m or h behind it. */
const char *value_duration(const char *text, uint64_t *out_ms);

/* "127.0.0.1:6001", "[::1]:6001", "*:6001", ":6001". */
const char *value_address(const char *text, config_address *out);

/* Can only this machine reach it? */
bool value_is_loopback(const config_address *address);

/* "ID:PASSWORD:PERMISSION[,PERMISSION]"; *out is the caller's to free. */
const char *value_credential(const char *text, config_credential *out);
void value_credential_fini(config_credential *cred);

/* "debug" to "error". */
const char *value_level(const char *text, uint64_t *out);

/* "on" and "off", as 1 and 0. */
const char *value_on_off(const char *text, uint64_t *out);

/* "normal", "read_only", "disabled". */
const char *value_mode(const char *text, switch_choice *out);

/* "ingest,tails": adds those to *out as off. */
const char *value_switched_off(const char *text, switch_set *out);

/* In the largest unit that loses nothing. out has room for 32 bytes. */
void value_size_print(uint64_t size_bytes, char *out);
void value_duration_print(uint64_t duration_ms, char *out);
const char *value_level_name(uint64_t level);

#endif /* LOGPLEXD_CONFIG_VALUE_H */
