# SPDX-License-Identifier: Apache-2.0
# fish completion for mrprober: asks the program ("candidate<TAB>description" a line, then ":<flags>", as cobra does).

function __mrprober_complete
    set -l words (commandline -opc)
    set -l out ($words[1] __complete $words[2..] (commandline -ct) 2>/dev/null)
    or return
    set -l flags (string replace -r '^:' '' -- $out[-1])
    set -e out[-1]
    test (math "bitand($flags, 1)") -eq 0; or return
    if test (math "bitand($flags, 16)") -ne 0
        __fish_complete_directories (commandline -ct)
    else if test (math "bitand($flags, 4)") -eq 0 -a (count $out) -eq 0
        __fish_complete_path (commandline -ct)
    end
    printf '%s\n' $out
end

complete -c mrprober -f -a '(__mrprober_complete)'
