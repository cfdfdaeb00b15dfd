/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where a service writes what happened: a line a message on stderr, "level: text" with a systemd
 * priority prefix when stderr is the journal. Library code that runs inside a service may log; everything else returns
 * an error. Never pass a secret.
 */
#ifndef MRP_BASE_LOG_H
#define MRP_BASE_LOG_H

#include "base.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Messages above this level are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* One line; control characters are made visible. Thread-safe. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
