package command

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/local"
)

func auditCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "audit", Short: "Who read, changed and erased what, and whether the log of it is whole", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(verifyAuditCommand(&r), exportAuditCommand(&r), listAuditCommand(&r))
	return cmd
}

func verifyAuditCommand(r *remote) *cobra.Command {
	var key, checkpoints string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check that no entry was changed, left out, added or cut off",
		Long: `Walk through the audit log, of the server or of an export, and say which entry is the first that is wrong. The server's is read from
beginning to end and checked here. What was cut off its end is found with checkpoints, which workers write beside the log of erasures.

    rapport audit verify --checkpoints audit-checkpoints.jsonl --key "$(cat public.key)"
    rapport audit verify audit.jsonl --key "$(cat public.key)"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			check, err := r.auditCheck(key, checkpoints, len(args) == 0)
			if err != nil {
				return err
			}
			var export io.ReadCloser
			if len(args) > 0 {
				if export, err = os.Open(args[0]); err != nil {
					return fmt.Errorf("the export cannot be read; `rapport audit export` writes one: %w", err)
				}
			} else {
				export, err = r.exportAudit(cmd, time.Time{}, time.Time{}, true)
			}
			if err != nil {
				return err
			}
			defer export.Close()
			return verifyAudit(cmd, export, check)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the installation's public key, as 'rapport receipt key' prints it; default: that of a local 'rapport up'")
	cmd.Flags().StringVar(&checkpoints, "checkpoints", "", "a file of checkpoints; default: that of a local 'rapport up'")
	return cmd
}

// auditProgress is how many entries go by between two lines that say how far it is.
const auditProgress = 100_000

func verifyAudit(cmd *cobra.Command, export io.Reader, check crm.AuditCheck) error {
	check.Progress = func(number int64) {
		if number%auditProgress == 0 {
			cmd.PrintErrf("%d entries\n", number)
		}
	}
	result, err := crm.VerifyAudit(export, check)
	if broken, ok := errors.AsType[*crm.AuditError](err); ok {
		cmd.Println("not valid: " + broken.Error())
		return errNo
	}
	if err != nil {
		return err
	}
	cmd.Printf("valid: entries %d to %d, %d checkpoints agree, %d commitments opened\n", result.First, result.Last, result.Checkpoints, result.Openings)
	if result.Unchecked > 0 {
		cmd.Printf("%d checkpoints speak of entries that are not in this export\n", result.Unchecked)
	}
	if !result.Signed {
		cmd.Println("no signature was checked: give the public key with --key")
	}
	if result.Checkpoints == 0 {
		cmd.Println("no checkpoint was compared: a log that was cut short, or written anew as a whole, would not be noticed")
	}
	return nil
}

// auditCheck is what to check against: what is given, else what a local 'rapport up' has.
func (r *remote) auditCheck(key, checkpoints string, whole bool) (check crm.AuditCheck, err error) {
	check.Whole = whole
	if key != "" {
		if check.Key, err = crm.ParsePublicReceiptKey(key); err != nil {
			return check, fmt.Errorf("read --key: %w", err)
		}
	} else if private, err := localReceiptKey(r.data); err == nil && r.url == "" {
		check.Key, _ = private.Public().(ed25519.PublicKey)
	}
	path := checkpoints
	if path == "" {
		if r.url != "" {
			return check, nil
		}
		path = filepath.Join(r.data, local.CheckpointsFile)
	}
	check.Checkpoints, err = readCheckpoints(path)
	if checkpoints == "" && errors.Is(err, fs.ErrNotExist) {
		return check, nil
	}
	return check, err
}

// readCheckpoints reads a file of them. Whoever wrote the last line may have been killed; a checkpoint that was cut off says nothing.
func readCheckpoints(path string) ([]crm.SignedCheckpoint, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that was named
	if err != nil {
		return nil, fmt.Errorf("the checkpoints cannot be read; workers write them beside the log of erasures: %w", err)
	}
	var all []crm.SignedCheckpoint
	for line := range strings.Lines(string(text)) {
		var c crm.SignedCheckpoint
		if json.Unmarshal([]byte(line), &c) == nil && len(c.Checkpoint) > 0 {
			all = append(all, c)
		}
	}
	return all, nil
}

func (r *remote) exportAudit(cmd *cobra.Command, from, to time.Time, openings bool) (io.ReadCloser, error) {
	c, err := r.open()
	if err != nil {
		return nil, err
	}
	return c.ExportAudit(cmd.Context(), from, to, openings)
}

func exportAuditCommand(r *remote) *cobra.Command {
	var from, to string
	var openings bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit log as lines of JSON, signed, for 'rapport audit verify'",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := auditTimes(from, to)
			if err != nil {
				return err
			}
			export, err := r.exportAudit(cmd, q.From, q.To, openings)
			if err != nil {
				return err
			}
			defer export.Close()
			if _, err := io.Copy(cmd.OutOrStdout(), export); err != nil {
				return fmt.Errorf("write export: %w", err)
			}
			return nil
		},
	}
	auditTimeFlags(cmd, &from, &to)
	cmd.Flags().BoolVar(&openings, "openings", false, "with whom entries are about, as far as that is known: personal data")
	return cmd
}

func listAuditCommand(r *remote) *cobra.Command {
	var from, to string
	var q client.AuditQuery
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the audit log, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			times, err := auditTimes(from, to)
			if err != nil {
				return err
			}
			q.From, q.To = times.From, times.To
			c, err := r.open()
			if err != nil {
				return err
			}
			lines, err := collect(func(after string) (api.Page[crm.AuditLine], error) { return c.Audit(cmd.Context(), &q, 500, after) })
			if err != nil {
				return err
			}
			if len(lines) == 0 {
				cmd.PrintErrln("no entries")
			}
			for i := range lines {
				cmd.Println(auditText(&lines[i]))
			}
			return nil
		},
	}
	auditTimeFlags(cmd, &from, &to)
	f := cmd.Flags()
	f.StringVar(&q.Candidate, "candidate", "", "id or external id: entries about them")
	f.StringVar(&q.Actor, "actor", "", "the id of a key or an interviewer, candidate, or rapport")
	f.StringVar(&q.Action, "action", "", "read, list, export, create, change, remove, publish, pause, resume, migrate, stop, hold, release, merge, erase, run or confirm")
	f.StringVar(&q.Kind, "kind", "", "of what: candidate, timeline, definition, key")
	return cmd
}

// auditText is an entry as a line.
func auditText(l *crm.AuditLine) string {
	parts := []string{fmt.Sprintf("%d  %s  %s  %s %s", l.Number, l.At.UTC().Format("2006-01-02 15:04:05"), l.Actor, l.Action, l.Kind), l.Object, l.Detail}
	for _, o := range l.Openings {
		parts = append(parts, o.Name+"="+o.Value)
	}
	if gone := len(l.Commitments) - len(l.Openings); gone > 0 {
		parts = append(parts, fmt.Sprintf("(%d erased)", gone))
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func auditTimeFlags(cmd *cobra.Command, from, to *string) {
	cmd.Flags().StringVar(from, "from", "", "entries from then on, such as 2026-11-06 or 2026-11-06T10:00:00Z")
	cmd.Flags().StringVar(to, "to", "", "entries before then")
}

func auditTimes(from, to string) (q client.AuditQuery, err error) {
	for text, into := range map[*string]*time.Time{&from: &q.From, &to: &q.To} {
		if *text == "" {
			continue
		}
		if *into, err = time.Parse(time.RFC3339, *text); err != nil {
			if *into, err = time.Parse(time.DateOnly, *text); err != nil {
				return q, fmt.Errorf("%s is no time: write it like 2026-11-06 or 2026-11-06T10:00:00Z", *text)
			}
		}
	}
	return q, nil
}
