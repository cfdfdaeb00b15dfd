# bash completion for mrprober                             -*- shell-script -*-
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The program itself knows what can follow; this asks it and needs no helper functions of the bash-completion package.
# The protocol is cobra's: "candidate<TAB>description" a line, then ":<flags>".

# The words up to the cursor. readline also splits at characters of COMP_WORDBREAKS ("--only=prober/a"); pieces that
# touch in the line belong together.
__mrprober_words()
{
	local rest=${COMP_LINE:0:COMP_POINT} piece i glued
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		glued=
		[[ $i -gt 0 && $rest != [[:space:]]* ]] && glued=1
		rest=${rest#"${rest%%[![:space:]]*}"}
		[[ $i -eq $COMP_CWORD ]] && piece=$rest
		rest=${rest#"$piece"}
		if [[ $glued ]]; then
			words[${#words[@]} - 1]+=$piece
		else
			words+=("$piece")
		fi
	done
}

# Names of files or folders as candidates; readline then adds slashes and quotes.
__mrprober_files()
{
	local line
	compopt -o filenames 2>/dev/null
	while IFS= read -r line; do
		[[ $line ]] && COMPREPLY+=("$line")
	done < <(compgen "$1" -- "$2")
}

_mrprober()
{
	local words out line flags=0 word program before
	__mrprober_words
	COMPREPLY=()
	program=${words[0]/#\~\//$HOME/}
	out=$("$program" __complete "${words[@]:1}" 2>/dev/null) || return
	word=${words[${#words[@]} - 1]}
	# What readline does not replace: all up to the last character at which it breaks.
	before=
	[[ $COMP_WORDBREAKS == *=* ]] && before=${word%"${word##*=}"}
	[[ $COMP_WORDBREAKS == *:* ]] && before+=${word:${#before}:$((${#word} - ${#before}))} &&
		before=${before%"${before##*[=:]}"}
	while IFS= read -r line; do
		case $line in
		:*) flags=${line#:} ;;
		*)
			line=${line%%$'\t'*}
			COMPREPLY+=("${line#"$before"}")
			;;
		esac
	done <<<"$out"
	((flags & 1)) && COMPREPLY=() && return
	((flags & 2)) && compopt -o nospace 2>/dev/null
	word=${word#"$before"}
	if ((flags & 16)); then
		__mrprober_files -d "$word"
	elif ((!(flags & 4) && ${#COMPREPLY[@]} == 0)); then
		__mrprober_files -f "$word"
	fi
	return 0
}

complete -F _mrprober mrprober
