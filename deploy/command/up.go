//go:build !slim

package command

import (
	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/deploy/embedded"
)

// upCommand is left out of slim builds (container images), which bring no Temporal server.
func upCommand() *cobra.Command {
	var c embedded.Config
	var timeScale string
	var reach calls
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine: Postgres, Temporal and its UI, the API, a worker, the provider sandbox",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Log, err = logger(cmd); err != nil {
				return err
			}
			if c.TimeScale, err = embedded.ParseTimeScale(timeScale); err != nil {
				return err
			}
			if c.Seal, err = sealKeys(); err != nil {
				return err
			}
			if c.Receipts, err = receiptKey(); err != nil {
				return err
			}
			c.Calendars = calendarSecrets(c.Calendars)
			c.Out, c.Calls = cmd.OutOrStdout(), reach.config()
			return embedded.Run(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Data, "data", "./.rapport", "the folder that keeps everything")
	f.IntVar(&c.Ports.API, "api-port", 8420, "port of the API")
	f.IntVar(&c.Ports.Sandbox, "sandbox-port", 8421, "port of the provider sandbox")
	f.IntVar(&c.Ports.TemporalUI, "ui-port", 8422, "port of the Temporal UI")
	f.IntVar(&c.Ports.Temporal, "temporal-port", 8423, "port of the Temporal server")
	f.IntVar(&c.Ports.Postgres, "postgres-port", 8424, "port of Postgres")
	f.BoolVar(&c.Demo, "demo", false, "apply the examples, import a few candidates and play what they do")
	f.StringVar(&timeScale, "time-scale", "", "let time pass faster, sandbox only: 1d=10s is a day in ten seconds")
	f.StringVar(&c.PublicURL, "public-url", "", "where candidates and providers reach the API; default: its local address")
	f.StringSliceVar(&c.SMSNumbers, "sandbox-numbers", []string{"+447700900000"}, "phone numbers that the sandbox's account owns")
	providerFlags(f, &c.Providers)
	inboundFlag(f, &c.Inbound)
	trackingFlag(f, &c.Tracking)
	reach.flags(f)
	calendarFlags(f, &c.Calendars)
	erasureLogFlag(f, &c.ErasureLog)
	return cmd
}
