package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// readyPause is the time between two questions.
const readyPause = 200 * time.Millisecond

func (p *program) readyCommand() *cobra.Command {
	var c connection
	var patience time.Duration
	cmd := &cobra.Command{
		Use: "ready", Short: "Ask whether a server can do its work", Args: cobra.NoArgs,
		Long: `Ask whether a server can do its work: its database and its files answer. It needs no token, and is made for
scripts and for the health checks of containers. It exits with 0 when the server is ready, and with 6 when it is not.`,
		Example: "satchel ready --wait 30s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.awaitReady(cmd.Context(), &c, patience); err != nil {
				return err
			}
			p.printf("ready\n")
			return nil
		},
	}
	c.addAddressTo(cmd.Flags())
	cmd.Flags().DurationVar(&patience, "wait", 0, "ask again until the server is ready, for this `duration`")
	return cmd
}

// awaitReady asks until the answer is yes or the patience is over; the last answer counts.
func (p *program) awaitReady(ctx context.Context, c *connection, patience time.Duration) error {
	server, err := p.visit(c)
	if err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; {
		err := server.Ready(ctx)
		if err == nil || time.Now().Add(readyPause).After(end) {
			return err
		}
		select {
		case <-time.After(readyPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
