#compdef mrprober
# SPDX-License-Identifier: Apache-2.0
# zsh completion for mrprober: asks the program ("candidate<TAB>description" a line, then ":<flags>", as cobra does).

_mrprober()
{
	local line candidate flags=0
	local -a candidates options
	for line in "${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
		if [[ $line == :<-> ]]; then
			flags=${line#:}
		elif [[ -n $line ]]; then
			candidate=${line%%$'\t'*}
			candidate=${candidate//:/\\:}
			[[ $line == *$'\t'* ]] && candidate+=":${line#*$'\t'}"
			candidates+=("$candidate")
		fi
	done
	((flags & 1)) && return 1
	((flags & 2)) && options=(-S '')
	((${#candidates})) && _describe -V mrprober candidates "${options[@]}" && return
	if ((flags & 16)); then
		_files -/
	elif ((!(flags & 4))); then
		_files
	fi
}

if [[ $funcstack[1] == _mrprober ]]; then
	_mrprober "$@"
else
	compdef _mrprober mrprober
fi
