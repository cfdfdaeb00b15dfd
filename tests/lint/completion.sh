# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The completion scripts: bash with words as readline splits them, the other shells when they are there.

test_bash()
{
	command -v bash >/dev/null || skip 'bash is not installed'
	mkdir -p "$XDG_CONFIG_HOME/mrprober" 'a folder'
	printf 'contexts: {near-1: {}, near-2: {}}\naliases: {settings: config list, about: help config, loop: loop, near: --context near-1 config}\n' >"$XDG_CONFIG_HOME/mrprober/config.yaml"
	cat >ask.bash <<'END'
. "$MRP_ROOT/completions/mrprober.bash"
# "LINE" as readline hands it over: split at spaces, and '=' and ':' are words of their own
ask()
{
	local word='' i c
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=() COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	for ((i = 0; i < ${#1}; i++)); do
		c=${1:i:1}
		case $c in
		' ' | = | :)
			[[ $word ]] && COMP_WORDS+=("$word")
			[[ $c == ' ' ]] || COMP_WORDS+=("$c")
			word=
			;;
		*) word+=$c ;;
		esac
	done
	COMP_WORDS+=("$word")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_mrprober
	printf '%s ->%s\n' "$1" "${COMPREPLY[*]:+ }${COMPREPLY[*]}"
}
ask "$MRP_BUILD/mrprober conf"
ask "$MRP_BUILD/mrprober config li"
ask "$MRP_BUILD/mrprober --color="
ask "$MRP_BUILD/mrprober --color=ne"
ask "$MRP_BUILD/mrprober   --color  a"
ask "$MRP_BUILD/mrprober --context ne"
ask "$MRP_BUILD/mrprober --context=near"
ask "$MRP_BUILD/mrprober --api-url=http://x:1 config get api"
ask "$MRP_BUILD/mrprober settings --sh"
ask "$MRP_BUILD/mrprober about li"
ask "$MRP_BUILD/mrprober loop x"
ask "$MRP_BUILD/mrprober near get --api-url x api"
ask "$MRP_BUILD/mrprober config list --no-s"
ask "$MRP_BUILD/mrprober -C a"
ask "$MRP_BUILD/mrprober -- conf"
ask "$MRP_BUILD/mrprober unknown-command -"
ask "$MRP_BUILD/no-such-program conf"
END
	cat >expected <<'END'
mrprober conf -> config
mrprober config li -> list
mrprober --color= -> always auto never
mrprober --color=ne -> never
mrprober   --color  a -> always auto
mrprober --context ne -> near-1 near-2
mrprober --context=near -> near-1 near-2
mrprober --api-url=http://x:1 config get api -> api-url
mrprober settings --sh -> --show-origin
mrprober about li -> list
mrprober loop x ->
mrprober near get --api-url x api -> api-url
mrprober config list --no-s -> --no-show-origin
mrprober -C a -> a folder
mrprober -- conf -> config
mrprober unknown-command - ->
no-such-program conf ->
END
	bash ask.bash 2>errors | sed "s|^$MRP_BUILD/||" >actual
	cat errors
	diff expected actual || fail 'bash completion'
}

test_other_shells()
{
	checked=
	if command -v zsh >/dev/null; then
		zsh -n "$MRP_ROOT/completions/mrprober.zsh"
		checked=1
	fi
	if command -v fish >/dev/null; then
		fish -n "$MRP_ROOT/completions/mrprober.fish"
		(
			PATH=$MRP_BUILD:$PATH
			fish -c "source $MRP_ROOT/completions/mrprober.fish; complete -C 'mrprober config li'" >fish.out
		)
		cat fish.out
		grep -q '^list	' fish.out || fail 'fish completion'
		checked=1
	fi
	[ "$checked" ] || skip 'neither zsh nor fish is installed'
}
