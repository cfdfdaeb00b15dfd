/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service can be reached: an address and port, or a Unix socket. */
#ifndef MRP_BASE_LISTEN_H
#define MRP_BASE_LISTEN_H

#include <sys/types.h>

#include "err.h"

struct listener {
	int fd;
	char *url;  /* "http://127.0.0.1:8080", "unix:/run/mrprober/api.sock" */
	bool tls;   /* never on a Unix socket */
	char *path; /* of the Unix socket; NULL: an address */
	dev_t device;
	ino_t inode;
};

enum {
	LISTEN_TLS = 1 << 0,
	LISTEN_ANYWHERE = 1 << 1, /* also on addresses that other machines reach */
};

/* Listen on "ADDR:PORT", "[::1]:PORT", ":PORT" (port 0: a free one) or "unix:PATH". A Unix socket gets mode 0660; one
 * that nobody listens on any more is replaced. MRP_EUSAGE when the text is wrong; MRP_EREFUSED for what is no loopback
 * address without LISTEN_ANYWHERE; MRP_EFAILED when it is in use. A Unix socket is to be opened before there are
 * threads. */
int listener_open(struct listener *out, const char *text, unsigned flags, struct mrp_err *err);
/* Removes a Unix socket's file too. A listener that was never opened ({ .fd = -1 }) is fine. */
void listener_close(struct listener *listener);

#endif
