/* SPDX-License-Identifier: Apache-2.0 */
/* A probe's result as a plugin of Nagios and its relatives prints it (monitoring plugins development guidelines). */
#ifndef MRP_PROBE_PLUGIN_H
#define MRP_PROBE_PLUGIN_H

#include "probe.h"

/* "HTTP OK - 200, 512 bytes in 0.012 s | time=0.012345s;;;0 size=512B;;;0" and a newline; `long_output`: and the lines
 * of details. Appended. Names of values are those of the plugins that people know (check_http, check_tcp, check_icmp);
 * phases are time_connect and so on. */
void plugin_format(struct strbuf *out, const struct probe_job *job, bool long_output);

#endif
