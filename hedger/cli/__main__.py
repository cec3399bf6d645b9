from hedger.cli.app import main

main()
