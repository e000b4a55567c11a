package command

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func notesCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "notes", Short: "Calls, meetings and whatever else people write down about candidates", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(addNoteCommand(&r), listNotesCommand(&r))
	return cmd
}

func addNoteCommand(r *remote) *cobra.Command {
	var kind, at, by string
	cmd := &cobra.Command{
		Use:   "add CANDIDATE TEXT",
		Short: "Add a note about a candidate, named by id or external id; - reads the text from standard input",
		Long: `Add a note about a candidate: it stands on the timeline, among the messages and replies, and nothing follows from it.

    rapport notes add ATS-7-000123 --kind call "Wants nights, can start in May."`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			note := api.NewNote{Kind: crm.RemarkKind(kind), Text: args[1], By: by}
			if args[1] == "-" {
				text, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return fmt.Errorf("read text: %w", err)
				}
				note.Text = strings.TrimSpace(string(text))
			}
			if at != "" {
				var err error
				if note.At, err = time.Parse(time.RFC3339, at); err != nil {
					return errors.New("--at is no time: write it like 2026-11-06T10:00:00Z")
				}
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			kept, err := c.AddNote(cmd.Context(), args[0], &note, rand.Text())
			if err != nil {
				return err
			}
			cmd.Printf("%s added to %s\n", kept.ID, kept.CandidateID)
			return nil
		},
	}
	cmd.Flags().StringVar(&kind, "kind", string(crm.RemarkNote), "call, meeting, email or note")
	cmd.Flags().StringVar(&at, "at", "", "when it took place, such as 2026-11-06T10:00:00Z; default: now")
	cmd.Flags().StringVar(&by, "by", "", "email address of who wrote it; default: the name of the API key")
	return cmd
}

func listNotesCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "list CANDIDATE",
		Short: "List the notes about a candidate, the newest first",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			notes, err := collect(func(after string) (api.Page[crm.Remark], error) { return c.Notes(cmd.Context(), args[0], 500, after) })
			if err != nil {
				return err
			}
			for i := range notes {
				n := &notes[i]
				cmd.Printf("%s  %s by %s\n%s", n.At.UTC().Format("2006-01-02 15:04:05"), n.Kind, n.By, indent(n.Text))
			}
			return nil
		},
	}
}

// indent writes a text below the times of a list. What others wrote must not steer the terminal.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		plain := strings.Map(func(r rune) rune {
			if r != '\t' && !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, line)
		fmt.Fprintf(&b, "%21s%s\n", "", plain)
	}
	return b.String()
}
