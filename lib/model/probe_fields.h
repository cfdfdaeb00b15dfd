/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the built-in checks: the same in a prober's `probe` and as flags of `mrprober probe TYPE`. */
#ifndef MRP_MODEL_PROBE_FIELDS_H
#define MRP_MODEL_PROBE_FIELDS_H

#include "schema.h"

extern const struct field probe_fields[]; /* one row a type, each an F_OBJECT */

#endif
