/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service tells the manager that started it (sd_notify(3), without its library): lines NAME=VALUE in a datagram
 * to the socket that NOTIFY_SOCKET names. Nothing happens when nobody wants to hear it.
 */
#ifndef MRP_BASE_NOTIFY_H
#define MRP_BASE_NOTIFY_H

#include "base.h"

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=text"; several lines at once are fine. Blocks 100 ms at most; a
 * manager that does not take it is a line in the log. */
void notify_manager(const char *message);
/* "RELOADING=1" with the time of it, which a unit of Type=notify-reload needs. "READY=1" ends it. */
void notify_reloading(void);
/* Microseconds in which the manager wants to hear "WATCHDOG=1" (WATCHDOG_USEC, when it is meant for this process); 0:
 * it does not. */
int64_t notify_watchdog_us(void);
/* "WATCHDOG=1", four times in that time at most however often it is called; nothing when nobody wants to hear it. */
void notify_alive(void);

#endif
