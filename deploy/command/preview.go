package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// previewFlags say which message is shown to whom, and where the files go.
type previewFlags struct {
	remote
	candidate, locale, out, browser string
	files                           []string
	dark                            bool
}

func previewCommand() *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview NAME",
		Short: "Write a message as it would go to a candidate: HTML, text and pictures",
		Long: `Render a message as it would go to a candidate, and write it to files: NAME.html, NAME.txt, and pictures as a phone (390 pixels wide)
and a desktop (1280) show it, which need Chromium on this machine. A text message is shown with its segments. Nothing is sent.

The message is the one in force on the server; with --files, one in files, for somebody who does not exist unless --candidate names one.
What only a run would know stands in square brackets, and links lead nowhere.`,
		Example: "  rapport messages preview silver-medallist-thanks --candidate ats-1001\n" +
			"  rapport messages preview welcome --files definitions --locale cy --out /tmp/previews",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.preview(cmd, args[0])
			if err != nil {
				return err
			}
			return f.write(cmd, p)
		},
	}
	f.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.candidate, "candidate", "", "the candidate's id or external id; without it, somebody who does not exist")
	flags.StringVar(&f.locale, "locale", "", "a language, such as cy or pt-BR, instead of the candidate's")
	flags.StringSliceVar(&f.files, "files", nil, "files or folders with the message and the workspace, instead of those in force")
	flags.StringVar(&f.out, "out", ".", "the folder to write to")
	flags.BoolVar(&f.dark, "dark", false, "pictures as programs in dark mode show it")
	flags.StringVar(&f.browser, "browser", "", "the Chromium that draws the pictures; default: one that is found")
	return cmd
}

// preview renders the message, here or on the server.
func (f *previewFlags) preview(cmd *cobra.Command, name string) (*dsl.Preview, error) {
	if len(f.files) > 0 {
		return f.fromFiles(cmd, name)
	}
	c, err := f.open()
	if err != nil {
		return nil, err
	}
	p, err := c.PreviewMessage(cmd.Context(), api.MessagePreview{Name: name, Candidate: f.candidate, Locale: f.locale})
	return &p, err
}

func (f *previewFlags) fromFiles(cmd *cobra.Command, name string) (*dsl.Preview, error) {
	set, err := readSet(cmd, f.files)
	if err != nil {
		return nil, err
	}
	candidate, err := f.someone(cmd.Context())
	if err != nil {
		return nil, err
	}
	p, err := set.Preview(name, candidate, time.Now())
	if p == nil && err == nil {
		known := slices.Sorted(maps.Keys(set.Templates))
		return nil, fmt.Errorf("there is no message %s in these files; they have: %s", name, strings.Join(known, ", "))
	}
	return p, err
}

// someone is the candidate who is named, in the language that is asked for, or one who does not exist.
func (f *previewFlags) someone(ctx context.Context) (*crm.Candidate, error) {
	candidate := dsl.SampleCandidate(f.locale)
	if f.candidate == "" {
		return &candidate, nil
	}
	c, err := f.open()
	if err != nil {
		return nil, err
	}
	details, err := c.Candidate(ctx, f.candidate)
	if err != nil {
		return nil, err
	}
	candidate = details.Candidate
	if f.locale != "" {
		candidate.Locale = f.locale
	}
	return &candidate, nil
}

// write writes the files and says what they are.
func (f *previewFlags) write(cmd *cobra.Command, p *dsl.Preview) error {
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	base := filepath.Join(f.out, p.Name)
	if p.Locale != "" {
		base += "." + p.Locale
	}
	out := cmd.OutOrStdout()
	fmt.Fprint(out, headOf(p))
	if err := writePreview(cmd, base+".txt", []byte(p.Text)); err != nil || p.Channel != crm.Email {
		return err
	}
	if err := writePreview(cmd, base+".html", []byte(p.HTML)); err != nil {
		return err
	}
	camera, err := findCamera(f.browser, f.dark)
	if errors.Is(err, errNoBrowser) {
		fmt.Fprintln(out, "no pictures: there is no Chromium on this machine; install one, or name it with --browser")
		return nil
	}
	if err != nil {
		return err
	}
	for _, view := range []struct {
		name  string
		width int
	}{{"phone", 390}, {"desktop", 1280}} {
		name := base + "." + view.name
		if f.dark {
			name += ".dark"
		}
		picture, err := camera.shoot(cmd.Context(), p.HTML, view.width)
		if err != nil {
			return err
		}
		if err := writePreview(cmd, name+".png", picture); err != nil {
			return err
		}
	}
	return nil
}

func writePreview(cmd *cobra.Command, name string, content []byte) error {
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "wrote "+name)
	return nil
}

// headOf says what stands around a message, and of a text message all of it.
func headOf(p *dsl.Preview) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s%s\n", name, value)
		}
	}
	line("from", p.From)
	line("to", p.To)
	line("subject", p.Subject)
	line("preview", p.Preview)
	if p.Channel == crm.SMS {
		segments := strconv.Itoa(p.Segments)
		if p.Unicode {
			segments += ", in Unicode: a segment holds 70 characters, or 67 of several, instead of 160 and 153"
		}
		line("segments", segments)
		line("price", p.Price)
		b.WriteString("\n" + p.Text + "\n\n")
	}
	return b.String()
}
