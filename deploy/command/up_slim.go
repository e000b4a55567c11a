//go:build slim

package command

import "github.com/spf13/cobra"

func upCommand() *cobra.Command { return nil }
