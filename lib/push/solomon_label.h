/* SPDX-License-Identifier: Apache-2.0 */
/* Labels as Yandex Monitoring takes them. */
#ifndef MRP_PUSH_SOLOMON_LABEL_H
#define MRP_PUSH_SOLOMON_LABEL_H

#include "../base/strbuf.h"

/* Yandex Cloud documentation: "Data model in Monitoring" (labels), "Quotas and limits in Monitoring" (API limits). */
enum {
	SOLOMON_METRICS_MAX = 10000, /* in one request */
	SOLOMON_LABELS_MAX = 12,     /* 16 with cloudId, folderId, service, and the name */
	SOLOMON_LABEL_NAME_MAX = 32, /* a letter, then letters, digits, '.' and '_' */
	SOLOMON_LABEL_VALUE_MAX =
		200, /* Latin letters only; the number is that of the service, not of the documentation */
	SOLOMON_FOLDER_MAX = 50,
};

/* Add the name, or one made of it that fits: names that Monitoring itself sets get "mrprober_" in front, other
 * characters become '_', and the last bytes a hash of the whole name, so that two names never become one. */
void solomon_add_label_name(struct strbuf *out, const char *name);
/* The same for values: printable ASCII without the patterns and quotes of its query language. `value` is not empty. */
void solomon_add_label_value(struct strbuf *out, const char *value);

#endif
