# SPDX-License-Identifier: Apache-2.0
# The journal of tests/tools/writers.c, after it lines "fact CELL N REVISION" of what is there: is each answered write
# there, and each other one wholly or not at all; did revisions only grow? Prints what is wrong, a line each. With
# -v after=FILE it leaves lines "base CELL N REVISION" and "max REVISION" there, with which the next journal begins.

function wrong(text)
{
	print "line " NR ": " text
}

# What is in the cell may be what the last answered write put there, or one that had no answer.
function look(cell, n, revision)
{
	was = (cell in state) ? state[cell] : "-"
	if (cell in open && n == open[cell] && n != was) {
		if (n != "-" && revision <= above[cell])
			wrong(cell " has revision " revision " though " above[cell] " was answered before it was sent")
		finished++
	} else if (n != was) {
		wrong(cell " has " n " instead of " was (cell in open ? " or " open[cell] : ""))
		lost++
	} else if (n != "-" && cell in revisions && revision != revisions[cell]) {
		wrong(cell " has revision " revision " instead of " revisions[cell])
	}
	state[cell] = n
	revisions[cell] = revision
	delete open[cell]
	if (revision > max)
		max = revision
}

$1 == "base" { state[$2] = $3; revisions[$2] = $4 + 0 }
$1 == "max" { max = $2 + 0 }
$1 == "sent" { open[$2] = $3; above[$2] = max }
$1 == "done" {
	if (!($2 in open))
		wrong("an answer to nothing")
	if (open[$2] != "-" && $3 <= above[$2])
		wrong($2 " got revision " $3 " though " above[$2] " was answered before it was sent")
	if ($3 && $3 in used)
		wrong($2 " got revision " $3 ", as did " used[$3])
	used[$3] = $2
	state[$2] = open[$2]
	revisions[$2] = $3 + 0
	delete open[$2]
	if ($3 + 0 > max)
		max = $3 + 0
	answered++
}
$1 == "seen" { look($2, $3, $4 + 0) }
$1 == "fact" { fact[$2] = $3; fact_revision[$2] = $4 + 0 }

END {
	for (cell in open)
		if (!(cell in state))
			state[cell] = "-"
	for (cell in fact)
		if (!(cell in state))
			state[cell] = "-"
	for (cell in state) {
		if (cell in fact)
			look(cell, fact[cell], fact_revision[cell])
		else
			look(cell, "-", 0)
		cells++
		print "base", cell, state[cell], revisions[cell] >after
	}
	print "max", max >after
	printf "%d answered, %d of the others were there, %d lost, %d cells, revision %d\n", answered, finished, lost,
		cells, max >"/dev/stderr"
}
