# complete.fish COMPLETION - as complete.bash, for fish.
source $argv[1]; or exit 1
while read -l line
    echo (complete -C "$line" | string replace -r '\t.*' '')
end
