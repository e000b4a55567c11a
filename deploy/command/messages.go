package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func messagesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "messages", Short: "Messages before they are sent, and those whose fate is unknown", Args: cobra.NoArgs}
	cmd.AddCommand(previewCommand(), unknownMessagesCommand(), settleMessageCommand())
	return cmd
}

func unknownMessagesCommand() *cobra.Command {
	var r remote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "unknown",
		Short: "List messages that may or may not have been sent, with the evidence",
		Long: `List messages of which nobody knows whether the provider took them, the newest first: when they were handed over, why that is not
known, and what the provider said when it was asked. Webhooks and look-ups settle most of them by themselves. What stays is for a person,
who can look at the provider's own pages: rapport messages settle.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			messages, err := unknownMessages(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				for i := range messages {
					if err := out.Encode(&messages[i]); err != nil {
						return fmt.Errorf("write message: %w", err)
					}
				}
				return nil
			}
			if len(messages) == 0 {
				cmd.Println("no messages of unknown fate")
			}
			for i := range messages {
				cmd.Print(unknownText(&messages[i]))
			}
			return nil
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func unknownMessages(ctx context.Context, c *client.Client) ([]api.LedgerMessage, error) {
	return collect(func(after string) (api.Page[api.LedgerMessage], error) {
		return c.Messages(ctx, crm.MessageUnknown, 500, after)
	})
}

// unknownText says what is known about a message of unknown fate.
func unknownText(m *api.LedgerMessage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s %s/%s to %s\n", m.ID, m.Channel, m.Definition, m.Step, m.CandidateID)
	line := func(at time.Time, text string) {
		fmt.Fprintf(&b, "  %s  %s\n", at.UTC().Format("2006-01-02 15:04:05"), text)
	}
	line(m.ClaimedAt, "handed over")
	line(m.UnknownAt, after("unknown", ": ", words(m.UnknownReason)))
	for _, e := range m.Evidence {
		line(e.At, evidenceText(&e))
	}
	switch {
	case m.LookupAt.IsZero():
		b.WriteString("  the provider is not asked again: rapport messages settle " + m.ID + " --sent|--not-sent\n")
	default:
		fmt.Fprintf(&b, "  the provider is asked at %s\n", m.LookupAt.UTC().Format("2006-01-02 15:04:05"))
	}
	return b.String()
}

// evidenceText says what a look-up came to.
func evidenceText(e *crm.Evidence) string {
	switch e.Result {
	case crm.EvidenceFound:
		return e.Source + " has it"
	case crm.EvidenceNotFound:
		return e.Source + " does not show it, which proves nothing yet"
	case crm.EvidenceNeverArrived:
		return e.Source + " never got it"
	case crm.EvidenceAmbiguous:
		return e.Source + " shows a message to the same number that says something else"
	case crm.EvidenceNoListing:
		return e.Source + ": the account cannot be asked for its messages"
	case crm.EvidenceFailed:
		return after(e.Source+" could not be asked", ": ", words(e.Note))
	case crm.EvidenceResent:
		return "planned once more; it may arrive twice"
	case crm.EvidenceSent, crm.EvidenceNotSent:
		return after(words(string(e.Result))+", says "+e.By, ": ", e.Note)
	}
	return e.Source + ": " + words(string(e.Result))
}

func settleMessageCommand() *cobra.Command {
	var r remote
	var sent, notSent bool
	var note string
	cmd := &cobra.Command{
		Use:   "settle MESSAGE",
		Short: "Say what became of a message of unknown fate",
		Long: `Say whether a message was sent whose fate is unknown. It is kept with the name of the API key, and the note, as evidence. The
message is not sent again either way; a later report of the provider outweighs what was said here.`,
		Example: "  rapport messages settle msg_06gsq0h4r3mdhc3za5qfsbh96r --sent --note \"seen in SendGrid's activity\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if sent == notSent {
				return errors.New("say either --sent or --not-sent")
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			if err := c.SettleMessage(cmd.Context(), args[0], api.MessageSettlement{Sent: sent, Note: note}); err != nil {
				return err
			}
			cmd.Println("settled")
			return nil
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&sent, "sent", false, "the provider took it")
	cmd.Flags().BoolVar(&notSent, "not-sent", false, "the provider never took it")
	cmd.Flags().StringVar(&note, "note", "", "how that is known")
	return cmd
}
