package main

import (
	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/internal/daemon"
)

// extractCommand is how the server starts the processes that read documents. It is not for people.
func (p *program) extractCommand() *cobra.Command {
	var cache string
	var prepare bool
	cmd := &cobra.Command{
		Use: daemon.ExtractCommand, Hidden: true, Args: cobra.NoArgs,
		Short: "Read documents for a server, which starts this command by itself",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if prepare {
				return daemon.PrepareExtract(cmd.Context(), cache)
			}
			return daemon.ServeExtract(cmd.Context(), cache)
		},
	}
	cmd.Flags().StringVar(&cache, "cache", "", "`folder` for what can be made again")
	cmd.Flags().BoolVar(&prepare, "prepare", false, "only make what is kept there")
	return cmd
}
