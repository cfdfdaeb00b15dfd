/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "After N failures in a row" needs no `for`: the agent counts, so an alert fires with the run that made it true and not
 * an evaluation later, and a prober that runs once a day alerts as well as one that runs each second.
 */
#include "alert_rules.h"

#include "../base/text.h"

static struct value *rule_labels(struct arena *arena, const struct value *alert)
{
	const struct value *own = value_get(alert, "labels");
	struct value *labels = value_object(arena), *severity = value_get(alert, "severity");

	if (!severity && own)
		severity = value_get(own, "severity");
	value_append(arena, labels, "severity", severity ? severity : value_string(arena, "page"));
	for (uint32_t i = 0; own && own->type == V_OBJECT && i < own->n; i++) {
		if (!streq(own->members[i].key, "severity"))
			value_append(arena, labels, own->members[i].key, own->members[i].value);
	}
	return labels;
}

static struct value *rule_annotations(struct arena *arena, const struct value *alert)
{
	static const char *const names[] = { "summary", "description" };
	struct value *annotations = value_object(arena);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct value *text = value_get(alert, names[i]);

		if (text)
			value_append(arena, annotations, names[i], text);
	}
	return annotations;
}

static struct value *rule(struct arena *arena, const char *slug, const struct value *alert)
{
	const struct value *after = value_get(alert, "after");
	struct value *out = value_object(arena), *annotations = rule_annotations(arena, alert);
	long long failures = after && after->type == V_INT ? after->i : 1;

	value_append(arena, out, "alert", value_get(alert, "name"));
	/* a slug has no character that PromQL would take for something else */
	value_append(arena, out, "expr",
		value_string(arena,
			arena_printf(arena, "mrprober_consecutive_failures{prober=\"%s\"} >= %lld", slug, failures)));
	value_append(arena, out, "labels", rule_labels(arena, alert));
	if (annotations->n)
		value_append(arena, out, "annotations", annotations);
	return out;
}

struct value *alert_rules(struct arena *arena, const struct value *probers)
{
	struct value *file = value_object(arena), *groups = value_array(arena);

	value_append(arena, file, "groups", groups);
	for (uint32_t i = 0; i < probers->n; i++) {
		const struct value *prober = probers->items[i], *alerts = value_get(prober, "alerts");
		struct value *group, *rules;

		const char *slug = value_get_string(prober, "slug");

		if (!slug || !slug_valid(slug, strlen(slug)) || !alerts || alerts->type != V_ARRAY)
			continue;
		rules = value_array(arena);
		value_for_each(alert, alerts) {
			if (value_get_string(alert, "name"))
				value_push(arena, rules, rule(arena, slug, alert));
		}
		if (!rules->n)
			continue;
		group = value_object(arena);
		value_append(arena, group, "name", value_get(prober, "slug"));
		value_append(arena, group, "rules", rules);
		value_push(arena, groups, group);
	}
	return file;
}
