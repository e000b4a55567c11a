package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func suppressionsCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "suppressions", Short: "Addresses that must not be written to", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(listSuppressionsCommand(&r), addSuppressionCommand(&r), removeSuppressionCommand(&r), importSuppressionsCommand(&r), syncSuppressionsCommand(&r))
	return cmd
}

func listSuppressionsCommand(r *remote) *cobra.Command {
	var address, reason string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List suppressed addresses by their hash, or ask about one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			q := client.SuppressionQuery{Channel: channelOf(address), Address: address, Reason: crm.SuppressionReason(reason)}
			all, err := collect(func(after string) (api.Page[api.SuppressedAddress], error) {
				return c.Suppressions(cmd.Context(), q, 500, after)
			})
			if err != nil {
				return err
			}
			if len(all) == 0 {
				cmd.Println("not suppressed: none")
			}
			for _, x := range all {
				masked := x.Masked
				if masked == "" {
					masked = "nobody's now"
				}
				cmd.Printf("%s  %-5s %-11s  %.12s  %s  %s\n", x.At.UTC().Format("2006-01-02 15:04"), x.Channel, x.Reason, x.Hash, masked, x.Source)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "address", "", "only this email address or number")
	cmd.Flags().StringVar(&reason, "reason", "", "only for this reason: bounce, complaint, stop, unsubscribe or manual")
	return cmd
}

// channelOf tells what an address is: with an @ it is email. Of none it is nothing.
func channelOf(address string) crm.Channel {
	switch {
	case address == "":
		return ""
	case strings.Contains(address, "@"):
		return crm.Email
	}
	return crm.SMS
}

func addSuppressionCommand(r *remote) *cobra.Command {
	var reason, source string
	cmd := &cobra.Command{
		Use:   "add ADDRESS...",
		Short: "Suppress addresses: nothing but transactional mail is sent there any more",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			items := make([]api.SuppressionInput, len(args))
			for i, address := range args {
				items[i] = api.SuppressionInput{Channel: channelOf(address), Address: address, Reason: crm.SuppressionReason(reason), Source: source}
			}
			n, err := c.Suppress(cmd.Context(), items)
			if err != nil {
				return err
			}
			cmd.Printf("%d suppressed\n", n)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "manual", "bounce, complaint, stop, unsubscribe or manual")
	cmd.Flags().StringVar(&source, "source", "", "where it is known from; the API key's name without it")
	return cmd
}

func removeSuppressionCommand(r *remote) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "remove ADDRESS",
		Short: "Lift the suppression of an address, and give back the consents that it took",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			q := client.SuppressionQuery{Channel: channelOf(args[0]), Address: args[0], Reason: crm.SuppressionReason(reason)}
			if err := c.Unsuppress(cmd.Context(), q); err != nil {
				return err
			}
			cmd.Println("lifted; the provider may still have it on its own list")
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "manual", "the reason for which it was suppressed")
	return cmd
}

func syncSuppressionsCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "sync",
		Short: "Have a worker read the provider's own lists now, and say how far they were read",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			lists, err := c.SyncedLists(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.SyncSuppressions(cmd.Context()); err != nil {
				return err
			}
			if len(lists) == 0 {
				cmd.Println("no list was read yet: a worker reads them within a few seconds, if its provider has any")
			}
			for _, l := range lists {
				cmd.Printf("%s %-15s read to %s, %d entries; it is read again now\n", l.Provider, l.List, l.ReadTo.UTC().Format("2006-01-02 15:04:05"), l.Found)
			}
			return nil
		},
	}
}

// suppressionBatch is how many rows are sent at once.
const suppressionBatch = 500

func importSuppressionsCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Suppress the addresses of a file; safe to repeat",
		Long: `Suppress the addresses of a CSV file. The first row names the columns: email or phone (one of them in each row), reason (bounce,
complaint, stop, unsubscribe or manual, the default) and at (RFC 3339). Nothing is sent before every row was read: what is wrong is
said with its line.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("open %s: %w", args[0], err)
			}
			defer file.Close()
			items, err := readSuppressions(file)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			bar := newCounter(cmd, "suppressing", len(items))
			done := 0
			for batch := range slices.Chunk(items, suppressionBatch) {
				n, err := c.Suppress(cmd.Context(), batch)
				if err != nil {
					return fmt.Errorf("after %d of %d: %w", done, len(items), err)
				}
				done += n
				bar.set(int64(done), 0)
			}
			bar.done()
			cmd.Printf("%d suppressed\n", done)
			return nil
		},
	}
}

// readSuppressions reads a file of suppressions. The error names every line that is wrong.
func readSuppressions(in io.Reader) ([]api.SuppressionInput, error) {
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.TrimLeadingSpace = -1, true
	head, err := rows.Read()
	if err != nil {
		return nil, errors.New("it has no first row that names the columns: email, phone, reason, at")
	}
	columns := map[string]int{}
	for i, name := range head {
		columns[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	var items []api.SuppressionInput
	var wrong []error
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return items, errors.Join(wrong...)
		}
		line, _ := rows.FieldPos(0)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		item, why := readSuppression(func(name string) string {
			if i, ok := columns[name]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		})
		if why != "" {
			wrong = append(wrong, fmt.Errorf("line %d: %s", line, why))
			continue
		}
		items = append(items, item)
	}
}

func readSuppression(field func(string) string) (item api.SuppressionInput, wrong string) {
	email, phone := field("email"), field("phone")
	switch {
	case email != "" && phone != "":
		return item, "it has an email address and a number; write them on two lines"
	case email == "" && phone == "":
		return item, "it has neither an email address nor a number"
	case email != "" && !strings.Contains(email, "@"):
		return item, "the email address has no @"
	case email != "":
		item.Channel, item.Address = crm.Email, email
	default:
		item.Channel, item.Address = crm.SMS, phone
	}
	item.Reason, item.Source = crm.SuppressionReason(field("reason")), "import"
	if item.Reason == "" {
		item.Reason = crm.SuppressedManual
	}
	known := []crm.SuppressionReason{crm.SuppressedBounce, crm.SuppressedComplaint, crm.SuppressedStop, crm.SuppressedUnsubscribe, crm.SuppressedManual}
	if !slices.Contains(known, item.Reason) {
		return item, fmt.Sprintf("%q is no reason: write bounce, complaint, stop, unsubscribe or manual", item.Reason)
	}
	if text := field("at"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return item, fmt.Sprintf("%q is not a time such as 2026-11-06T10:00:00Z", text)
		}
		item.At = at
	}
	return item, ""
}
