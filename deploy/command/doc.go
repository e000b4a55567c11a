// Package command is the `rapport` command: one file per subcommand, each a few lines around the package that does the work.
package command
