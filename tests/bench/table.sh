# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
#
# Numbers for run.sh: samples of what was measured, and the table that is made of them.

# --- samples: a file per measurement, a number per line and pair ---

# value KEY: that value from a line of KEY=VALUE words on standard input
value() {
	tr ' ' '\n' | sed -n "s/^$1=//p"
}

# sample NAME NUMBER
sample() {
	[ -n "$2" ] || fail "no number for '$1'"
	echo "$2" >>"$work/samples/$1"
}

# take NAME KEY LINE: a sample from one line of a program's output
take() {
	sample "$1" "$(echo "$3" | value "$2")"
}

median() {
	sort -n "$work/samples/$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ratios OVER UNDER: median, least and greatest of OVER/UNDER, pair by pair
ratios() {
	paste "$work/samples/$1" "$work/samples/$2" | awk '{ print $1 / $2 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "%.4f %.4f %.4f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR] }'
}

# --- the table; columns are separated by tabs: figure, unit, floor, mrprober, ratio, aim, verdict ---

table=$work/table
: >"$table"

row() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$table"
}

# verdict NUMBER AIM, where AIM is such as "<= 1.7"; an empty aim has no verdict
verdict() {
	[ -n "$2" ] || return 0
	echo "$1 $2" | awk '{
		ok = $2 == "<=" ? $1 <= $3 : $2 == ">=" ? $1 >= $3 : $2 == "<" ? $1 < $3 : $1 == $3
		print ok ? "ok" : "MISSED"
	}'
}

# row_ratio FIGURE UNIT FLOOR-SAMPLES SAMPLES AIM
row_ratio() {
	set -- "$1" "$2" "$(median "$3")" "$(median "$4")" "$(ratios "$4" "$3")" "$5"
	row "$1" "$2" "$3" "$4" "$5" "$6" "$(verdict "${5%% *}" "$6")"
}

# row_value FIGURE UNIT SAMPLES AIM: the aim is for the value itself
row_value() {
	set -- "$1" "$2" "$(median "$3")" "$4"
	row "$1" "$2" - "$3" - "$4" "$(verdict "$3" "$4")"
}

# row_each FIGURE UNIT SAMPLES AIM: the aim is for every single sample
row_each() {
	each=ok
	while read -r one; do
		[ "$(verdict "$one" "$4")" = ok ] || each=MISSED
	done <"$work/samples/$3"
	row "$1" "$2" - "$(sort -nu "$work/samples/$3" | paste -sd, -)" - "$4" "$each"
}

row_floor() {
	row "$1" "$2" "$(median "$3")" - - "" ""
}

print_table() {
	awk -F '\t' -v format="$format" '
	function number(text) {
		if (text !~ /^[0-9.]+$/)
			return text
		if (text >= 1000 || text == int(text))
			return sprintf("%.0f", text)
		return sprintf(text >= 100 ? "%.1f" : "%.2f", text)
	}
	function ratio(text,   part) {
		if (split(text, part, " ") != 3)
			return text
		return sprintf("%.2f (%.2f-%.2f)", part[1], part[2], part[3])
	}
	function line(a, b, c, d, e, f, g) {
		n++
		cell[n, 1] = a; cell[n, 2] = b; cell[n, 3] = c; cell[n, 4] = d
		cell[n, 5] = e; cell[n, 6] = f; cell[n, 7] = g
		for (i = 1; i <= 7; i++)
			if (length(cell[n, i]) > width[i])
				width[i] = length(cell[n, i])
	}
	BEGIN { line("figure", "unit", "floor", "mrprober", "ratio (range)", "aim", "verdict") }
	{ line($1, $2, number($3), number($4), ratio($5), $6, $7) }
	END {
		for (j = 1; j <= n; j++) {
			text = ""
			for (i = 1; i <= 7; i++) {
				left = i <= 2 || i >= 5
				padded = sprintf(left ? "%-*s" : "%*s", width[i], cell[j, i])
				text = text (format == "markdown" ? "| " padded " " : (i > 1 ? "  " : "") padded)
			}
			if (format == "markdown")
				text = text "|"
			else
				sub(/ +$/, "", text)
			print text
			if (format == "markdown" && j == 1) {
				text = ""
				for (i = 1; i <= 7; i++) {
					dashes = sprintf("%*s", width[i], "")
					gsub(/ /, "-", dashes)
					text = text "| " dashes " "
				}
				print text "|"
			}
		}
	}' "$table"
}

print_machine() {
	cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
	echo "machine: ${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) CPUs, $(uname -sr), scratch on $(stat -f -c %T "$work")"
	echo "tree: $count probers; medians of $pairs runs; load average before: $load_before"
}
