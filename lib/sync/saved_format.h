/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer and the reader of saved plans agree on. */
#ifndef MRP_SYNC_SAVED_FORMAT_H
#define MRP_SYNC_SAVED_FORMAT_H

enum { SAVED_FORMAT_VERSION = 1, SAVED_BYTES_MAX = 256 << 20 };

/* The checksum is of everything up to and with this; then come its digits and the end. */
#define SAVED_CHECKSUM ",\n  \"checksum\": \""
#define SAVED_END "\"\n}\n"

#endif
