from poollint.cli import main

main()
