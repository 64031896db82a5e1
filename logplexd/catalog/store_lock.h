/* store_lock.h - one daemon for each data folder. */
#ifndef LOGPLEXD_STORE_LOCK_H
#define LOGPLEXD_STORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes the folder of path if it is not there, and locks the file "lock" in it
 * for as long as the descriptor returned is open: also a daemon that was killed
 * leaves no lock behind. -1: why says who has it, or what went wrong.
 */
int store_lock(const char *path, char *why, size_t why_bytes);

/* Does somebody have it? */
bool store_is_locked(const char *path);

#endif /* LOGPLEXD_STORE_LOCK_H */
