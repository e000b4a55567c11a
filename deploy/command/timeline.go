package command

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
)

func timelineCommand() *cobra.Command {
	var r remote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "timeline CANDIDATE",
		Short: "What happened to a candidate, what did not, and why; by id or external id",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			for after := ""; ; {
				page, err := c.Timeline(cmd.Context(), args[0], 200, after)
				if err != nil {
					return err
				}
				for i := range page.Items {
					if err := printEntry(cmd, &page.Items[i], asJSON); err != nil {
						return err
					}
				}
				if after = page.Next; after == "" {
					return nil
				}
			}
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func printEntry(cmd *cobra.Command, e *api.TimelineEntry, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
	}
	cmd.Printf("%s  %s\n", e.At.UTC().Format("2006-01-02 15:04:05"), sentence(e))
	return nil
}

// sentence tells an entry in words: what, where in which sequence, and why.
func sentence(e *api.TimelineEntry) string {
	var b strings.Builder
	where := e.Definition
	if e.Step != "" {
		where = strings.TrimPrefix(where+" › "+e.Step, " › ")
	}
	if where != "" {
		b.WriteString("[" + where + "] ")
	}
	b.WriteString(strings.ReplaceAll(string(e.Kind), "_", " "))
	for _, part := range []struct{ label, text string }{
		{": ", e.Outcome},
		{" ", e.EventType},
		{" because of ", strings.ReplaceAll(e.Reason, "_", " ")},
		{", ", e.Text},
		{", by ", e.Source},
	} {
		if part.text != "" {
			b.WriteString(part.label + part.text)
		}
	}
	if !e.Until.IsZero() {
		b.WriteString(" until " + e.Until.UTC().Format(time.DateTime))
	}
	if e.Expression != "" {
		fmt.Fprintf(&b, "\n%21s%s is %s", "", strings.Join(strings.Fields(e.Expression), " "), e.Result)
	}
	return b.String()
}
