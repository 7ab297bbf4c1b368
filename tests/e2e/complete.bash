# complete.bash COMPLETION - for each command line of standard input that stands before the cursor, a line with what bash offers.
source "$1"
[[ $(complete -p cogvideo) == *"-F _cogvideo cogvideo" ]] || exit 1
while IFS= read -r line; do
    line=${line//=/ = } # as bash splits it
    read -ra COMP_WORDS <<<"$line"
    [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _cogvideo
    echo "${COMPREPLY[*]}"
done
