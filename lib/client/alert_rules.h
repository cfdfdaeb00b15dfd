/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus alerting rules from the `alerts` of probers. */
#ifndef MRP_CLIENT_ALERT_RULES_H
#define MRP_CLIENT_ALERT_RULES_H

#include "../value/value.h"

/* The contents of a rule file: {groups: [{name, rules}]}, a group for each prober of the array (normal form) that has
 * alerts. Templates in summaries, descriptions and labels stay as they are. Parts are shared with `probers`. */
struct value *alert_rules(struct arena *arena, const struct value *probers);

#endif
